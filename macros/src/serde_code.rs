//! How an entity or event serialises: the derives to add, or a map without fields for a unit struct.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Fields, ItemStruct, Path, Token};

use crate::errors::Errors;
use crate::serde_attrs::SerdeAttrs;

/// What makes a struct serialise.
#[derive(Default)]
pub struct Serialisation {
    /// Attributes to put before those of the struct.
    pub attributes: TokenStream,
    /// Impls to put after it.
    pub implementations: TokenStream,
    /// Whether the struct has a serde derive without the macro.
    pub user_derives: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Derived {
    serialize: bool,
    deserialize: bool,
}

/// Makes an entity serialise as a map.
pub fn serialisation(item: &ItemStruct, container: &SerdeAttrs, errors: &mut Errors) -> Serialisation {
    match &item.fields {
        Fields::Unit => unit_serialisation(item, errors),
        _ => derives(item, container),
    }
}

/// Adds what the user does not derive already.
pub fn derives(item: &ItemStruct, container: &SerdeAttrs) -> Serialisation {
    let derived = derived(item);
    let serialize = (!derived.serialize).then(|| quote!(::wayfare::__private::serde::Serialize,));
    let deserialize = (!derived.deserialize).then(|| quote!(::wayfare::__private::serde::Deserialize,));
    let mut attributes = quote!();
    if serialize.is_some() || deserialize.is_some() {
        // The derive comes first: a helper attribute before the derive that knows it is a warning.
        attributes = quote!(#[derive(#serialize #deserialize)]);
        if !container.names_crate {
            attributes.extend(quote!(#[serde(crate = "::wayfare::__private::serde")]));
        }
    }
    let user_derives = derived.serialize || derived.deserialize;
    Serialisation { attributes, user_derives, ..Serialisation::default() }
}

/// serde writes a unit struct as null, but a document is a map: so by hand, as an empty one.
fn unit_serialisation(item: &ItemStruct, errors: &mut Errors) -> Serialisation {
    let ident = &item.ident;
    let derived = derived(item);
    let user_derives = derived.serialize || derived.deserialize;
    let attrs = item.attrs.iter().find(|attr| attr.path().is_ident("serde"));
    if user_derives || attrs.is_some() {
        let message = format!(
            "serde stores a unit struct as null, and a document is a map: leave serde to this macro, \
             or write `struct {ident} {{}}`"
        );
        errors.at(ident, message);
    }
    Serialisation { implementations: unit_as_map(ident), user_derives, ..Serialisation::default() }
}

/// Implements both traits of a unit struct: it is written as an empty map.
pub fn unit_as_map(ident: &Ident) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::wayfare::__private::serde::Serialize for #ident {
            fn serialize<S>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error>
            where
                S: ::wayfare::__private::serde::Serializer,
            {
                let map = ::wayfare::__private::serde::Serializer::serialize_map(
                    serializer,
                    ::core::option::Option::Some(0),
                )?;
                ::wayfare::__private::serde::ser::SerializeMap::end(map)
            }
        }

        #[automatically_derived]
        impl<'de> ::wayfare::__private::serde::Deserialize<'de> for #ident {
            fn deserialize<D>(deserializer: D) -> ::core::result::Result<Self, D::Error>
            where
                D: ::wayfare::__private::serde::Deserializer<'de>,
            {
                #[derive(::wayfare::__private::serde::Deserialize)]
                #[serde(crate = "::wayfare::__private::serde")]
                struct NoFields {}

                let NoFields {} = ::wayfare::__private::serde::Deserialize::deserialize(deserializer)?;
                ::core::result::Result::Ok(Self)
            }
        }
    }
}

/// Takes the `serde` attributes off a struct that is left without a derive that knows them: each would be
/// an error of its own.
pub fn drop_attributes(item: &mut ItemStruct) {
    item.attrs.retain(|attr| !attr.path().is_ident("serde"));
    item.fields.iter_mut().for_each(|field| field.attrs.retain(|attr| !attr.path().is_ident("serde")));
}

fn derived(item: &ItemStruct) -> Derived {
    let mut derived = Derived::default();
    for attr in item.attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
        let Ok(paths) = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated) else {
            continue;
        };
        for last in paths.iter().filter_map(|path| path.segments.last()) {
            derived.serialize |= last.ident == "Serialize";
            derived.deserialize |= last.ident == "Deserialize";
        }
    }
    derived
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(item: &ItemStruct) -> String {
        let container = SerdeAttrs::of(&item.attrs);
        serialisation(item, &container, &mut Errors::default()).attributes.to_string()
    }

    #[test]
    fn only_missing_derives_are_added() {
        let none = syn::parse_quote! { #[derive(Debug)] struct A { a: u8 } };
        let text = attributes(&none);
        assert!(
            text.contains(":: Serialize") && text.contains(":: Deserialize") && text.contains("crate ="),
            "{text}"
        );
        let one = syn::parse_quote! { #[derive(Debug, serde::Serialize)] struct A { a: u8 } };
        let text = attributes(&one);
        assert!(!text.contains(":: Serialize") && text.contains(":: Deserialize"), "{text}");
        let both = syn::parse_quote! { #[derive(Serialize)] #[derive(Deserialize)] struct A { a: u8 } };
        assert_eq!(attributes(&both), "");
    }

    #[test]
    fn a_serde_crate_given_by_the_user_is_kept() {
        let given = syn::parse_quote! { #[serde(crate = "mine")] #[derive(Serialize)] struct A { a: u8 } };
        assert!(!attributes(&given).contains("crate"));
    }
}
