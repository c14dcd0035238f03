//! The calls of hooks: from an occasion to what the method is told, and from what it returns to a result.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;

use crate::errors::located;
use crate::hooks::{Hook, Target};

/// What the returned value of a hook becomes.
#[derive(Clone, Copy)]
pub enum Outcome<'a> {
    /// A step.
    Step,
    /// An output of this type, for the merge.
    Output(&'a Type),
}

/// A `match` over `(hook, occasion)`, or only `otherwise` where there are no arms.
pub fn dispatch(arms: impl Iterator<Item = TokenStream>, otherwise: &TokenStream) -> TokenStream {
    let arms: Vec<TokenStream> = arms.collect();
    if arms.is_empty() {
        return otherwise.clone();
    }
    quote! {
        match (hook, occasion) {
            #(#arms)*
            _ => #otherwise,
        }
    }
}

/// The arm of a hook: its number and occasion, and the call as a result.
pub fn arm(index: usize, hook: &Hook, outcome: Outcome<'_>, otherwise: &TokenStream) -> TokenStream {
    let result = call(hook, outcome);
    match &hook.target {
        Target::Enter | Target::Exit => {
            quote!((#index, ::wayfare::__private::Occasion::Alone) => #result,)
        }
        Target::Event(event) => quote! {
            (#index, ::wayfare::__private::Occasion::Event(event)) => {
                match <dyn ::core::any::Any + ::core::marker::Send + ::core::marker::Sync>::downcast_ref::<#event>(
                    event,
                ) {
                    ::core::option::Option::Some(event) => #result,
                    ::core::option::Option::None => #otherwise,
                }
            }
        },
        Target::Visit(place) | Target::Leave(place) => {
            let (occasion, view) = if place.many { ("Many", "many") } else { ("At", "of") };
            let occasion = quote::format_ident!("{occasion}");
            let view = quote::format_ident!("{view}");
            // The method says of what type the view is; where that is no entity, the error is there.
            let view = quote_spanned!(located(place.span)=> ::wayfare::__private::Here::#view(visited));
            let seen = with_view(&view, &result);
            quote!((#index, ::wayfare::__private::Occasion::#occasion(visited)) => #seen,)
        }
    }
}

/// The result with `here` at hand, or why the node could not be read.
pub fn with_view(view: &TokenStream, result: &TokenStream) -> TokenStream {
    quote! {
        match #view {
            ::core::result::Result::Ok(here) => #result,
            ::core::result::Result::Err(error) => {
                ::core::result::Result::Err(::wayfare::__private::HookFault::from(error))
            }
        }
    }
}

/// The value that a hook returned as a result, on its return type: one that is no step is reported there.
pub fn into_result(span: proc_macro2::Span, outcome: Outcome<'_>, returned: &TokenStream) -> TokenStream {
    let span = located(span);
    let into = match outcome {
        Outcome::Step => quote_spanned!(span=> ::wayfare::__private::IntoStep::into_step),
        Outcome::Output(output) => {
            quote_spanned!(span=> ::wayfare::__private::IntoOutput::<#output>::into_output)
        }
    };
    quote_spanned! {span=>
        ::core::result::Result::map_err(#into(#returned), ::wayfare::__private::HookFault::Failed)
    }
}

/// Nothing came of it, and the walk goes on.
pub fn go_on() -> TokenStream {
    quote!(::core::result::Result::Ok(::wayfare::__private::Step::Continue))
}

fn call(hook: &Hook, outcome: Outcome<'_>) -> TokenStream {
    let method = &hook.method;
    let told = match &hook.target {
        Target::Enter | Target::Exit => None,
        Target::Event(_) => Some(quote!(event,)),
        Target::Visit(place) | Target::Leave(place) => Some(quote_spanned!(located(place.span)=> &here,)),
    };
    let walk = hook.takes_walk.then(|| quote!(walk));
    let wait = hook.is_async.then(|| quote!(.await));
    let call = quote_spanned!(located(hook.output)=> Self::#method(self, #told #walk)#wait);
    into_result(hook.output, outcome, &call)
}
