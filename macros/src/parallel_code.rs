//! The code of a walker whose visits run at the same time: `ParallelWalker`, and how the runtime learns of it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Type, WhereClause};

use crate::call_code::{Outcome, arm, dispatch, into_result};
use crate::errors::located;
use crate::walker_code::Walker;

/// `Walker::parallel`, of a parallel walker.
pub fn parallel(walker: &Walker) -> Option<TokenStream> {
    let max_workers = walker.max_workers?;
    // On the user's type, where one that cannot be shared is then reported.
    let parallel = quote_spanned! {located(walker.item.self_ty.span())=>
        ::wayfare::__private::Parallel::of(#max_workers)
    };
    Some(quote! {
        fn parallel() -> ::core::option::Option<::wayfare::__private::Parallel<Self>> {
            ::core::option::Option::Some(#parallel)
        }
    })
}

/// Implements `ParallelWalker`, of a parallel walker.
pub fn implementation(walker: &Walker) -> Option<TokenStream> {
    walker.max_workers?;
    let (generics, ..) = walker.item.generics.split_for_impl();
    let ty = &walker.item.self_ty;
    let bounds = bounds(walker);
    let output = match &walker.hooks.merge {
        Some(merge) => {
            let output = &merge.output;
            quote!(#output)
        }
        None => quote!(::wayfare::__private::Step),
    };
    let call_shared = call_shared(walker, &output);
    let merge = merge(walker, &output);
    Some(quote! {
        #[automatically_derived]
        #[allow(unused_variables, reason = "not every walker looks at its walk")]
        impl #generics ::wayfare::__private::ParallelWalker for #ty #bounds {
            type Output = #output;

            #call_shared
            #merge
        }
    })
}

/// The bounds of the impl block, and that the type can be shared: asked for here, on the user's type, because
/// the trait would ask for it of the whole block. A bound on a type without parameters must have some
/// lifetime to be a promise that the impl may rely on.
fn bounds(walker: &Walker) -> WhereClause {
    let ty: &Type = &walker.item.self_ty;
    let shared = quote_spanned!(located(ty.span())=> for<'any> #ty: ::core::marker::Sync);
    let (_, _, bounds) = walker.item.generics.split_for_impl();
    let mut bounds = bounds.cloned().unwrap_or_else(|| syn::parse_quote!(where));
    bounds.predicates.push(syn::parse_quote!(#shared));
    bounds
}

fn call_shared(walker: &Walker, output: &TokenStream) -> TokenStream {
    let outcome = walker.hooks.merge.as_ref().map_or(Outcome::Step, |merge| Outcome::Output(&merge.output));
    let otherwise = quote! {
        ::core::result::Result::Err(::wayfare::__private::HookFault::Failed(
            <::wayfare::__private::HookError as ::core::convert::From<&str>>::from(
                "this hook does not run at the same time as others, or not on this occasion",
            ),
        ))
    };
    let arms = walker.numbered(true).map(|(index, hook)| arm(index, hook, outcome, &otherwise));
    let body = dispatch(arms, &otherwise);
    quote! {
        fn call_shared<'a>(
            &'a self,
            hook: usize,
            occasion: ::wayfare::__private::Occasion<'a>,
            walk: &'a mut ::wayfare::__private::Walk,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<#output, ::wayfare::__private::HookFault>,
        > + ::core::marker::Send + 'a {
            async move { #body }
        }
    }
}

fn merge(walker: &Walker, output: &TokenStream) -> TokenStream {
    let body = match &walker.hooks.merge {
        None => quote!(::core::result::Result::Ok(output)),
        Some(merge) => {
            let method = &merge.method;
            let walk = merge.takes_walk.then(|| quote!(walk));
            let call = quote_spanned!(located(merge.returns)=> Self::#method(self, output, #walk));
            into_result(merge.returns, Outcome::Step, &call)
        }
    };
    let step_of = walker.hooks.merge.is_none().then(|| {
        quote! {
            fn step_of(output: &#output) -> ::wayfare::__private::Step {
                *output
            }
        }
    });
    quote! {
        #step_of

        fn merge(
            &mut self,
            output: #output,
            walk: &mut ::wayfare::__private::Walk,
        ) -> ::wayfare::__private::HookResult {
            #body
        }
    }
}
