//! Items under a macro for structs that are no structs.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Item;

use crate::errors::Errors;

/// Adds the error for an item that is no struct.
pub fn misplaced(attribute: &str, item: &Item, errors: &mut Errors) {
    let message = match item {
        Item::Enum(item) => format!(
            "`#[{attribute}]` goes on a struct with named fields: make `{}` a field of one",
            item.ident
        ),
        _ => format!("`#[{attribute}]` goes on a struct"),
    };
    errors.at(head(item), message);
}

/// The tokens to underline: the name of the item where it has one.
fn head(item: &Item) -> TokenStream {
    match item {
        Item::Enum(item) => item.ident.to_token_stream(),
        Item::Union(item) => item.ident.to_token_stream(),
        Item::Trait(item) => item.ident.to_token_stream(),
        Item::Type(item) => item.ident.to_token_stream(),
        Item::Mod(item) => item.ident.to_token_stream(),
        Item::Fn(item) => item.sig.ident.to_token_stream(),
        Item::Impl(item) => item.self_ty.to_token_stream(),
        other => other.to_token_stream(),
    }
}
