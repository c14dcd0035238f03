//! The functions by which filters name the fields of an entity.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use crate::errors::located;
use crate::fields::FilteredField;

/// An `impl` block with one function for each field; `None` for no fields.
pub fn filter_functions(owner: &Ident, fields: &[FilteredField]) -> Option<TokenStream> {
    let functions = fields.iter().map(function);
    // Fields may be named, and be as public, as functions had better not.
    (!fields.is_empty()).then(|| {
        quote! {
            #[allow(dead_code, non_snake_case, unreachable_pub)]
            #[allow(clippy::all, clippy::pedantic, clippy::multiple_inherent_impl)]
            impl #owner {
                #(#functions)*
            }
        }
    })
}

fn function(field: &FilteredField) -> TokenStream {
    let FilteredField { ident, visibility, ty, stored, attrs } = field;
    let path = format!("context.{stored}");
    let ty = match ty {
        Some(ty) => quote!(#ty),
        None => quote!(::wayfare::__private::serde_json::Value),
    };
    let is_documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    let doc = (!is_documented).then(|| {
        let text = format!("The field `{}`, for filters and sort keys.", ident.unraw());
        quote!(#[doc = #text])
    });
    // On the field, where a function of the user's own with the same name is reported.
    let head =
        quote_spanned!(located(ident.span())=> const fn #ident() -> ::wayfare::__private::Field<Self, #ty>);
    quote! {
        #(#attrs)*
        #doc
        #visibility #head {
            ::wayfare::__private::Field::new(#path)
        }
    }
}
