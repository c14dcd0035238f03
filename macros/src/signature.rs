//! What the signatures of all hooks have in common: qualifiers, `self`, and the walk.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{FnArg, GenericParam, ImplItemFn, Receiver, ReceiverKind, ReturnType, Type};

use crate::errors::Errors;
use crate::here::sees_node;

/// The signature of a marked method.
pub struct Signature<'a> {
    /// The method.
    pub method: &'a ImplItemFn,
    receiver: Option<&'a Receiver>,
    /// The types of the parameters beside `self`.
    pub types: Vec<&'a Type>,
}

/// How a hook takes `self`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receives {
    /// `&mut self`, or `&self` where that is enough.
    Reference,
    /// `&self` only, and what to write in place of `&mut self`.
    Shared(&'static str),
}

impl<'a> Signature<'a> {
    /// The signature of a method.
    pub fn of(method: &'a ImplItemFn) -> Self {
        let (mut receiver, mut types) = (None, Vec::new());
        for input in &method.sig.inputs {
            match input {
                FnArg::Receiver(found) => receiver = Some(found),
                FnArg::Typed(parameter) => types.push(&*parameter.ty),
            }
        }
        Self { method, receiver, types }
    }

    /// Refuses what no hook can be; `instead` says what to write in place of a generic one.
    pub fn check_qualifiers(&self, instead: &str, errors: &mut Errors) {
        if let Some(cfg) = self.method.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            errors.at(cfg, "a hook cannot come and go: put the condition inside its body");
        }
        if let syn::Safety::Unsafe(token) = &self.method.sig.safety {
            errors.at(token, "the runtime calls hooks from safe code: put the `unsafe` inside its body");
        }
        let is_lifetime = |param: &&GenericParam| matches!(param, GenericParam::Lifetime(_));
        if let Some(param) = self.method.sig.generics.params.iter().find(|param| !is_lifetime(param)) {
            errors.at(param, format!("a hook cannot be generic: {instead}"));
        }
    }

    /// Refuses a `self` that the runtime cannot give.
    pub fn check_receiver(&self, wanted: Receives, errors: &mut Errors) {
        let Some(receiver) = self.receiver else {
            let first = if wanted == Receives::Reference { "&mut self" } else { "&self" };
            let message = format!("a hook is a method: make `{first}` its first parameter");
            return errors.at(&self.method.sig.ident, message);
        };
        // Whether it is by reference, and whether that is exclusive.
        let mutable = match &receiver.kind {
            ReceiverKind::Reference(_, _, mutability) => Some(mutability.is_some()),
            ReceiverKind::Typed(_, ty) => match plain(ty) {
                Type::Reference(reference) => Some(reference.mutability.is_some()),
                _ => None,
            },
            _ => None,
        };
        match (wanted, mutable) {
            (_, Some(false)) | (Receives::Reference, Some(true)) => {}
            (Receives::Shared(instead), _) => errors.at(receiver, instead),
            (Receives::Reference, None) => errors
                .at(receiver, "the walk goes on with the walker after a hook: take `&mut self` or `&self`"),
        }
    }

    /// Whether the parameter at this place is the walk, where there is one. It is the last.
    ///
    /// `nowhere` says which hook it is, of one that runs at no node.
    pub fn check_walk(&self, place: usize, nowhere: Option<&str>, errors: &mut Errors) -> bool {
        let Some(ty) = self.types.get(place) else { return false };
        let message = match (plain(ty), nowhere) {
            (Type::Reference(found), _) if is_named(&found.elem, "Walk") && found.mutability.is_some() => {
                return true;
            }
            (Type::Reference(found), Some(hook)) if sees_node(&found.elem) => {
                format!("{hook} runs at no node: take `walk: &mut Walk` or nothing")
            }
            _ => "the walk is taken as `walk: &mut Walk`".into(),
        };
        errors.at(ty, message);
        false
    }

    /// Refuses parameters beyond this many; `instead` says whence a hook has what else it needs.
    pub fn check_end(&self, count: usize, instead: &str, errors: &mut Errors) {
        if let Some(more) = self.types.get(count) {
            errors.at(more, format!("one parameter too many: what else a hook needs {instead}"));
        }
    }

    /// Whether it is an `async fn`.
    pub fn is_async(&self) -> bool {
        self.method.sig.asyncness.is_some()
    }

    /// Where the return type stands, or what stands for it.
    pub fn output(&self) -> Span {
        match &self.method.sig.output {
            ReturnType::Default => self.method.sig.ident.span(),
            ReturnType::Type(_, output) => output.span(),
        }
    }
}

/// Whether a type is a path that ends in this name.
pub fn is_named(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = plain(ty) else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == name)
}

/// The type without the invisible groups that `macro_rules` puts around it.
pub fn plain(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            plain => return plain,
        };
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    const SHARED: Receives = Receives::Shared("take `&self`");

    fn errors_of(wanted: Receives, method: &ImplItemFn) -> Vec<String> {
        let mut errors = Errors::default();
        let signature = Signature::of(method);
        signature.check_qualifiers("write two", &mut errors);
        signature.check_receiver(wanted, &mut errors);
        signature.check_walk(0, Some("a hook"), &mut errors);
        signature.check_end(1, "is elsewhere", &mut errors);
        errors.texts()
    }

    #[test]
    fn what_a_hook_may_be_passes() {
        let methods: [ImplItemFn; 4] = [
            syn::parse_quote!(
                fn f(&self) {}
            ),
            syn::parse_quote!(
                async fn f<'a>(&'a self, walk: &'a mut Walk) {}
            ),
            syn::parse_quote!(
                fn f(self: &Self, walk: &mut wayfare::Walk) {}
            ),
            syn::parse_quote!(
                const fn f(&self) -> u8 {
                    1
                }
            ),
        ];
        for method in methods {
            let text = method.to_token_stream().to_string();
            assert_eq!(errors_of(SHARED, &method), Vec::<String>::new(), "{text}");
            assert_eq!(errors_of(Receives::Reference, &method), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn an_exclusive_receiver_is_refused_where_visits_share_the_walker() {
        let methods: [ImplItemFn; 3] = [
            syn::parse_quote!(
                fn f(&mut self) {}
            ),
            syn::parse_quote!(
                fn f(self: &mut Self) {}
            ),
            syn::parse_quote!(
                fn f(self) {}
            ),
        ];
        for method in methods {
            assert_eq!(errors_of(SHARED, &method), ["take `&self`"]);
        }
        assert!(
            errors_of(
                Receives::Reference,
                &syn::parse_quote!(
                    fn f(&mut self) {}
                )
            )
            .is_empty()
        );
    }

    #[test]
    fn each_fault_of_a_signature_is_one_error() {
        let methods: [ImplItemFn; 7] = [
            syn::parse_quote!(
                fn f() {}
            ),
            syn::parse_quote!(
                fn f(self) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, walk: &Walk) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, here: &Here) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, walk: &mut Walk, more: u8) {}
            ),
            syn::parse_quote!(
                fn f<T>(&mut self) {}
            ),
            syn::parse_quote!(
                unsafe fn f(&mut self) {}
            ),
        ];
        for method in methods {
            let text = method.to_token_stream().to_string();
            assert_eq!(errors_of(Receives::Reference, &method).len(), 1, "{text}");
        }
    }
}
