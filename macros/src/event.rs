//! `#[event]`: from the annotated struct to an event.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::Parser;
use syn::{Fields, Item, ItemStruct, LitStr};

use crate::errors::{Errors, located, set_once, unknown_argument};
use crate::name::checked_event_name;
use crate::serde_attrs::SerdeAttrs;
use crate::serde_code::{self, Serialisation};
use crate::struct_item;

/// Expands the attribute; errors come with the item, so that its other uses still compile.
pub fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let name = parse(args, &mut errors);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => expand_struct(name.as_ref(), item, errors),
        Ok(other) => {
            struct_item::misplaced("event", &other, &mut errors);
            let report = errors.into_code();
            quote!(#item #report)
        }
        Err(error) => error.to_compile_error(),
    }
}

fn parse(args: TokenStream, errors: &mut Errors) -> Option<LitStr> {
    let mut name = None;
    let parser = syn::meta::parser(|meta| match () {
        () if meta.path.is_ident("name") => set_once(&meta, &mut name, meta.value()?.parse()?),
        () => Err(unknown_argument(&meta, "#[event]", &["name"])),
    });
    errors.keep(parser.parse2(args));
    name
}

fn expand_struct(name: Option<&LitStr>, mut item: ItemStruct, mut errors: Errors) -> TokenStream {
    if !item.generics.params.is_empty() {
        let message = format!(
            "an event cannot have parameters, because its name stands for one type: declare one struct for \
             each kind of event, with owned fields, in place of `{}<…>`",
            item.ident
        );
        errors.at(&item.generics, message);
    }
    let name = checked_event_name(name, &item.ident, &mut errors);
    let Serialisation { attributes, implementations, user_derives } = serialisation(&item);
    if let Some(report) = errors.into_code() {
        if !user_derives {
            serde_code::drop_attributes(&mut item);
        }
        return quote!(#item #report);
    }
    let ident = &item.ident;
    // On the struct's name, where a field that is not `Sync` or does not serialise is looked for.
    let path = quote_spanned!(located(ident.span())=> ::wayfare::__private::Event);
    quote! {
        #attributes
        #item
        #implementations

        #[automatically_derived]
        impl #path for #ident {
            const NAME: &'static str = #name;
        }
    }
}

/// A unit struct is a map, as it is with entities, unless its author says otherwise: an event may be anything.
fn serialisation(item: &ItemStruct) -> Serialisation {
    let derives = serde_code::derives(item, &SerdeAttrs::of(&item.attrs));
    let plain = !derives.user_derives && !item.attrs.iter().any(|attr| attr.path().is_ident("serde"));
    if plain && matches!(item.fields, Fields::Unit) {
        return Serialisation {
            implementations: serde_code::unit_as_map(&item.ident),
            ..Serialisation::default()
        };
    }
    derives
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(args: TokenStream, item: TokenStream) -> String {
        expand(args, item).to_string()
    }

    #[test]
    fn an_event_is_named_after_its_type_unless_a_name_is_given() {
        let item = quote!(
            struct PriceChanged {
                cents: u64,
            }
        );
        assert!(code(quote!(), item.clone()).contains("\"PriceChanged\""));
        let named = code(quote!(name = "price.changed"), item);
        assert!(named.contains("\"price.changed\"") && !named.contains("compile_error"), "{named}");
    }

    #[test]
    fn only_missing_derives_are_added() {
        let none = code(
            quote!(),
            quote!(
                struct A {
                    a: u8,
                }
            ),
        );
        assert!(none.contains("serde :: Serialize") && none.contains("serde :: Deserialize"), "{none}");
        let both = code(
            quote!(),
            quote!(
                #[derive(Serialize, Deserialize)]
                struct A;
            ),
        );
        assert!(!both.contains("__private :: serde"), "{both}");
        assert!(
            code(
                quote!(),
                quote!(
                    struct A;
                )
            )
            .contains("serialize_map")
        );
    }

    #[test]
    fn each_misuse_is_one_error() {
        let good = quote!(
            struct A {}
        );
        for (args, item) in [
            (quote!(nmae = "a"), good.clone()),
            (quote!(name = ""), good.clone()),
            (quote!(name = a), good.clone()),
            (quote!(name = "a", name = "b"), good),
            (
                quote!(),
                quote!(
                    struct A<T> {
                        a: T,
                    }
                ),
            ),
            (
                quote!(),
                quote!(
                    enum A {
                        B,
                    }
                ),
            ),
            (
                quote!(),
                quote!(
                    fn a() {}
                ),
            ),
        ] {
            let code = code(args.clone(), item.clone());
            assert_eq!(code.matches("compile_error").count(), 1, "{args} {item}: {code}");
        }
    }
}
