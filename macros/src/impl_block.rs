//! Impl blocks under a macro: the type they are of, and items that are none.

use proc_macro2::Ident;
use syn::{Item, Type};

use crate::errors::Errors;

/// The name of the type of an impl block, `None` where that is no path.
pub fn type_name(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| &last.ident),
        Type::Group(group) => type_name(&group.elem),
        Type::Paren(paren) => type_name(&paren.elem),
        _ => None,
    }
}

/// Adds the error for an item that is no impl block; `message` says where the attribute goes.
pub fn misplaced(message: &str, item: &Item, errors: &mut Errors) {
    let ident = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        other => return errors.at(other, message),
    };
    errors.at(ident, format!("{message}: `impl {ident} {{ … }}`"));
}
