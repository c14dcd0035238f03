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
    let visitor = &hook.visitor;
    let answer = answer(entity, hook);
    let call = if hook.is_async { quote!(Async) } else { quote!(Sync) };
    // Both where the entity stands, so that a type that is none is one error.
    let span = located(entity.span());
    let (entity_of, answer_of) = (quote_spanned!(span=> entity), quote_spanned!(span=> answer));
    let bound = bound(entity);
    quote! {
        const _: () = {
            #answer

            fn entity() -> (::wayfare::__private::Kind, ::wayfare::__private::EntityName)
            where
                #bound,
            {
                ::wayfare::__private::entity_of::<#entity>()
            }

            fn visitor<W: ::wayfare::__private::Walker>() -> ::core::any::TypeId {
                ::core::any::TypeId::of::<W>()
            }

            ::wayfare::__private::inventory::submit! {
                ::wayfare::__private::HostHook {
                    name: #name,
                    entity: #entity_of,
                    visitor: visitor::<#visitor>,
                    call: ::wayfare::__private::HostCall::#call(#answer_of),
                }
            }
        };
    }
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

/// Asked for where the function is named and not in its body, so that a type that is no entity is one error.
fn bound(entity: &Type) -> TokenStream {
    quote!(for<'any> #entity: ::wayfare::__private::Entity)
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
