//! `#[on_merge]`: what takes in the outputs of visits that ran at the same time.

use proc_macro2::{Ident, Span};
use syn::{Attribute, ImplItemFn, Type};

use crate::errors::Errors;
use crate::here::sees_node;
use crate::hooks::without_arguments;
use crate::marker::Marker;
use crate::signature::{Receives, Signature, plain};

/// A merge whose signature is right.
pub struct Merge {
    /// The method.
    pub method: Ident,
    /// What visit hooks return, and this takes.
    pub output: Type,
    /// Whether it has a `walk` parameter.
    pub takes_walk: bool,
    /// Where its return type stands, for errors about that.
    pub returns: Span,
}

impl Merge {
    /// Reads the marked method; `None` after adding errors.
    pub fn read(attr: &Attribute, method: &ImplItemFn, errors: &mut Errors) -> Option<Self> {
        let mut found = Errors::default();
        let reason = "its first parameter says what it takes in";
        found.keep(without_arguments(Marker::Merge, attr, reason));
        let signature = Signature::of(method);
        if let Some(token) = &method.sig.asyncness {
            let message = "outputs are taken in between visits, where nothing waits: drop `async`, \
                           and wait in a visit hook";
            found.at(token, message);
        }
        signature.check_qualifiers("its parameter is the one type that visit hooks return", &mut found);
        signature.check_receiver(Receives::Reference, &mut found);
        let output = output(&signature, &mut found);
        // Parameters in the wrong order are one mistake, and the output has reported it.
        let takes_walk = output.is_some() && signature.check_walk(1, None, &mut found);
        signature.check_end(2, "belongs in the walker's fields", &mut found);
        if let Some(error) = found.into_error() {
            errors.push(error);
            return None;
        }
        let returns = signature.output();
        Some(Self { method: method.sig.ident.clone(), output: output?, takes_walk, returns })
    }
}

fn output(signature: &Signature, errors: &mut Errors) -> Option<Type> {
    let Some(parameter) = signature.types.first() else {
        let message = "an `#[on_merge]` hook takes in what a visit hook returns: add it, as `people: u64`";
        errors.at(&signature.method.sig.ident, message);
        return None;
    };
    let borrowed = match plain(parameter) {
        Type::Reference(reference) => {
            reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static")
        }
        Type::ImplTrait(_) => true,
        other => sees_node(other),
    };
    if borrowed {
        let message = "the first parameter of an `#[on_merge]` hook is what a visit hook returns, by value: \
                       write `people: u64`";
        errors.at(parameter, message);
        return None;
    }
    Some((*parameter).clone())
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    fn read(method: &ImplItemFn) -> (Option<Merge>, Vec<String>) {
        let mut errors = Errors::default();
        let merge = Merge::read(&syn::parse_quote!(#[on_merge]), method, &mut errors);
        (merge, errors.texts())
    }

    #[test]
    fn the_output_is_the_type_of_the_first_parameter() {
        let method: ImplItemFn = syn::parse_quote!(
            fn add(&mut self, found: (u64, &'static str), walk: &mut Walk) {}
        );
        assert!(read(&method).1.is_empty() && read(&method).0.unwrap().takes_walk);
        let method: ImplItemFn = syn::parse_quote!(
            fn add(&mut self, found: &'static str) {}
        );
        let merge = read(&method).0.unwrap();
        assert_eq!(merge.output.to_token_stream().to_string(), "& 'static str");
        assert!(!merge.takes_walk);
    }

    #[test]
    fn each_misuse_is_one_error() {
        let methods: [ImplItemFn; 7] = [
            syn::parse_quote!(
                async fn f(&mut self, people: u64) {}
            ),
            syn::parse_quote!(
                fn f(&mut self) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, walk: &mut Walk) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, people: &u64) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, people: u64, more: u64) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, people: u64, walk: &mut Walk, more: u64) {}
            ),
            syn::parse_quote!(
                fn f<T>(&mut self, people: T) {}
            ),
        ];
        for method in methods {
            let text = method.to_token_stream().to_string();
            assert_eq!(read(&method).1.len(), 1, "{text}");
        }
    }
}
