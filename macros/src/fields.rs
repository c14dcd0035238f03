//! The fields of an entity: what `#[field(…)]` asks for, the names under which they are stored, and what can
//! be filtered by.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Attribute, Field, Fields, LitStr, Meta, Type, Visibility};

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
    /// The fields that filters may name.
    pub filtered: Vec<FilteredField>,
    /// Whether the names of all fields are those in the struct.
    pub all_known: bool,
}

/// A field that filters may name.
pub struct FilteredField {
    /// The name in the struct.
    pub ident: Ident,
    /// Who may name it.
    pub visibility: Visibility,
    /// Its type, `None` where another form than that of the type is stored.
    pub ty: Option<Type>,
    /// The name in the document.
    pub stored: String,
    /// What is said of it beside serde and `#[field(…)]`: its docs and conditions.
    pub attrs: Vec<Attribute>,
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
            filtered: Vec::new(),
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
            let asked = Asked::take(&mut field.attrs, errors);
            if let Some(unique) = asked.index {
                match &stored {
                    Some(stored) => set.indexes.push(DeclaredIndex::of(stored.clone(), unique)),
                    None => errors.at(ident, format!("`{name}` is not stored and cannot be indexed")),
                }
            }
            if let Some(stored) = &stored
                && !asked.no_filter
                && has_path(stored, &serde, container)
            {
                set.filtered.push(FilteredField::new(ident.clone(), field, stored.clone(), &serde));
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

impl FilteredField {
    fn new(ident: Ident, field: &Field, stored: String, serde: &SerdeAttrs) -> Self {
        let kept =
            |attr: &&Attribute| ["doc", "cfg", "deprecated"].iter().any(|name| attr.path().is_ident(name));
        Self {
            ident,
            visibility: field.vis.clone(),
            ty: (!serde.changes_form).then(|| field.ty.clone()),
            stored,
            attrs: field.attrs.iter().filter(kept).cloned().collect(),
        }
    }
}

/// Whether a field lies at `context.NAME` for certain, and a path can say so.
fn has_path(stored: &str, field: &SerdeAttrs, container: &SerdeAttrs) -> bool {
    let is_certain = !field.is_conditional && !container.is_conditional;
    is_certain
        && !field.hides_fields
        && !container.changes_form
        && !stored.is_empty()
        && !stored.contains('.')
}

/// What `#[field(…)]` asks for.
#[derive(Default)]
struct Asked {
    /// An index, `true` for a unique one.
    index: Option<bool>,
    /// That filters shall not name the field.
    no_filter: bool,
}

impl Asked {
    /// Removes the attributes and reads them.
    fn take(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Self {
        let mut asked = Self::default();
        for attr in attrs.extract_if(.., |attr| attr.path().is_ident("field")) {
            if !matches!(&attr.meta, Meta::List(list) if !list.tokens.is_empty()) {
                errors.at(&attr, "write `#[field(index)]`, `#[field(unique)]` or `#[field(no_filter)]`");
                continue;
            }
            let parsed = attr.parse_nested_meta(|meta| {
                match () {
                    () if meta.path.is_ident("index") => asked.index = asked.index.or(Some(false)),
                    () if meta.path.is_ident("unique") => asked.index = Some(true),
                    () if meta.path.is_ident("no_filter") => asked.no_filter = true,
                    () => return Err(unknown_argument(&meta, "#[field]", &["index", "unique", "no_filter"])),
                }
                Ok(())
            });
            errors.keep(parsed);
        }
        asked
    }
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
    #[test]
    fn filters_name_what_lies_at_a_path_for_certain() {
        let filtered = |item: ItemStruct| -> Vec<(String, String, bool)> {
            let (set, errors) = read(item, &[]);
            assert!(errors.is_empty());
            let one =
                |field: &FilteredField| (field.ident.to_string(), field.stored.clone(), field.ty.is_some());
            set.filtered.iter().map(one).collect()
        };
        let item = syn::parse_quote! {
            #[serde(rename_all = "camelCase")]
            struct Person {
                /// Text.
                #[field(index)] pub full_name: String,
                #[serde(rename = "t")] r#type: String,
                #[serde(with = "as_text")] born: Date,
                #[field(no_filter)] hidden: u8,
                #[serde(skip)] cache: u8,
                #[serde(flatten)] rest: Rest,
                #[serde(rename = "a.b")] dotted: u8,
                #[cfg_attr(short, serde(rename = "s"))] some: u8,
            }
        };
        let field = |ident: &str, stored: &str, typed| (ident.to_owned(), stored.to_owned(), typed);
        assert_eq!(
            filtered(item),
            [field("full_name", "fullName", true), field("r#type", "t", true), field("born", "born", false)]
        );
        assert!(filtered(syn::parse_quote! { #[serde(into = "Other")] struct A { a: u8 } }).is_empty());
    }
}
