//! `#[walker]`: from the annotated impl block to a walker.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Item, ItemImpl, Type};

use crate::errors::Errors;
use crate::hooks;
use crate::name::checked_name;
use crate::walker_args::WalkerArgs;
use crate::walker_code::{Walker, implementation};

/// Expands the attribute; errors come with the item, so that its other uses still compile.
pub fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = WalkerArgs::parse(args, &mut errors);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(item)) => expand_impl(&args, item, errors),
        Ok(other) => {
            let (place, message) = misplaced(&other);
            errors.at(place, message);
            let report = errors.into_code();
            quote!(#item #report)
        }
        Err(error) => error.to_compile_error(),
    }
}

fn expand_impl(args: &WalkerArgs, mut item: ItemImpl, mut errors: Errors) -> TokenStream {
    let hooks = hooks::take(&mut item, &mut errors);
    if let Some((path, _)) = &item.trait_ {
        let message = "put `#[walker]` on an impl block of the struct itself, not on that of a trait";
        errors = Errors::default();
        errors.at(path, message);
    }
    let ident = type_name(&item.self_ty);
    if ident.is_none() {
        errors.at(&item.self_ty, "a walker is a struct: write `#[walker] impl Name { … }`");
    }
    let name = ident.map(|ident| checked_name(args.name.as_ref(), ident, &mut errors));
    let options = args.options(&mut errors);
    let report = errors.into_code();
    let (Some(name), None) = (name, &report) else {
        return quote!(#item #report);
    };
    let implementation = implementation(&Walker { item: &item, name, options, hooks: &hooks });
    quote!(#item #implementation)
}

fn type_name(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| &last.ident),
        Type::Group(group) => type_name(&group.elem),
        Type::Paren(paren) => type_name(&paren.elem),
        _ => None,
    }
}

fn misplaced(item: &Item) -> (TokenStream, String) {
    let ident = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        other => {
            let message = "put `#[walker]` on the impl block that holds the hooks";
            return (other.to_token_stream(), message.into());
        }
    };
    let message = format!("put `#[walker]` on the impl block that holds the hooks: `impl {ident} {{ … }}`");
    (ident.to_token_stream(), message)
}
