//! The signatures that hooks may have.

use syn::{
    FnArg, GenericArgument, GenericParam, ImplItemFn, Lifetime, PathArguments, Receiver, ReceiverKind, Type,
};

use crate::errors::Errors;
use crate::hooks::Marker;

/// The parameters of a hook beside `self`.
pub struct Parameters<'a> {
    /// The node, of visit hooks.
    pub here: Option<Here<'a>>,
    /// Whether there is a `walk`.
    pub walk: bool,
}

/// A parameter `here: &Here<T>`.
pub struct Here<'a> {
    /// The type of the parameter.
    pub parameter: &'a Type,
    /// `T`, unless the hook sees documents.
    pub entity: Option<Type>,
}

/// Checks the signature of a hook; `None` after adding errors.
pub fn check<'a>(marker: Marker, method: &'a ImplItemFn, errors: &mut Errors) -> Option<Parameters<'a>> {
    let mut found = Errors::default();
    check_qualifiers(method, &mut found);
    let mut inputs = method.sig.inputs.iter().peekable();
    match inputs.next_if(|input| matches!(input, FnArg::Receiver(_))) {
        Some(FnArg::Receiver(receiver)) => check_receiver(receiver, &mut found),
        _ => found.at(&method.sig.ident, "a hook is a method: make `&mut self` its first parameter"),
    }
    let mut types = inputs.filter_map(|input| match input {
        FnArg::Typed(parameter) => Some(&*parameter.ty),
        FnArg::Receiver(_) => None,
    });
    let here = match marker {
        Marker::OnVisit => check_here(method, types.next(), &mut found),
        Marker::OnExit => None,
    };
    let walk = types.next();
    // Parameters in the wrong order are one mistake, and `here` has reported it.
    if let Some(walk) = walk.filter(|_| marker == Marker::OnExit || here.is_some()) {
        check_walk(marker, walk, &mut found);
    }
    if let Some(third) = types.next() {
        found.at(third, "one parameter too many: what else a hook needs belongs in the walker's fields");
    }
    match found.into_error() {
        Some(error) => {
            errors.push(error);
            None
        }
        None => Some(Parameters { here, walk: walk.is_some() }),
    }
}

fn check_qualifiers(method: &ImplItemFn, errors: &mut Errors) {
    if let Some(cfg) = method.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
        errors.at(cfg, "a hook cannot come and go: put the condition inside its body");
    }
    if let syn::Safety::Unsafe(token) = &method.sig.safety {
        errors.at(token, "the runtime calls hooks from safe code: put the `unsafe` inside its body");
    }
    let is_lifetime = |param: &&GenericParam| matches!(param, GenericParam::Lifetime(_));
    if let Some(param) = method.sig.generics.params.iter().find(|param| !is_lifetime(param)) {
        errors.at(param, "a hook cannot be generic: use `&Here` and decode, or write a hook for each entity");
    }
}

fn check_receiver(receiver: &Receiver, errors: &mut Errors) {
    let by_reference = match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(plain(ty), Type::Reference(_)),
        _ => false,
    };
    if !by_reference {
        errors.at(receiver, "the walk goes on with the walker after a hook: take `&mut self` or `&self`");
    }
}

fn check_here<'a>(method: &ImplItemFn, ty: Option<&'a Type>, errors: &mut Errors) -> Option<Here<'a>> {
    let example = "`here: &Here<City>`, or `here: &Here` for any entity";
    let Some(parameter) = ty else {
        errors.at(&method.sig.ident, format!("an `#[on_visit]` hook is told where it is: add {example}"));
        return None;
    };
    let here = match plain(parameter) {
        Type::Reference(reference) if reference.mutability.is_none() => seen_as(plain(&reference.elem)),
        _ => None,
    };
    let Some(entity) = here else {
        errors.at(parameter, format!("the first parameter of an `#[on_visit]` hook is {example}"));
        return None;
    };
    Some(Here { parameter, entity })
}

/// `T` of `Here<T>`, `Some(None)` of `Here<Document>` and plain `Here`, `None` of any other type.
fn seen_as(ty: &Type) -> Option<Option<Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Here")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Some(None) };
    let entity = arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(entity) => Some(entity),
        _ => None,
    });
    Some(entity.filter(|entity| !is_named(entity, "Document")).cloned())
}

/// Writes `Here<'_, City>` for `Here<City>`: an `async fn` may not leave the lifetime out.
pub fn spell_lifetimes(method: &mut ImplItemFn) {
    for input in &mut method.sig.inputs {
        let FnArg::Typed(parameter) = input else { continue };
        let Type::Reference(reference) = &mut *parameter.ty else { continue };
        let Type::Path(path) = &mut *reference.elem else { continue };
        let Some(last) = path.path.segments.last_mut().filter(|last| last.ident == "Here") else { continue };
        let lifetime = GenericArgument::Lifetime(Lifetime::new("'_", last.ident.span()));
        match &mut last.arguments {
            PathArguments::None => {
                last.arguments = PathArguments::AngleBracketed(syn::parse_quote!(<#lifetime>))
            }
            PathArguments::AngleBracketed(given) => {
                if !given.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_))) {
                    given.args.insert(0, lifetime);
                }
            }
            PathArguments::Parenthesized(_) => {}
        }
    }
}

fn check_walk(marker: Marker, ty: &Type, errors: &mut Errors) {
    let message = match plain(ty) {
        Type::Reference(reference) if is_named(&reference.elem, "Walk") && reference.mutability.is_some() => {
            return;
        }
        Type::Reference(reference)
            if marker == Marker::OnExit && seen_as(plain(&reference.elem)).is_some() =>
        {
            "an `#[on_exit]` hook runs at no node: take `walk: &mut Walk` or nothing"
        }
        _ => "the walk is taken as `walk: &mut Walk`",
    };
    errors.at(ty, message);
}

fn is_named(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = plain(ty) else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == name)
}

/// The type without the invisible groups that `macro_rules` puts around it.
fn plain(mut ty: &Type) -> &Type {
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

    fn errors_of(marker: Marker, method: ImplItemFn) -> usize {
        let mut errors = Errors::default();
        check(marker, &method, &mut errors);
        errors.texts().len()
    }

    #[test]
    fn every_spelling_of_here_is_understood() {
        let cases: [(ImplItemFn, Option<&str>); 6] = [
            (
                syn::parse_quote!(
                    fn f(&mut self, here: &Here<City>) {}
                ),
                Some("City"),
            ),
            (
                syn::parse_quote!(
                    fn f(&mut self, here: &wayfare::Here<'_, geo::City>, walk: &mut Walk) {}
                ),
                Some("geo :: City"),
            ),
            (
                syn::parse_quote!(
                    fn f<'a>(self: &mut Self, here: &'a Here<'a, City>) {}
                ),
                Some("City"),
            ),
            (
                syn::parse_quote!(
                    fn f(&self, here: &Here<'_>) {}
                ),
                None,
            ),
            (
                syn::parse_quote!(
                    fn f(&self, here: &Here) {}
                ),
                None,
            ),
            (
                syn::parse_quote!(
                    fn f(&self, here: &Here<wayfare::Document>) {}
                ),
                None,
            ),
        ];
        for (method, expected) in cases {
            let mut errors = Errors::default();
            let here = check(Marker::OnVisit, &method, &mut errors).and_then(|parameters| parameters.here);
            let entity = here.unwrap().entity.map(|entity| entity.to_token_stream().to_string());
            assert_eq!(entity.as_deref(), expected);
        }
    }

    #[test]
    fn each_fault_of_a_signature_is_one_error() {
        let visits: [ImplItemFn; 9] = [
            syn::parse_quote!(
                fn f(&mut self) {}
            ),
            syn::parse_quote!(
                fn f(self, here: &Here) {}
            ),
            syn::parse_quote!(
                fn f(here: &Here) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, here: Here) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, here: &mut Here) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, here: &Here, walk: &Walk) {}
            ),
            syn::parse_quote!(
                fn f(&mut self, here: &Here, walk: &mut Walk, more: u8) {}
            ),
            syn::parse_quote!(
                fn f<T>(&mut self, here: &Here) {}
            ),
            syn::parse_quote!(
                unsafe fn f(&mut self, here: &Here) {}
            ),
        ];
        for method in visits {
            let text = method.to_token_stream().to_string();
            assert_eq!(errors_of(Marker::OnVisit, method), 1, "{text}");
        }
        assert_eq!(
            errors_of(
                Marker::OnExit,
                syn::parse_quote!(
                    fn f(&mut self, here: &Here) {}
                )
            ),
            1
        );
        assert_eq!(
            errors_of(
                Marker::OnExit,
                syn::parse_quote!(
                    async fn f(&self, walk: &mut Walk) {}
                )
            ),
            0
        );
    }
}
