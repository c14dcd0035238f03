//! Names of entities, walkers and events: the rules that the runtime applies, checked while compiling.

use proc_macro2::Ident;
use syn::LitStr;
use syn::ext::IdentExt;

use crate::errors::Errors;

/// Longest name, in bytes of UTF-8; the same bound as `wayfare_graph::MAX_ENTITY_NAME_BYTES`, which
/// this crate cannot see.
const MAX_NAME_BYTES: usize = 64;

/// The name as given, else that of the type.
pub fn checked_name(given: Option<&LitStr>, ident: &Ident, errors: &mut Errors) -> String {
    checked(given, ident, fault_of, errors)
}

/// The same for an event, whose name is part of no id and may hold dots.
pub fn checked_event_name(given: Option<&LitStr>, ident: &Ident, errors: &mut Errors) -> String {
    checked(given, ident, |name| fault_of(&name.replace('.', "_")), errors)
}

fn checked(
    given: Option<&LitStr>,
    ident: &Ident,
    fault_of: impl Fn(&str) -> Option<String>,
    errors: &mut Errors,
) -> String {
    let name = given.map_or_else(|| ident.unraw().to_string(), LitStr::value);
    if let Some(fault) = fault_of(&name) {
        let message = format!("`{}` cannot be a name: {fault}", name.escape_debug());
        match given {
            Some(literal) => errors.at(literal, message),
            None => errors.at(ident, format!("{message}; give it one with `name = \"…\"`")),
        }
    }
    name
}

fn fault_of(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if name.len() > MAX_NAME_BYTES {
        return Some(format!("it takes {} bytes, and {MAX_NAME_BYTES} is the most", name.len()));
    }
    if name.contains('.') {
        return Some("dots separate the parts of an id".into());
    }
    name.chars().any(char::is_control).then(|| "it holds a control character".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_rules_of_ids() {
        for good in ["City", "Straße", "a b", &"x".repeat(64)] {
            assert_eq!(fault_of(good), None, "{good}");
        }
        for bad in ["", "a.b", "a\0", "a\nb", &"x".repeat(65)] {
            assert!(fault_of(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_raw_identifier_is_named_without_its_prefix() {
        let mut errors = Errors::default();
        let ident = syn::parse_str::<Ident>("r#type").unwrap();
        assert_eq!(checked_name(None, &ident, &mut errors), "type");
        assert!(errors.texts().is_empty());
    }
}
