//! The code of an entity type: its trait impls and its registration.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use crate::entity_args::EntityKind;
use crate::errors::located;
use crate::fields::DeclaredIndex;

/// What is known of an entity type once its attributes and fields are read.
pub struct Entity<'a> {
    /// Which of the macros was used.
    pub kind: EntityKind,
    /// The entity name.
    pub name: String,
    /// The schema version, where it was declared.
    pub schema: Option<u32>,
    /// Whether two nodes may be joined by several edges.
    pub multi: bool,
    /// The names of all fields, where they are known.
    pub fields: Option<Vec<String>>,
    /// All indexes.
    pub indexes: &'a [DeclaredIndex],
    /// The first field that owns memory which a hook may read.
    pub first_heap_field: Option<Ident>,
}

/// Implements `Entity` and the trait of the kind, and registers the type.
pub fn implementation(ident: &Ident, entity: &Entity) -> TokenStream {
    let name = &entity.name;
    let kind = match entity.kind {
        EntityKind::Node => quote!(Node),
        EntityKind::Edge => quote!(Edge),
        EntityKind::Object => quote!(Object),
    };
    let marker = match entity.kind {
        EntityKind::Node => Some(quote!(NodeEntity)),
        EntityKind::Edge => Some(quote!(EdgeEntity)),
        EntityKind::Object => None,
    };
    let marker = marker.map(|marker| {
        quote! {
            #[automatically_derived]
            impl ::wayfare::__private::#marker for #ident {}
        }
    });
    let schema = entity.schema.map(|schema| quote! { const SCHEMA: u32 = #schema; });
    let multi = entity.multi.then(|| quote! { const MULTI: bool = true; });
    let fields = match &entity.fields {
        Some(fields) => quote!(::core::option::Option::Some(&[#(#fields),*])),
        None => quote!(::core::option::Option::None),
    };
    let indexes = indexes(entity.indexes);
    let heap_address = entity.first_heap_field.as_ref().map(|field| {
        quote! {
            #[inline]
            fn heap_address(&self) -> *const u8 {
                self.#field.as_ptr().cast()
            }
        }
    });
    // On the struct's name, where a field that is not `Send` or does not serialise is looked for.
    let path = quote_spanned!(located(ident.span())=> ::wayfare::__private::Entity);
    quote! {
        #[automatically_derived]
        impl #path for #ident {
            const NAME: &'static str = #name;
            const KIND: ::wayfare::__private::Kind = ::wayfare::__private::Kind::#kind;
            #schema
            const FIELDS: ::core::option::Option<&'static [&'static str]> = #fields;
            #multi

            #[inline]
            #[allow(clippy::expect_used, reason = "the trait gives a name, not a result")]
            fn entity_name() -> ::wayfare::__private::EntityName {
                static NAME: ::std::sync::OnceLock<::wayfare::__private::EntityName> = ::std::sync::OnceLock::new();
                *NAME.get_or_init(|| {
                    ::wayfare::__private::EntityName::new(#name)
                        .expect("the name was checked at compile time, so the process has used up all entity names")
                })
            }

            #indexes
            #heap_address
        }

        #marker

        ::wayfare::__private::inventory::submit! {
            ::wayfare::__private::EntityType::of::<#ident>()
        }
    }
}

fn indexes(indexes: &[DeclaredIndex]) -> Option<TokenStream> {
    let specs = indexes.iter().map(|index| {
        let DeclaredIndex { fields, unique, descending, .. } = index;
        let text = |text: &Option<String>| match text {
            Some(text) => quote!(::core::option::Option::Some(#text)),
            None => quote!(::core::option::Option::None),
        };
        let (partial, name) = (text(&index.partial), text(&index.name));
        quote!(::wayfare::__private::IndexSpec {
            fields: &[#(#fields),*],
            unique: #unique,
            descending: &[#(#descending),*],
            partial: #partial,
            name: #name,
        })
    });
    (!indexes.is_empty()).then(|| {
        quote! {
            fn indexes() -> &'static [::wayfare::__private::IndexSpec] {
                const { &[#(#specs),*] }
            }
        }
    })
}
