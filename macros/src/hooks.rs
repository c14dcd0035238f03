//! The hooks of a walker: methods marked with `#[on_visit]` or `#[on_exit]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, Lit, Meta, ReturnType, Token, Type};

use crate::errors::Errors;
use crate::signature::{self, Here};

/// The two markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// `#[on_visit]`.
    OnVisit,
    /// `#[on_exit]`.
    OnExit,
}

impl Marker {
    /// The marker that an attribute is.
    pub fn of(attr: &Attribute) -> Option<Self> {
        let last = attr.path().segments.last()?;
        match () {
            () if last.ident == "on_visit" => Some(Self::OnVisit),
            () if last.ident == "on_exit" => Some(Self::OnExit),
            () => None,
        }
    }

    /// The name of the attribute.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::OnVisit => "on_visit",
            Self::OnExit => "on_exit",
        }
    }
}

/// A hook whose signature is right.
pub struct Hook {
    /// The method.
    pub method: Ident,
    /// Where it runs, `None` when the walk ends.
    pub visit: Option<Visit>,
    /// Whether it has a `walk` parameter.
    pub takes_walk: bool,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Where its return type stands, for errors about that.
    pub output: Span,
}

/// Where a visit hook runs.
pub struct Visit {
    /// Where the type of the node stands.
    pub place: Span,
    /// Entity types, none for nodes of any entity.
    pub entities: Vec<Type>,
}

/// Takes the markers off the methods of an impl block, and reads the hooks.
pub fn take(item: &mut ItemImpl, errors: &mut Errors) -> Vec<Hook> {
    let mut hooks = Vec::new();
    let mut marked = false;
    for item in &mut item.items {
        let ImplItem::Fn(method) = item else { continue };
        let markers: Vec<(Marker, Attribute)> = method
            .attrs
            .extract_if(.., |attr| Marker::of(attr).is_some())
            .filter_map(|attr| Marker::of(&attr).map(|marker| (marker, attr)))
            .collect();
        marked |= !markers.is_empty();
        match markers.as_slice() {
            [] => {}
            [(marker, attr)] => {
                hooks.extend(read(*marker, attr, method, errors));
                signature::spell_lifetimes(method);
            }
            [_, (_, second), ..] => {
                errors.at(second, "a method is one hook: keep one marker, and call it from a second method");
            }
        }
    }
    if !marked {
        errors
            .at(&item.self_ty, "no hooks here: mark at least one method with `#[on_visit]` or `#[on_exit]`");
    }
    hooks
}

/// The error for a marker that no `#[walker]` has taken off, with the item it stands on.
pub fn misplaced(marker: Marker, item: TokenStream) -> TokenStream {
    let message = format!(
        "`#[{}]` marks a method in an impl block under `#[walker]`: put `#[walker]` on the impl block",
        marker.attribute()
    );
    // The span of the call is that of the attribute.
    let report = syn::Error::new(Span::call_site(), message).to_compile_error();
    quote!(#item #report)
}

fn read(marker: Marker, attr: &Attribute, method: &ImplItemFn, errors: &mut Errors) -> Option<Hook> {
    let entities = match marker {
        Marker::OnVisit => errors.keep(entities(attr)),
        Marker::OnExit => errors.keep(attr.meta.require_path_only().map(|_| None).map_err(|_| {
            syn::Error::new_spanned(
                attr,
                "`#[on_exit]` takes no arguments: the hook runs once, when the walk ends",
            )
        })),
    };
    let checked = signature::check(marker, method, errors);
    let (entities, parameters) = (entities?, checked?);
    let visit = match (parameters.here, entities) {
        (None, _) => None,
        (Some(Here { entity: Some(entity), .. }), None) => {
            Some(Visit { place: entity.span(), entities: vec![entity] })
        }
        (Some(Here { entity: Some(_), parameter }), Some(_)) => {
            let message =
                "the list after `on_visit` names the entities: write `&Here` here, or drop the list";
            errors.at(parameter, message);
            return None;
        }
        (Some(Here { entity: None, parameter }), entities) => {
            Some(Visit { place: parameter.span(), entities: entities.unwrap_or_default() })
        }
    };
    let output = match &method.sig.output {
        ReturnType::Default => method.sig.ident.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    Some(Hook {
        method: method.sig.ident.clone(),
        visit,
        takes_walk: parameters.walk,
        is_async: method.sig.asyncness.is_some(),
        output,
    })
}

/// The list of `#[on_visit(City, Airport)]`, `None` where there is no list.
fn entities(attr: &Attribute) -> syn::Result<Option<Vec<Type>>> {
    let example = "write `#[on_visit(City, Airport)]` with the Rust types of the entities, or `#[on_visit]`";
    match &attr.meta {
        Meta::Path(_) => Ok(None),
        Meta::List(list) => {
            if let Ok(name) = attr.parse_args::<Lit>() {
                return Err(syn::Error::new_spanned(name, example));
            }
            let types = attr.parse_args_with(Punctuated::<Type, Token![,]>::parse_terminated)?;
            if types.is_empty() {
                return Err(syn::Error::new_spanned(list, example));
            }
            Ok(Some(types.into_iter().collect()))
        }
        Meta::NameValue(_) => Err(syn::Error::new_spanned(attr, example)),
    }
}
