//! `#[upgrade]`: registers a function that brings the fields of an entity from one schema version to the next.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Ident, ItemFn, LitInt, Path, Token};

use crate::errors::{Errors, located};

/// `User, from = 1`.
struct UpgradeArgs {
    entity: Path,
    from: LitInt,
}

impl Parse for UpgradeArgs {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let usage =
            "write `#[upgrade(User, from = 1)]`: the entity type, and the schema version that is upgraded";
        let explain = |error: syn::Error| syn::Error::new(error.span(), usage);
        let entity = input.parse().map_err(explain)?;
        input.parse::<Token![,]>().map_err(explain)?;
        let name: Ident = input.parse().map_err(explain)?;
        if name != "from" {
            return Err(syn::Error::new(name.span(), usage));
        }
        input.parse::<Token![=]>().map_err(explain)?;
        let from: LitInt = input.parse().map_err(explain)?;
        input.parse::<Option<Token![,]>>()?;
        if !matches!(from.base10_parse::<u32>(), Ok(1..)) {
            return Err(syn::Error::new_spanned(from, "a schema version is a whole number from 1"));
        }
        Ok(Self { entity, from })
    }
}

/// Expands the attribute; errors come with the function, so that its other uses still compile.
pub fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = errors.keep(syn::parse2::<UpgradeArgs>(args));
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => Some(function),
        Err(_) => {
            errors
                .at(&item, "`#[upgrade]` belongs on a function such as `fn split_name(fields: &mut Fields)`");
            None
        }
    };
    if let Some(function) = &function {
        check(function, &mut errors);
    }
    if let Some(report) = errors.into_code() {
        return quote!(#item #report);
    }
    let (Some(UpgradeArgs { entity, from }), Some(function)) = (args, function) else { return item };
    let name = &function.sig.ident;
    // On the name of the type, where a version that it has not is looked for.
    let in_range = quote_spanned! {located(from.span())=>
        ::core::assert!(
            #from < <#entity as ::wayfare::__private::Entity>::SCHEMA,
            "an upgrade begins below the schema of its type: raise `schema = …` of the type, or lower `from`",
        );
    };
    let call = quote_spanned! {located(function.sig.span())=>
        ::wayfare::__private::IntoUpgraded::into_upgraded(#name(fields))
    };
    quote! {
        #function

        const _: () = {
            #in_range

            fn run(
                fields: &mut ::wayfare::__private::Fields,
            ) -> ::core::result::Result<(), ::wayfare::__private::HookError> {
                #call
            }

            ::wayfare::__private::inventory::submit! {
                ::wayfare::__private::Upgrade::of::<#entity>(#from, run)
            }
        };
    }
}

fn check(function: &ItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    if let Some(asyncness) = &signature.asyncness {
        errors.at(
            asyncness,
            "an upgrade is not async: it changes the fields that it is given, and reads nothing",
        );
    }
    if signature.inputs.len() != 1 {
        errors.at(&signature.ident, "an upgrade takes one argument, the fields: `fields: &mut Fields`");
    }
    if !signature.generics.params.is_empty() {
        errors.at(&signature.generics, "an upgrade cannot have parameters");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(args: TokenStream, item: TokenStream) -> String {
        expand(args, item).to_string()
    }

    #[test]
    fn the_function_stays_and_is_registered() {
        let code = code(
            quote!(User, from = 2),
            quote!(
                pub(crate) fn split(fields: &mut Fields) {}
            ),
        );
        assert!(
            code.contains("pub (crate) fn split") && code.contains("Upgrade :: of :: < User > (2 , run)"),
            "{code}"
        );
        assert!(!code.contains("compile_error"), "{code}");
    }

    #[test]
    fn each_misuse_is_one_error() {
        let good = quote!(
            fn f(fields: &mut Fields) {}
        );
        for (args, item) in [
            (quote!(), good.clone()),
            (quote!(User), good.clone()),
            (quote!(User, 1), good.clone()),
            (quote!(User, to = 1), good.clone()),
            (quote!(User, from = 0), good.clone()),
            (quote!(User, from = x), good),
            (
                quote!(User, from = 1),
                quote!(
                    struct A;
                ),
            ),
            (
                quote!(User, from = 1),
                quote!(
                    fn f() {}
                ),
            ),
            (
                quote!(User, from = 1),
                quote!(
                    async fn f(fields: &mut Fields) {}
                ),
            ),
            (
                quote!(User, from = 1),
                quote!(
                    fn f<T>(fields: &mut Fields) {}
                ),
            ),
        ] {
            let code = code(args.clone(), item.clone());
            assert_eq!(code.matches("compile_error").count(), 1, "{args} {item}: {code}");
        }
    }
}
