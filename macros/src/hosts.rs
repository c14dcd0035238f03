//! `#[hosts]`: from an impl block of an entity to the hooks with which it answers its visitors.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Attribute, ImplItem, ImplItemFn, Item, ItemImpl, Type};

use crate::errors::Errors;
use crate::hosts_code::registration;
use crate::impl_block;
use crate::marker::{Marker, Markers};
use crate::signature::{Receives, Signature, is_named, plain};

const SHARED: Receives =
    Receives::Shared("an entity is read while it is visited: take `&self`, and write through the walk");

/// A hook of an entity whose signature is right.
pub struct HostHook {
    /// The method.
    pub method: Ident,
    /// The walker that it answers.
    pub visitor: Type,
    /// Whether it has a `walk` parameter.
    pub takes_walk: bool,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Where its return type stands, for errors about that.
    pub output: Span,
}

/// Expands the attribute; errors come with the item, so that its other uses still compile.
pub fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    if !args.is_empty() {
        let message = "`#[hosts]` takes no arguments: the block names the entity, and the first parameter \
                       of each hook the walker that it answers";
        errors.at(args, message);
    }
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(item)) => expand_impl(item, errors),
        Ok(other) => {
            let message = "put `#[hosts]` on an impl block of the entity, with the hooks";
            impl_block::misplaced(message, &other, &mut errors);
            let report = errors.into_code();
            quote!(#item #report)
        }
        Err(error) => error.to_compile_error(),
    }
}

fn expand_impl(mut item: ItemImpl, mut errors: Errors) -> TokenStream {
    let hooks = take(&mut item, &mut errors);
    if let Some((path, _)) = &item.trait_ {
        let message = "put `#[hosts]` on an impl block of the entity itself, not on that of a trait";
        errors = Errors::default();
        errors.at(path, message);
    } else if !item.generics.params.is_empty() {
        // What is wrong with the hooks may follow from their parameters.
        errors = Errors::default();
        let message = "an entity has no parameters, and so the impl block of its hooks has none: \
                       write `#[hosts] impl City { … }`";
        errors.at(&item.generics, message);
    } else if impl_block::type_name(&item.self_ty).is_none() {
        errors.at(&item.self_ty, "an entity is a struct: write `#[hosts] impl City { … }`");
    }
    if let Some(report) = errors.into_code() {
        return quote!(#item #report);
    }
    let registrations = hooks.iter().map(|hook| registration(&item.self_ty, hook));
    quote!(#item #(#registrations)*)
}

fn take(item: &mut ItemImpl, errors: &mut Errors) -> Vec<HostHook> {
    let mut hooks = Vec::new();
    let mut marked = false;
    for item in &mut item.items {
        let ImplItem::Fn(method) = item else { continue };
        let markers = Markers::take(method);
        marked |= !markers.is_empty();
        if let Some((marker, attr)) = markers.only(errors) {
            hooks.extend(read(*marker, attr, method, errors));
        }
        crate::here::spell_lifetimes(method);
    }
    if !marked {
        errors.at(&item.self_ty, "no hooks here: mark at least one method with `#[on_visit]`");
    }
    hooks
}

fn read(marker: Marker, attr: &Attribute, method: &ImplItemFn, errors: &mut Errors) -> Option<HostHook> {
    let mut found = Errors::default();
    if marker != Marker::Visit {
        found.at(attr, "an entity answers visits: mark its hooks with `#[on_visit]`");
    } else if attr.meta.require_path_only().is_err() {
        found.at(attr, "the impl block names the entity: write `#[on_visit]` without a list here");
    }
    let signature = Signature::of(method);
    signature.check_qualifiers("write a hook for each walker that it answers", &mut found);
    signature.check_receiver(SHARED, &mut found);
    let visitor = visitor(&signature, &mut found);
    // Parameters in the wrong order are one mistake, and the visitor has reported it.
    let takes_walk = visitor.is_some() && signature.check_walk(1, None, &mut found);
    signature.check_end(2, "comes from the entity, the visitor and the walk", &mut found);
    if let Some(error) = found.into_error() {
        errors.push(error);
        return None;
    }
    Some(HostHook {
        method: method.sig.ident.clone(),
        visitor: visitor?,
        takes_walk,
        is_async: signature.is_async(),
        output: signature.output(),
    })
}

/// `W` of the first parameter `visitor: &mut W`.
fn visitor(signature: &Signature, errors: &mut Errors) -> Option<Type> {
    let Some(parameter) = signature.types.first() else {
        let message = "a hook of an entity answers a walker: add `visitor: &mut Tourist`";
        errors.at(&signature.method.sig.ident, message);
        return None;
    };
    let by_name = |ty: &Type| matches!(ty, Type::Path(_)) && !is_named(ty, "Walk") && !is_named(ty, "Here");
    match plain(parameter) {
        Type::Reference(reference) if reference.mutability.is_some() && by_name(plain(&reference.elem)) => {
            Some(plain(&reference.elem).clone())
        }
        _ => {
            let message = "the first parameter of a hook of an entity is the walker that it answers: \
                           write `visitor: &mut Tourist`";
            errors.at(parameter, message);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(mut item: ItemImpl) -> (Vec<HostHook>, Vec<String>) {
        let mut errors = Errors::default();
        let hooks = take(&mut item, &mut errors);
        (hooks, errors.texts())
    }

    #[test]
    fn marked_methods_are_hooks_and_others_are_not() {
        let (hooks, errors) = taken(syn::parse_quote!(impl City {
            #[on_visit] fn welcome(&self, visitor: &mut geo::Tourist, walk: &mut Walk) -> Step { todo!() }
            #[on_visit] async fn wait(&self, visitor: &mut Tourist) {}
            fn unmarked(&mut self) {}
        }));
        assert_eq!(errors, Vec::<String>::new());
        let [welcome, wait] = hooks.as_slice() else { panic!("{} hooks", hooks.len()) };
        assert!(welcome.takes_walk && !welcome.is_async && !wait.takes_walk && wait.is_async);
    }

    #[test]
    fn each_misuse_is_one_error() {
        let methods: [ImplItemFn; 10] = [
            syn::parse_quote!(
                #[on_visit]
                fn f(&mut self, visitor: &mut Tourist) {}
            ),
            syn::parse_quote!(
                #[on_visit]
                fn f(&self) {}
            ),
            syn::parse_quote!(
                #[on_visit]
                fn f(&self, visitor: &Tourist) {}
            ),
            syn::parse_quote!(
                #[on_visit]
                fn f(&self, walk: &mut Walk, visitor: &mut Tourist) {}
            ),
            syn::parse_quote!(
                #[on_visit]
                fn f(&self, here: &Here<City>) {}
            ),
            syn::parse_quote!(
                #[on_visit]
                fn f(&self, visitor: &mut impl Walker) {}
            ),
            syn::parse_quote!(
                #[on_visit]
                fn f<W>(&self, visitor: &mut W) {}
            ),
            syn::parse_quote!(
                #[on_visit(City)]
                fn f(&self, visitor: &mut Tourist) {}
            ),
            syn::parse_quote!(
                #[on_exit]
                fn f(&self, visitor: &mut Tourist) {}
            ),
            syn::parse_quote!(
                #[on_visit]
                fn f(&self, visitor: &mut Tourist, walk: &mut Walk, more: u8) {}
            ),
        ];
        for method in methods {
            let text = quote!(#method).to_string();
            let (_, errors) = taken(syn::parse_quote!(impl City { #method }));
            assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        }
        assert_eq!(taken(syn::parse_quote!(impl City {})).1.len(), 1);
    }

    #[test]
    fn a_block_of_another_kind_is_one_error() {
        for block in [
            quote!(
                impl<T> Guide<T> {
                    #[on_visit]
                    fn f(&mut self, visitor: &mut T) {}
                }
            ),
            quote!(impl Welcome for City { #[on_visit] fn f(&self) {} }),
            quote!(impl City {}),
            quote!(
                struct City {}
            ),
        ] {
            let code = expand(quote!(), block.clone()).to_string();
            assert_eq!(code.matches("compile_error").count(), 1, "{block}: {code}");
        }
    }
}
