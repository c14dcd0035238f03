//! The code of a hook of an entity: a function without the visitor's type, and its registration.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::call_code::{Outcome, go_on, into_result, with_view};
use crate::errors::located;
use crate::hosts::HostHook;

/// Registers a hook of an entity.
pub fn registration(entity: &Type, hook: &HostHook) -> TokenStream {
    let name = hook.method.unraw().to_string();
    // On the user's types, where one that is no walker is then reported.
    let visitor = &hook.visitor;
    let visitor = quote_spanned!(located(visitor.span())=> visitor::<#visitor>);
    let bound = bound(entity);
    let answer = answer(entity, hook);
    let call = if hook.is_async { quote!(Async) } else { quote!(Sync) };
    // One use of what asks for an entity, so that a type that is none is one error.
    let registered = quote_spanned!(located(entity.span())=> registered());
    quote! {
        const _: () = {
            #answer

            const fn visitor<W: ::wayfare::__private::Walker>() -> fn() -> ::core::any::TypeId {
                ::core::any::TypeId::of::<W>
            }

            const fn registered() -> ::wayfare::__private::HostHook
            where
                #bound,
            {
                ::wayfare::__private::HostHook {
                    name: #name,
                    entity: ::wayfare::__private::entity_of::<#entity>,
                    visitor: #visitor(),
                    call: ::wayfare::__private::HostCall::#call(answer),
                }
            }

            ::wayfare::__private::inventory::submit! { #registered }
        };
    }
}

/// That the type is an entity: asked for on the user's type, where one that is none is then reported.
fn bound(entity: &Type) -> TokenStream {
    quote_spanned!(located(entity.span())=> for<'any> #entity: ::wayfare::__private::Entity)
}

fn answer(entity: &Type, hook: &HostHook) -> TokenStream {
    let body = body(entity, hook);
    let bound = bound(entity);
    let allow = quote!(#[allow(unused_variables, reason = "not every hook takes the walk")]);
    if hook.is_async {
        return quote! {
            #allow
            fn answer<'a>(
                visited: &'a ::wayfare::__private::Visited,
                visitor: &'a mut (dyn ::core::any::Any + ::core::marker::Send),
                walk: &'a mut ::wayfare::__private::Walk,
            ) -> ::wayfare::__private::HostFuture<'a>
            where
                #bound,
            {
                ::std::boxed::Box::pin(async move { #body })
            }
        };
    }
    quote! {
        #allow
        fn answer(
            visited: &::wayfare::__private::Visited,
            visitor: &mut (dyn ::core::any::Any + ::core::marker::Send),
            walk: &mut ::wayfare::__private::Walk,
        ) -> ::wayfare::__private::HookResult
        where
            #bound,
        {
            #body
        }
    }
}

fn body(entity: &Type, hook: &HostHook) -> TokenStream {
    let HostHook { method, visitor, .. } = hook;
    let walk = hook.takes_walk.then(|| quote!(walk));
    let wait = hook.is_async.then(|| quote!(.await));
    let call = quote_spanned!(located(hook.output)=> <#entity>::#method(&*here, visitor, #walk)#wait);
    let result = into_result(hook.output, Outcome::Step, &call);
    let view = quote!(::wayfare::__private::Here::<#entity>::of(visited));
    let seen = with_view(&view, &result);
    let go_on = go_on();
    quote! {
        match <dyn ::core::any::Any + ::core::marker::Send>::downcast_mut::<#visitor>(visitor) {
            ::core::option::Option::Some(visitor) => #seen,
            ::core::option::Option::None => #go_on,
        }
    }
}
