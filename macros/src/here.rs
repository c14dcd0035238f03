//! The parameter `here`: one visit, or a slice of them.

use syn::{GenericArgument, Lifetime, PathArguments, Type};

use crate::errors::Errors;
use crate::marker::Marker;
use crate::signature::{Signature, is_named, plain};

/// A parameter `here: &Here<T>` or `here: &[Here<T>]`.
pub struct Here<'a> {
    /// The type of the parameter.
    pub parameter: &'a Type,
    /// `T`, unless the hook sees documents.
    pub entity: Option<Type>,
    /// Whether it is a slice.
    pub many: bool,
}

impl<'a> Here<'a> {
    /// Reads the first parameter of a hook that runs at nodes; `None` after adding an error.
    pub fn read(marker: Marker, signature: &Signature<'a>, errors: &mut Errors) -> Option<Self> {
        let example = "`here: &Here<City>`, or `here: &Here` for any entity";
        let Some(&parameter) = signature.types.first() else {
            let message = format!("{} is told where it is: add {example}", marker.with_article());
            errors.at(&signature.method.sig.ident, message);
            return None;
        };
        match shape(parameter) {
            Shape::One(entity) => return Some(Self { parameter, entity, many: false }),
            Shape::Many(entity) if marker == Marker::Visit => {
                return Some(Self { parameter, entity, many: true });
            }
            Shape::Many(_) => {
                errors.at(parameter, format!("nodes are left one after another: write {example}"));
            }
            Shape::WrongList if marker == Marker::Visit => {
                let message = "several visits are lent as a slice: write `here: &[Here<City>]`, \
                               or `here: &[Here]` for any entity";
                errors.at(parameter, message);
            }
            Shape::WrongList | Shape::Other => {
                errors
                    .at(parameter, format!("the first parameter of {} is {example}", marker.with_article()));
            }
        }
        None
    }
}

/// What a parameter looks like.
enum Shape {
    /// `&Here<T>`.
    One(Option<Type>),
    /// `&[Here<T>]`.
    Many(Option<Type>),
    /// Several `Here`, but not so.
    WrongList,
    /// Anything else.
    Other,
}

fn shape(parameter: &Type) -> Shape {
    let (element, shared) = match plain(parameter) {
        Type::Reference(reference) => (plain(&reference.elem), reference.mutability.is_none()),
        by_value => (by_value, false),
    };
    match element {
        Type::Slice(slice) => match seen_as(&slice.elem) {
            Some(entity) if shared => Shape::Many(entity),
            Some(_) => Shape::WrongList,
            None => Shape::Other,
        },
        Type::Array(array) if sees_node(&array.elem) => Shape::WrongList,
        element if is_named(element, "Vec") && first_argument(element).is_some_and(sees_node) => {
            Shape::WrongList
        }
        element if shared => seen_as(element).map_or(Shape::Other, Shape::One),
        _ => Shape::Other,
    }
}

/// Whether a type is `Here`, or a slice of it.
pub fn sees_node(ty: &Type) -> bool {
    match plain(ty) {
        Type::Slice(slice) => seen_as(&slice.elem).is_some(),
        ty => seen_as(ty).is_some(),
    }
}

/// `T` of `Here<T>`, `Some(None)` of `Here<Document>` and plain `Here`, `None` of any other type.
fn seen_as(ty: &Type) -> Option<Option<Type>> {
    let ty = plain(ty);
    let entity = is_named(ty, "Here").then(|| first_argument(ty))?;
    Some(entity.filter(|entity| !is_named(entity, "Document")).cloned())
}

fn first_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(argument) => Some(argument),
        _ => None,
    })
}

/// Writes `Here<'_, City>` for `Here<City>`: an `async fn` may not leave the lifetime out.
pub fn spell_lifetimes(method: &mut syn::ImplItemFn) {
    for input in &mut method.sig.inputs {
        let syn::FnArg::Typed(parameter) = input else { continue };
        spell_lifetime(&mut parameter.ty);
    }
}

fn spell_lifetime(ty: &mut Type) {
    let path = match ty {
        Type::Group(group) => return spell_lifetime(&mut group.elem),
        Type::Paren(paren) => return spell_lifetime(&mut paren.elem),
        Type::Reference(reference) => return spell_lifetime(&mut reference.elem),
        Type::Slice(slice) => return spell_lifetime(&mut slice.elem),
        Type::Path(path) => path,
        _ => return,
    };
    let Some(last) = path.path.segments.last_mut().filter(|last| last.ident == "Here") else { return };
    let lifetime = GenericArgument::Lifetime(Lifetime::new("'_", last.ident.span()));
    match &mut last.arguments {
        PathArguments::None => {
            last.arguments = PathArguments::AngleBracketed(syn::parse_quote!(<#lifetime>));
        }
        PathArguments::AngleBracketed(given) => {
            if !given.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_))) {
                given.args.insert(0, lifetime);
            }
        }
        PathArguments::Parenthesized(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::ImplItemFn;

    use super::*;

    fn read(marker: Marker, parameter: &Type) -> (Option<(Option<String>, bool)>, Vec<String>) {
        let method: ImplItemFn = syn::parse_quote!(fn f(&mut self, here: #parameter) {});
        let mut errors = Errors::default();
        let here = Here::read(marker, &Signature::of(&method), &mut errors);
        let text = |entity: Type| entity.to_token_stream().to_string();
        (here.map(|here| (here.entity.map(text), here.many)), errors.texts())
    }

    #[test]
    fn every_spelling_of_here_is_understood() {
        let cases: [(Type, Option<&str>, bool); 8] = [
            (syn::parse_quote!(&Here<City>), Some("City"), false),
            (syn::parse_quote!(&wayfare::Here<'_, geo::City>), Some("geo :: City"), false),
            (syn::parse_quote!(&'a Here<'a, City>), Some("City"), false),
            (syn::parse_quote!(&Here<'_>), None, false),
            (syn::parse_quote!(&Here), None, false),
            (syn::parse_quote!(&Here<wayfare::Document>), None, false),
            (syn::parse_quote!(&[Here<User>]), Some("User"), true),
            (syn::parse_quote!(&[wayfare::Here<'_>]), None, true),
        ];
        for (parameter, entity, many) in cases {
            let found = read(Marker::Visit, &parameter);
            assert_eq!(found, (Some((entity.map(str::to_owned), many)), vec![]));
            assert_eq!(read(Marker::Leave, &parameter).0.is_some(), !many);
        }
    }

    #[test]
    fn other_parameters_are_one_error_that_says_what_to_write() {
        let cases: [(Type, &str); 7] = [
            (syn::parse_quote!(Here<City>), "`here: &Here<City>`"),
            (syn::parse_quote!(&mut Here), "`here: &Here<City>`"),
            (syn::parse_quote!(&City), "`here: &Here<City>`"),
            (syn::parse_quote!(&[City]), "`here: &Here<City>`"),
            (syn::parse_quote!(Vec<Here<City>>), "`here: &[Here<City>]`"),
            (syn::parse_quote!(&mut [Here<City>]), "`here: &[Here<City>]`"),
            (syn::parse_quote!([Here; 3]), "`here: &[Here<City>]`"),
        ];
        for (parameter, advice) in cases {
            let (here, errors) = read(Marker::Visit, &parameter);
            assert!(here.is_none() && errors.len() == 1 && errors[0].contains(advice), "{errors:?}");
            let (_, errors) = read(Marker::Leave, &parameter);
            assert!(errors.len() == 1 && errors[0].contains("`here: &Here<City>`"), "{errors:?}");
        }
    }

    #[test]
    fn lifetimes_are_spelled_in_slices_too() {
        let mut method: ImplItemFn = syn::parse_quote!(
            async fn f(&self, one: &Here, many: &[Here<City>], done: &Here<'_, City>) {}
        );
        spell_lifetimes(&mut method);
        let expected: ImplItemFn = syn::parse_quote!(
            async fn f(&self, one: &Here<'_>, many: &[Here<'_, City>], done: &Here<'_, City>) {}
        );
        assert_eq!(method.to_token_stream().to_string(), expected.to_token_stream().to_string());
    }
}
