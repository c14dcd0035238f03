//! The fields of an entity: what `#[field(…)]` asks for, and the names under which they are stored.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Attribute, Fields, LitStr, Meta};

use crate::entity_args::{IndexArg, IndexKey};
use crate::errors::{Errors, nearest, unknown_argument};
use crate::serde_attrs::{SerdeAttrs, renamed};

/// An index with the names of its fields as they are stored.
#[derive(Debug, PartialEq, Eq)]
pub struct DeclaredIndex {
    /// Names in the document, most significant first.
    pub fields: Vec<String>,
    /// Whether two documents may not share their values.
    pub unique: bool,
    /// Those of the fields whose largest values come first.
    pub descending: Vec<String>,
    /// The filter of a partial index, as JSON.
    pub partial: Option<String>,
    /// A name of its own.
    pub name: Option<String>,
}

impl DeclaredIndex {
    fn of(field: String, unique: bool) -> Self {
        Self { fields: vec![field], unique, descending: Vec::new(), partial: None, name: None }
    }
}

/// What the fields of a struct say.
pub struct FieldSet {
    fields: Vec<StoredField>,
    /// The struct, with which an unknown field is reported.
    owner: Ident,
    /// Fields of other types are stored with these, so that any name may exist.
    open: bool,
    /// `#[field(index)]` and `#[field(unique)]`.
    pub indexes: Vec<DeclaredIndex>,
    /// Whether the names of all fields are those in the struct.
    pub all_known: bool,
}

struct StoredField {
    /// The name in the struct, without `r#`.
    name: String,
    /// The name in the document, `None` for a field that is not stored.
    stored: Option<String>,
}

impl FieldSet {
    /// Reads the fields and strips their `#[field(…)]` attributes.
    pub fn take(owner: &Ident, fields: &mut Fields, container: &SerdeAttrs, errors: &mut Errors) -> Self {
        let mut set = Self {
            fields: Vec::new(),
            owner: owner.clone(),
            open: container.hides_fields,
            indexes: Vec::new(),
            all_known: !container.alters_fields,
        };
        for field in fields.iter_mut() {
            let Some(ident) = field.ident.as_ref() else { continue };
            let serde = SerdeAttrs::of(&field.attrs);
            let name = ident.unraw().to_string();
            let new_name = || renamed(&name, container.rename_all.as_deref());
            let stored = (!serde.skips).then(|| serde.rename.clone().unwrap_or_else(new_name));
            set.open |= serde.hides_fields;
            set.all_known &= !serde.alters_fields;
            if let Some(unique) = take_index(&mut field.attrs, errors) {
                match &stored {
                    Some(stored) => set.indexes.push(DeclaredIndex::of(stored.clone(), unique)),
                    None => errors.at(ident, format!("`{name}` is not stored and cannot be indexed")),
                }
            }
            set.fields.push(StoredField { name, stored });
        }
        set
    }

    /// The names in the struct, in its order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// Adds an index declared on the struct.
    pub fn declare(&mut self, index: &IndexArg, errors: &mut Errors) {
        let mut fields = Vec::with_capacity(index.keys.len());
        let mut descending = Vec::new();
        for IndexKey { field: key, descending: descends } in &index.keys {
            let Some(stored) = self.stored_name(key, errors) else { continue };
            if *descends {
                descending.push(stored.clone());
            }
            if fields.contains(&stored) {
                errors.at(key, format!("`{}` is in this index twice", key.value()));
            }
            fields.push(stored);
        }
        let text = |literal: &Option<LitStr>| literal.as_ref().map(LitStr::value);
        let (partial, name) = (text(&index.partial), text(&index.name));
        self.indexes.push(DeclaredIndex { fields, unique: index.unique, descending, partial, name });
    }

    fn stored_name(&self, key: &LitStr, errors: &mut Errors) -> Option<String> {
        let wanted = key.value();
        match self.fields.iter().find(|field| field.name == wanted) {
            Some(StoredField { stored: Some(stored), .. }) => return Some(stored.clone()),
            Some(_) => errors.at(key, format!("`{wanted}` is not stored and cannot be indexed")),
            None if self.open => return Some(wanted),
            None => {
                let names: Vec<&str> = self.names().collect();
                let hint = nearest(&wanted, &names).map(|near| format!(": did you mean `{near}`?"));
                let hint = hint.unwrap_or_default();
                errors.at(key, format!("`{}` has no field `{wanted}`{hint}", self.owner));
            }
        }
        None
    }
}

/// Removes `#[field(…)]` attributes; whether they ask for an index, and a unique one.
fn take_index(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Option<bool> {
    let mut index = None;
    for attr in attrs.extract_if(.., |attr| attr.path().is_ident("field")) {
        if !matches!(&attr.meta, Meta::List(list) if !list.tokens.is_empty()) {
            errors.at(&attr, "write `#[field(index)]` or `#[field(unique)]`");
            continue;
        }
        let parsed = attr.parse_nested_meta(|meta| match () {
            () if meta.path.is_ident("index") => {
                index = index.or(Some(false));
                Ok(())
            }
            () if meta.path.is_ident("unique") => {
                index = Some(true);
                Ok(())
            }
            () => Err(unknown_argument(&meta, "#[field]", &["index", "unique"])),
        });
        errors.keep(parsed);
    }
    index
}

#[cfg(test)]
mod tests {
    use syn::ItemStruct;

    use super::*;

    fn read(mut item: ItemStruct, keys: &[&str]) -> (FieldSet, Vec<String>) {
        let mut errors = Errors::default();
        let container = SerdeAttrs::of(&item.attrs);
        let mut set = FieldSet::take(&item.ident, &mut item.fields, &container, &mut errors);
        if !keys.is_empty() {
            let field = |key: &&str| LitStr::new(key, proc_macro2::Span::call_site());
            let keys = keys.iter().map(|key| IndexKey { field: field(key), descending: false }).collect();
            set.declare(&IndexArg { keys, unique: false, partial: None, name: None }, &mut errors);
        }
        assert!(
            item.fields.iter().all(|field| !field.attrs.iter().any(|attr| attr.path().is_ident("field")))
        );
        (set, errors.texts())
    }

    #[test]
    fn indexes_use_the_names_under_which_serde_stores() {
        let item = syn::parse_quote! {
            #[serde(rename_all = "camelCase")]
            struct Person {
                #[field(unique)] mail_address: String,
                #[field(index)] #[serde(rename = "t")] r#type: String,
            }
        };
        let (set, errors) = read(item, &["type", "mail_address"]);
        assert_eq!(errors, Vec::<String>::new());
        assert!(!set.all_known);
        let index = |fields: &[&str], unique| DeclaredIndex {
            fields: fields.iter().map(|&f| f.into()).collect(),
            unique,
            descending: vec![],
            partial: None,
            name: None,
        };
        assert_eq!(
            set.indexes,
            [index(&["mailAddress"], true), index(&["t"], false), index(&["t", "mailAddress"], false)]
        );
    }

    #[test]
    fn an_index_on_nothing_is_refused_unless_other_types_may_bring_the_field() {
        let plain: ItemStruct = syn::parse_quote! { struct A { email: String, #[serde(skip)] cache: u8 } };
        assert_eq!(read(plain.clone(), &["emial"]).1, ["`A` has no field `emial`: did you mean `email`?"]);
        assert_eq!(read(plain.clone(), &["cache"]).1.len(), 1);
        assert_eq!(read(plain, &["email", "email"]).1.len(), 1);
        let open = syn::parse_quote! { struct A { #[serde(flatten)] rest: Rest } };
        assert!(read(open, &["anything"]).1.is_empty());
    }
}
