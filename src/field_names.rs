//! Names of fields that callers give as text, held against those of a type.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use strsim::damerau_levenshtein;
use wayfare_graph::Entity;

use crate::error::{Error, Result};

/// Members of a document beside its fields.
const MEMBERS: [&str; 8] =
    ["id", "_id", "entity", "context", "_version", "source", "target", "bidirectional"];

/// Refuses a field, or a dotted path into one, that the type is known not to have.
pub(crate) fn check_field<T: Entity>(path: &str) -> Result<()> {
    let Some(known) = T::FIELDS else { return Ok(()) };
    let field = path.split('.').next().unwrap_or(path);
    if known.contains(&field) {
        return Ok(());
    }
    let nearest = nearest(field, known).map(str::to_owned);
    Err(Error::UnknownField { entity: T::entity_name(), field: field.to_owned(), nearest })
}

/// The path in a document of what a caller names: a field of the type by its bare name, which is checked, or any
/// whole path such as `context.name` or `id`, which is not.
pub(crate) fn path_of<T: Entity>(name: &str) -> Result<String> {
    let first = name.split('.').next().unwrap_or(name);
    let is_field = T::FIELDS.is_some_and(|known| known.contains(&first));
    if !is_field && (MEMBERS.contains(&first) || first == "_v") {
        return Ok(name.to_owned());
    }
    check_field::<T>(name)?;
    Ok(format!("context.{name}"))
}

/// The known name most like `name`, if it is like one at all.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let distance = |known: &str| damerau_levenshtein(&known.to_lowercase(), &lower);
    let (distance, known) = known.iter().map(|known| (distance(known), *known)).min_by_key(|(d, _)| *d)?;
    // More than a third of the letters wrong is another word, not a slip; short names get one letter.
    (distance <= (name.chars().count() / 3).max(1)).then_some(known)
}

/// The names of the fields that a struct reads, `None` where they are not known before reading, as with
/// `#[serde(flatten)]`.
pub(crate) fn fields_of<P: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut fields = None;
    // Ends with an error in any case: there is nothing to read.
    let _ = P::deserialize(FieldsProbe(&mut fields));
    fields
}

/// Writes down which fields a struct asks for, and gives none.
struct FieldsProbe<'a>(&'a mut Option<&'static [&'static str]>);

#[derive(Debug)]
struct NothingToRead;

impl fmt::Display for NothingToRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is nothing to read")
    }
}

impl std::error::Error for NothingToRead {}

impl de::Error for NothingToRead {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for FieldsProbe<'_> {
    type Error = NothingToRead;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        Err(NothingToRead)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NothingToRead> {
        *self.0 = Some(fields);
        Err(NothingToRead)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NothingToRead> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    struct Small {
        name: String,
        #[serde(rename = "eMail", default)]
        email: Option<String>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    struct Open {
        #[serde(flatten)]
        rest: serde_json::Map<String, serde_json::Value>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    struct Wrapped(Small);

    #[test]
    fn the_fields_of_a_struct_are_known_before_anything_is_read() {
        assert_eq!(fields_of::<Small>(), Some(&["name", "eMail"][..]));
        assert_eq!(fields_of::<Wrapped>(), Some(&["name", "eMail"][..]));
        assert_eq!(fields_of::<Open>(), None);
        assert_eq!(fields_of::<serde_json::Value>(), None);
    }

    #[test]
    fn a_slip_finds_its_name() {
        assert_eq!(nearest("emial", &["email", "age"]), Some("email"));
        assert_eq!(nearest("harbour", &["email", "age"]), None);
    }
}
