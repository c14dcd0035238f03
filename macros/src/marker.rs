//! The markers of hooks, taken off by the macro on the impl block around them.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, ImplItemFn};

use crate::errors::Errors;

/// What marks a method as a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// `#[on_enter]`.
    Enter,
    /// `#[on_visit]`.
    Visit,
    /// `#[on_leave]`.
    Leave,
    /// `#[on_event]`.
    Event,
    /// `#[on_merge]`.
    Merge,
    /// `#[on_exit]`.
    Exit,
}

impl Marker {
    const ALL: [Self; 6] = [Self::Enter, Self::Visit, Self::Leave, Self::Event, Self::Merge, Self::Exit];

    /// The marker that an attribute is.
    pub fn of(attr: &Attribute) -> Option<Self> {
        let last = attr.path().segments.last()?;
        Self::ALL.into_iter().find(|marker| last.ident == marker.attribute())
    }

    /// The name of the attribute.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Enter => "on_enter",
            Self::Visit => "on_visit",
            Self::Leave => "on_leave",
            Self::Event => "on_event",
            Self::Merge => "on_merge",
            Self::Exit => "on_exit",
        }
    }

    /// What a method with this marker is called in errors.
    pub fn with_article(self) -> String {
        format!("an `#[{}]` hook", self.attribute())
    }
}

/// The markers of one method.
pub struct Markers(Vec<(Marker, Attribute)>);

impl Markers {
    /// Takes them off a method, so that no attribute of theirs is expanded.
    pub fn take(method: &mut ImplItemFn) -> Self {
        let taken = method.attrs.extract_if(.., |attr| Marker::of(attr).is_some());
        Self(taken.filter_map(|attr| Marker::of(&attr).map(|marker| (marker, attr))).collect())
    }

    /// Whether the method has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The marker of a method that has one; several are an error.
    pub fn only(&self, errors: &mut Errors) -> Option<&(Marker, Attribute)> {
        match self.0.as_slice() {
            [] => None,
            [only] => Some(only),
            [_, (_, second), ..] => {
                errors.at(second, "a method is one hook: keep one marker, and call it from a second method");
                None
            }
        }
    }
}

/// The error for a marker that no macro around it has taken off, with the item it stands on.
pub fn misplaced(marker: Marker, item: TokenStream) -> TokenStream {
    let host = match marker {
        Marker::Visit => ", or `#[hosts]` if it is that of an entity",
        _ => "",
    };
    let message = format!(
        "`#[{}]` marks a method in an impl block under `#[walker]`: put `#[walker]` on the impl block{host}",
        marker.attribute()
    );
    // The span of the call is that of the attribute.
    let report = syn::Error::new(Span::call_site(), message).to_compile_error();
    quote!(#item #report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_taken_off_by_their_last_name_and_others_stay() {
        let mut method: ImplItemFn = syn::parse_quote!(
            #[inline]
            #[wayfare::on_merge]
            fn merged(&mut self, people: u64) {}
        );
        let markers = Markers::take(&mut method);
        let mut errors = Errors::default();
        assert_eq!(markers.only(&mut errors).map(|(marker, _)| *marker), Some(Marker::Merge));
        assert_eq!(method.attrs.len(), 1);
        assert!(errors.texts().is_empty());
    }

    #[test]
    fn a_second_marker_is_one_error() {
        let mut method: ImplItemFn = syn::parse_quote!(
            #[on_enter]
            #[on_exit]
            fn both(&mut self) {}
        );
        let mut errors = Errors::default();
        assert!(Markers::take(&mut method).only(&mut errors).is_none());
        assert_eq!(errors.texts().len(), 1);
    }
}
