//! The code of a walker: its trait impl, the calls of its hooks, and its registration.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ItemImpl;
use syn::ext::IdentExt;

use crate::errors::located;
use crate::hooks::{Hook, Visit};

/// What is known of a walker once its impl block is read.
pub struct Walker<'a> {
    /// The impl block, without markers.
    pub item: &'a ItemImpl,
    /// The name under which it is spawned by message.
    pub name: String,
    /// The body of `options`, `None` for the default.
    pub options: Option<TokenStream>,
    /// The hooks, in the order in which they run at a node.
    pub hooks: &'a [Hook],
}

/// Implements `Walker` and registers the type.
pub fn implementation(walker: &Walker) -> TokenStream {
    let Walker { item, name, options, hooks } = walker;
    let (generics, _, bounds) = item.generics.split_for_impl();
    let ty = &item.self_ty;
    let specs = hooks.iter().map(spec);
    let options = options.as_ref().map(|body| {
        quote! {
            fn options(&self) -> ::wayfare::__private::WalkOptions {
                #body
            }
        }
    });
    let (call, call_async) = (call(hooks), call_async(hooks));
    let registration = registration(walker);
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, unused_mut, unused_imports, reason = "not every walker has both kinds of hook")]
        impl #generics ::wayfare::__private::Walker for #ty #bounds {
            const NAME: &'static str = #name;

            #[inline]
            fn hooks() -> &'static [::wayfare::__private::HookSpec] {
                const { &[#(#specs),*] }
            }

            #options
            #call
            #call_async

            fn state(&self) -> ::core::option::Option<::wayfare::__private::serde_json::Value> {
                use ::wayfare::__private::capability::{CanShow, CannotShow};
                (&::wayfare::__private::capability::Probe::<Self>::new()).show(self)
            }
        }

        #registration
    }
}

fn registration(walker: &Walker) -> Option<TokenStream> {
    let Walker { item, name, .. } = walker;
    let ty = &item.self_ty;
    // A generic type is many types; a message could not say which of them it means.
    item.generics.params.is_empty().then(|| {
        quote! {
            ::wayfare::__private::inventory::submit! {
                ::wayfare::__private::WalkerType {
                    name: #name,
                    make: || {
                        #[allow(unused_imports, reason = "which of them is used depends on the type")]
                        use ::wayfare::__private::capability::{CanMake, CannotMake};
                        (&::wayfare::__private::capability::Probe::<#ty>::new()).make()
                    },
                }
            }
        }
    })
}

fn spec(hook: &Hook) -> TokenStream {
    let name = hook.method.unraw().to_string();
    let is_async = hook.is_async;
    let target = match &hook.visit {
        None => quote!(Exit),
        Some(Visit { entities, .. }) if entities.is_empty() => quote!(Visit(::wayfare::__private::At::Any)),
        Some(Visit { entities, .. }) => {
            quote!(Visit(::wayfare::__private::At::Entities(&[#(::wayfare::__private::entity_of::<#entities>),*])))
        }
    };
    quote! {
        ::wayfare::__private::HookSpec {
            name: #name,
            target: ::wayfare::__private::HookTarget::#target,
            is_async: #is_async,
            takes_many: false,
        }
    }
}

fn call(hooks: &[Hook]) -> TokenStream {
    let arms = hooks.iter().enumerate().filter(|(_, hook)| !hook.is_async).map(|(index, hook)| {
        let result = result_of(hook, &quote!(self), &quote!(walk));
        match &hook.visit {
            None => quote!(#index => #result,),
            Some(visit) => {
                // The method says of what type the view is; where that is no entity, the error is there.
                let here = quote_spanned!(located(visit.place)=>
                    let here = ::wayfare::__private::Here::of(visited)?;
                );
                quote! {
                    #index => match occasion {
                        ::wayfare::__private::Occasion::At(visited) => {
                            #here
                            #result
                        }
                        _ => {
                            ::core::result::Result::Ok(::wayfare::__private::Step::Continue)
                        }
                    },
                }
            }
        }
    });
    quote! {
        #[inline]
        fn call(
            &mut self,
            hook: usize,
            occasion: ::wayfare::__private::Occasion<'_>,
            walk: &mut ::wayfare::__private::Walk,
        ) -> ::wayfare::__private::HookResult {
            match hook {
                #(#arms)*
                _ => ::core::result::Result::Ok(::wayfare::__private::Step::Continue),
            }
        }
    }
}

fn call_async(hooks: &[Hook]) -> TokenStream {
    let arms = hooks.iter().enumerate().filter(|(_, hook)| hook.is_async).map(|(index, hook)| {
        let result = async_result(hook);
        quote!(#index => #result,)
    });
    quote! {
        fn call_async<'a>(
            &'a mut self,
            hook: usize,
            occasion: ::wayfare::__private::Occasion<'a>,
            walk: &'a mut ::wayfare::__private::Walk,
        ) -> impl ::core::future::Future<Output = ::wayfare::__private::HookResult> + ::core::marker::Send + 'a {
            async move {
                match hook {
                    #(#arms)*
                    _ => <Self as ::wayfare::__private::Walker>::call(self, hook, occasion, walk),
                }
            }
        }
    }
}

/// What an async hook comes to.
fn async_result(hook: &Hook) -> TokenStream {
    let result = result_of(hook, &quote!(self), &quote!(walk));
    let Some(visit) = &hook.visit else { return result };
    let view = quote_spanned! {located(visit.place)=>
        match ::wayfare::__private::Here::of(visited) {
            ::core::result::Result::Ok(here) => #result,
            ::core::result::Result::Err(error) => {
                ::core::result::Result::Err(::wayfare::__private::HookFault::from(error))
            }
        }
    };
    quote! {
        match occasion {
            ::wayfare::__private::Occasion::At(visited) => #view,
            _ => ::core::result::Result::Ok(::wayfare::__private::Step::Continue),
        }
    }
}

/// The call of the method, as a `HookResult`.
fn result_of(hook: &Hook, receiver: &TokenStream, walk: &TokenStream) -> TokenStream {
    let method = &hook.method;
    let here = hook.visit.as_ref().map(|visit| quote_spanned!(located(visit.place)=> &here,));
    let walk = hook.takes_walk.then_some(walk);
    let output = located(hook.output);
    let mut call = quote_spanned!(output=> Self::#method(#receiver, #here #walk));
    if hook.is_async {
        call = quote_spanned!(output=> #call.await);
    }
    // On the return type, so that one which is no step is reported there.
    quote_spanned! {output=>
        ::core::result::Result::map_err(
            ::wayfare::__private::IntoStep::into_step(#call),
            ::wayfare::__private::HookFault::Failed,
        )
    }
}
