//! `#[node]`, `#[edge]` and `#[object]`: from the annotated struct to an entity type.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Fields, Item, ItemStruct};

use crate::entity_args::{EntityArgs, EntityKind};
use crate::entity_code::{Entity, implementation};
use crate::errors::Errors;
use crate::fields::FieldSet;
use crate::name::checked_name;
use crate::serde_attrs::SerdeAttrs;
use crate::serde_code::serialisation;

/// Expands the attribute; errors come with the item, so that its other uses still compile.
pub fn expand(kind: EntityKind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = EntityArgs::parse(kind, args, &mut errors);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => expand_struct(kind, &args, item, errors),
        Ok(other) => {
            errors.at(head(&other), misplaced(kind, &other));
            let report = errors.into_code();
            quote!(#item #report)
        }
        Err(error) => error.to_compile_error(),
    }
}

fn expand_struct(
    kind: EntityKind,
    args: &EntityArgs,
    mut item: ItemStruct,
    mut errors: Errors,
) -> TokenStream {
    check_shape(&item, &mut errors);
    let name = checked_name(args.name.as_ref(), &item.ident, &mut errors);
    let container = SerdeAttrs::of(&item.attrs);
    let mut fields = FieldSet::take(&item.ident, &mut item.fields, &container, &mut errors);
    for index in &args.indexes {
        fields.declare(index, &mut errors);
    }
    let serialisation = serialisation(&item, &container, &mut errors);
    if let Some(report) = errors.into_code() {
        if !serialisation.user_derives {
            // No derive knows the `serde` attributes now; left in, each would be an error of its own.
            item.attrs.retain(|attr| !attr.path().is_ident("serde"));
            item.fields
                .iter_mut()
                .for_each(|field| field.attrs.retain(|attr| !attr.path().is_ident("serde")));
        }
        return quote!(#item #report);
    }
    let known = fields.all_known.then(|| fields.names().map(str::to_owned).collect::<Vec<_>>());
    let entity = Entity {
        kind,
        name,
        schema: args.schema,
        multi: args.multi,
        fields: known,
        indexes: &fields.indexes,
        first_heap_field: first_heap_field(&item),
    };
    let implementation = implementation(&item.ident, &entity);
    let (attributes, implementations) = (serialisation.attributes, serialisation.implementations);
    quote!(#attributes #item #implementations #implementation)
}

/// The first field whose type owns memory that can be named: a `String` or a `Vec`.
fn first_heap_field(item: &ItemStruct) -> Option<syn::Ident> {
    let owns = |ty: &syn::Type| match ty {
        syn::Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == "String" || last.ident == "Vec")
        }
        _ => false,
    };
    item.fields.iter().find(|field| owns(&field.ty)).and_then(|field| field.ident.clone())
}

fn check_shape(item: &ItemStruct, errors: &mut Errors) {
    if !item.generics.params.is_empty() {
        let message = format!(
            "an entity cannot have parameters: declare one struct for each kind of document, with owned fields, \
             in place of `{}<…>`",
            item.ident
        );
        errors.at(&item.generics, message);
    }
    if let Fields::Unnamed(fields) = &item.fields {
        let message = format!(
            "the fields of an entity need names, which become those in its document: \
             write `struct {} {{ name: String }}`",
            item.ident
        );
        errors.at(fields, message);
    }
}

fn misplaced(kind: EntityKind, item: &Item) -> String {
    let attribute = kind.attribute();
    match item {
        Item::Enum(item) => format!(
            "`#[{attribute}]` goes on a struct with named fields: make `{}` a field of one",
            item.ident
        ),
        _ => format!("`#[{attribute}]` goes on a struct"),
    }
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
