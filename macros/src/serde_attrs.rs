//! What `#[serde(…)]` attributes say about the names under which fields are stored.
//!
//! Only as much as the entity macros need; what is malformed here is reported by serde's own derive.

use proc_macro2::{TokenStream, TokenTree};
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, LitStr, Meta, Token, token};

/// The `#[serde(…)]` attributes of a struct or of one of its fields.
#[derive(Debug, Default)]
pub struct SerdeAttrs {
    /// Anything beside `default` was said, or may be said under some `cfg`.
    pub alters_fields: bool,
    /// Fields beside those of the struct are stored, or other ones (`flatten`, `into`, `tag`, …).
    pub hides_fields: bool,
    /// The field is not stored.
    pub skips: bool,
    /// The struct or field is stored in the form of something else (`into`, `transparent`, `with`, …).
    pub changes_form: bool,
    /// What a `cfg_attr` adds for serde hangs on a condition that is not known here.
    pub is_conditional: bool,
    /// The path of the serde crate is given.
    pub names_crate: bool,
    /// The name under which the field is stored.
    pub rename: Option<String>,
    /// The rule for the names of all fields.
    pub rename_all: Option<String>,
}

impl SerdeAttrs {
    /// Reads the attributes of a struct or field.
    pub fn of(attrs: &[Attribute]) -> Self {
        let mut read = Self::default();
        for attr in attrs {
            if attr.path().is_ident("serde") {
                // An attribute that cannot be read says nothing that could be relied on.
                let parsed = attr.parse_nested_meta(|meta| read.argument(&meta));
                read.alters_fields |= parsed.is_err();
            }
            // Attribute macros see items before their conditions are resolved.
            if let Meta::List(list) = &attr.meta {
                read.is_conditional |= attr.path().is_ident("cfg_attr") && adds_serde(list.tokens.clone());
            }
            read.alters_fields |= attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr");
        }
        read
    }

    fn argument(&mut self, meta: &ParseNestedMeta) -> syn::Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        self.alters_fields |= name != "default";
        match name.as_str() {
            "rename" => return keep_serialized_name(meta, &mut self.rename),
            "rename_all" => return keep_serialized_name(meta, &mut self.rename_all),
            "flatten" | "tag" => self.hides_fields = true,
            "into" | "transparent" => (self.hides_fields, self.changes_form) = (true, true),
            "with" | "serialize_with" => self.changes_form = true,
            "skip" | "skip_serializing" => self.skips = true,
            "crate" => self.names_crate = true,
            _ => {}
        }
        skip_value(meta)
    }
}

/// The name that serde stores a field under, without a `rename` on the field itself.
pub fn renamed(field: &str, rule: Option<&str>) -> String {
    let capitals = || field.split('_').map(capitalized).collect::<String>();
    match rule {
        Some("UPPERCASE" | "SCREAMING_SNAKE_CASE") => field.to_ascii_uppercase(),
        Some("PascalCase") => capitals(),
        Some("camelCase") => {
            let name = capitals();
            let mut letters = name.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
        }
        Some("kebab-case") => field.replace('_', "-"),
        Some("SCREAMING-KEBAB-CASE") => field.to_ascii_uppercase().replace('_', "-"),
        _ => field.to_owned(),
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// Reads `= "…"`, or the `serialize` half of `(serialize = "…", deserialize = "…")`.
fn keep_serialized_name(meta: &ParseNestedMeta, place: &mut Option<String>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        *place = Some(meta.value()?.parse::<LitStr>()?.value());
        return Ok(());
    }
    meta.parse_nested_meta(|half| {
        let name = half.value()?.parse::<LitStr>()?;
        if half.path.is_ident("serialize") {
            *place = Some(name.value());
        }
        Ok(())
    })
}

/// Whether there is a `serde(…)` in the tokens, however deep.
fn adds_serde(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_serde =
        |pair: &[TokenTree]| matches!(pair, [TokenTree::Ident(name), TokenTree::Group(_)] if name == "serde");
    tokens.windows(2).any(is_serde)
        || tokens.iter().any(|token| matches!(token, TokenTree::Group(group) if adds_serde(group.stream())))
}

fn skip_value(meta: &ParseNestedMeta) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(token::Paren) {
        meta.parse_nested_meta(|inner| skip_value(&inner))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(attr: Attribute) -> SerdeAttrs {
        SerdeAttrs::of(&[attr])
    }

    #[test]
    fn only_default_leaves_the_fields_as_they_are() {
        assert!(!read(syn::parse_quote!(#[serde(default)])).alters_fields);
        assert!(!read(syn::parse_quote!(#[serde(default = "path::to")])).alters_fields);
        assert!(!read(syn::parse_quote!(#[doc = "text"])).alters_fields);
        assert!(read(syn::parse_quote!(#[serde(default, skip)])).alters_fields);
        assert!(read(syn::parse_quote!(#[serde(deny_unknown_fields)])).alters_fields);
        assert!(read(syn::parse_quote!(#[cfg_attr(a, serde(rename = "b"))])).alters_fields);
    }

    #[test]
    fn what_is_stored_in_another_form_or_under_a_condition_is_known() {
        assert!(read(syn::parse_quote!(#[serde(with = "path::to")])).changes_form);
        assert!(read(syn::parse_quote!(#[serde(into = "Other")])).changes_form);
        assert!(!read(syn::parse_quote!(#[serde(tag = "kind")])).changes_form);
        assert!(read(syn::parse_quote!(#[cfg_attr(a, cfg_attr(b, serde(skip)))])).is_conditional);
        assert!(!read(syn::parse_quote!(#[cfg_attr(feature = "serde", derive(serde::X))])).is_conditional);
    }

    #[test]
    fn every_spelling_of_a_rename_is_read() {
        assert_eq!(read(syn::parse_quote!(#[serde(default, rename = "a")])).rename.as_deref(), Some("a"));
        let both = read(syn::parse_quote!(#[serde(rename(deserialize = "b", serialize = "a"))]));
        assert_eq!(both.rename.as_deref(), Some("a"));
        let bound = read(syn::parse_quote!(#[serde(bound(serialize = "T: X"), crate = "x", flatten)]));
        assert!(bound.names_crate && bound.hides_fields && bound.rename.is_none());
    }

    #[test]
    fn rules_rename_as_serde_does() {
        let cases = [
            ("UPPERCASE", "FIRST_NAME"),
            ("PascalCase", "FirstName"),
            ("camelCase", "firstName"),
            ("kebab-case", "first-name"),
            ("SCREAMING-KEBAB-CASE", "FIRST-NAME"),
            ("snake_case", "first_name"),
            ("lowercase", "first_name"),
        ];
        for (rule, stored) in cases {
            assert_eq!(renamed("first_name", Some(rule)), stored, "{rule}");
        }
        assert_eq!(renamed("first_name", None), "first_name");
    }
}
