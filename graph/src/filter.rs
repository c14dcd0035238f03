//! MongoDB's filter language, evaluated without a MongoDB.
//!
//! Answers agree with MongoDB 6.0, array traversal included. Where MongoDB takes what can only be a
//! mistake, such as `{"a": {"b": 1, "$gt": 2}}`, the filter is refused instead.

mod bounds;
mod compare;
mod condition;
mod dialect;
mod error;
mod operators;
mod parse;
pub(crate) mod path;
mod pattern;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::document::Document;
use condition::{Condition, Root};

pub use bounds::Bounds;
pub use compare::compare_values;
pub use error::FilterError;

/// A condition on documents, in MongoDB's filter language.
///
/// Known beside a field: implicit equality, `$eq $ne $gt $gte $lt $lte $in $nin $exists $type $not
/// $regex $options $all $size $elemMatch $mod`; beside other members: `$and $or $nor $comment`.
/// Paths go by the JSON form of a [`Document`]: `id` (or `_id`), `entity`, `_version`, `source`,
/// `target`, `bidirectional`, `context.FIELD` and what lies below it. Any other path is missing,
/// unless the document has such an extra member.
///
/// Patterns mean what they mean to PCRE: `\d` and `\w` are ASCII, `$` comes before a last newline too.
/// Look-around, back-references and possessive quantifiers are refused. These differences stay: what
/// follows `$` in a pattern does not see that newline; with option `m`, `^` also matches after it; with
/// option `i`, classes such as `[\w]` have the long s and the Kelvin sign among their letters.
///
/// Cheap to clone. Two filters are equal when their JSON is, the order of members included.
///
/// ```
/// use serde_json::json;
/// use wayfare_graph::{Document, Filter};
///
/// let filter = Filter::parse(&json!({"context.country": "US", "context.lanes": {"$gte": 2}}))?;
/// let document = Document::from_json(json!({
///     "id": "n.City.nyc",
///     "context": {"country": "US", "lanes": [1, 4]},
/// }))?;
/// assert!(filter.matches(&document));
///
/// let error = r#"{"context.lanes": {"$gtee": 2}}"#.parse::<Filter>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown operator `$gtee` at `context.lanes`: did you mean `$gte`?");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Filter(Option<Arc<Parsed>>);

struct Parsed {
    source: Value,
    condition: Condition,
}

impl Filter {
    /// The filter that every document satisfies.
    #[must_use]
    pub fn all() -> Self {
        Self(None)
    }

    /// Reads a filter.
    ///
    /// # Errors
    /// Every [`FilterError`] except [`FilterError::NotJson`].
    pub fn parse(value: &Value) -> Result<Self, FilterError> {
        let condition = parse::filter(value)?;
        if value.as_object().is_some_and(Map::is_empty) {
            return Ok(Self::all());
        }
        Ok(Self(Some(Arc::new(Parsed { source: value.clone(), condition }))))
    }

    /// Whether a document satisfies it. A damaged body has no fields.
    ///
    /// Decodes each field that the filter names, and no other.
    #[must_use]
    pub fn matches(&self, document: &Document) -> bool {
        self.0.as_ref().is_none_or(|parsed| parsed.condition.matches(Root::Document(document)))
    }

    /// Whether a plain JSON object satisfies it.
    #[must_use]
    pub fn matches_value(&self, value: &Value) -> bool {
        self.0.as_ref().is_none_or(|parsed| parsed.condition.matches(Root::Value(value)))
    }

    /// Whether it is satisfied by every document because it asks for nothing.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.as_ref().is_none_or(|parsed| parsed.condition.is_all())
    }

    /// Whether a document's fields must be decoded to evaluate it: it asks for more than `id`, `entity`,
    /// `_version` and the ends of an edge.
    #[must_use]
    pub fn decodes_fields(&self) -> bool {
        self.0.as_ref().is_some_and(|parsed| parsed.condition.decodes())
    }

    /// What every matching document has at a dotted path, for a look into an index.
    ///
    /// Each matching document has there, as a value or as an element of an array, at least one value
    /// within the bounds; most often other documents have too. `None` when the filter says nothing of
    /// use about the path, above all when a document without it may match. `id` and `_id` are one path.
    #[must_use]
    pub fn bounds(&self, path: &str) -> Option<Bounds> {
        bounds::of_any(&self.0.as_ref()?.condition, path)
    }

    /// Like [`bounds`](Self::bounds), but narrower, for a path along which no document has an array.
    ///
    /// `{"n": {"$gt": 1, "$lt": 5}}` is matched by `{"n": [0, 9]}`, so `bounds` can keep one end only;
    /// without arrays both ends hold.
    #[must_use]
    pub fn scalar_bounds(&self, path: &str) -> Option<Bounds> {
        bounds::of_scalar(&self.0.as_ref()?.condition, path)
    }

    /// Whether every document that satisfies this filter is sure to satisfy `other` too, because each condition
    /// of `other` stands word for word among those that this one joins by "and". `false` says nothing.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        let (Some(wanted), Some(own)) = (&other.0, &self.0) else {
            return other.is_all();
        };
        let mut has = Vec::new();
        joined(&own.source, &mut has);
        let mut needs = Vec::new();
        joined(&wanted.source, &mut needs);
        needs.iter().all(|need| has.contains(need))
    }

    /// Whether all that it asks for are fields in `context`, by conditions joined by "and".
    #[must_use]
    pub fn is_about_fields(&self) -> bool {
        let mut conditions = Vec::new();
        if let Some(parsed) = &self.0 {
            joined(&parsed.source, &mut conditions);
        }
        conditions.iter().all(|(path, _)| path.starts_with("context."))
    }

    /// The JSON that it was read from.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.0.as_ref().map_or_else(|| Value::Object(Map::new()), |parsed| parsed.source.clone())
    }
}

/// The conditions of a filter that all must hold, those of `$and` taken out of it.
fn joined<'a>(filter: &'a Value, into: &mut Vec<(&'a str, &'a Value)>) {
    for (name, condition) in filter.as_object().into_iter().flatten() {
        match (name.as_str(), condition) {
            ("$and", Value::Array(filters)) => filters.iter().for_each(|filter| joined(filter, into)),
            ("$comment", _) => {}
            (path, condition) => {
                // `{"a": {"$eq": 1}}` is `{"a": 1}`.
                let only = condition.as_object().filter(|members| members.len() == 1);
                into.push((path, only.and_then(|members| members.get("$eq")).unwrap_or(condition)));
            }
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let value = serde_json::from_str(text)
            .map_err(|error: serde_json::Error| FilterError::NotJson { reason: error.to_string() })?;
        Self::parse(&value)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(parsed) => parsed.source.fmt(f),
            None => f.write_str("{}"),
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({self})")
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            // `Value`'s own equality does not see the order of members, which matters here.
            (Some(one), Some(two)) => compare_values(&one.source, &two.source).is_eq(),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Eq for Filter {}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(parsed) => parsed.source.serialize(serializer),
            None => Map::new().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
