//! `#[node]`, `#[edge]` and `#[object]`: from the annotated struct to an entity type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, Item, ItemStruct};

use crate::entity_args::{EntityArgs, EntityKind};
use crate::entity_code::{Entity, implementation};
use crate::errors::Errors;
use crate::fields::FieldSet;
use crate::filter_code::filter_functions;
use crate::name::checked_name;
use crate::serde_attrs::SerdeAttrs;
use crate::serde_code::{drop_attributes, serialisation};
use crate::struct_item;

/// Expands the attribute; errors come with the item, so that its other uses still compile.
pub fn expand(kind: EntityKind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = EntityArgs::parse(kind, args, &mut errors);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => expand_struct(kind, &args, item, errors),
        Ok(other) => {
            struct_item::misplaced(kind.attribute(), &other, &mut errors);
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
            drop_attributes(&mut item);
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
    let filters = if args.no_filters { None } else { filter_functions(&item.ident, &fields.filtered) };
    let (attributes, implementations) = (serialisation.attributes, serialisation.implementations);
    quote!(#attributes #item #implementations #implementation #filters)
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
