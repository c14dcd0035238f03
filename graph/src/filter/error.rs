//! Why a filter is refused.

use serde_json::Value;

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Not JSON at all.
    #[error("the filter is not JSON: {reason}")]
    NotJson {
        /// The parser's own words, with line and column.
        reason: String,
    },
    /// JSON, but no object.
    #[error("a filter is an object such as `{{\"context.name\": \"x\"}}`, not `{found}`")]
    NotAnObject {
        /// What stands there instead.
        found: String,
    },
    /// There is no such operator.
    #[error("unknown operator `{operator}`{}{}", place(path), did_you_mean(nearest.as_deref()))]
    UnknownOperator {
        /// The operator.
        operator: String,
        /// The field, empty where it stands beside fields.
        path: String,
        /// The known operator that looks most like it.
        nearest: Option<String>,
    },
    /// A known operator that belongs on the other level.
    #[error("`{operator}` cannot stand{}: {remedy}", place(path))]
    MisplacedOperator {
        /// The operator.
        operator: String,
        /// The field, empty where it stands beside fields.
        path: String,
        /// Where it belongs.
        remedy: &'static str,
    },
    /// The operator takes something else.
    #[error("`{operator}`{} needs {expected}, not `{found}`", at(path))]
    WrongOperand {
        /// The operator.
        operator: String,
        /// The field, empty for `$and`, `$or` and `$nor`.
        path: String,
        /// What it takes.
        expected: &'static str,
        /// What it was given, shortened.
        found: String,
    },
    /// The pattern of `$regex` cannot be used.
    #[error("pattern `{pattern}` cannot be used: {reason}")]
    BadRegex {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Operators and plain members in one object.
    #[error(
        "`{path}` mixes operators with the plain member `{member}`: write `{path}.{member}` beside it, or use `$eq`"
    )]
    MixedOperators {
        /// The field.
        path: String,
        /// The plain member.
        member: String,
    },
    /// Extended JSON, for types that documents do not have.
    #[error(
        "`{operator}`{} is extended JSON, which documents do not hold: compare with a plain JSON value",
        at(path)
    )]
    ExtendedJson {
        /// The name of the type, such as `$date`.
        operator: String,
        /// The field.
        path: String,
    },
    /// A path with nothing before, after or between its dots.
    #[error("path `{path}` has an empty segment: name every field on the way")]
    EmptySegment {
        /// The path.
        path: String,
    },
    /// A typed field is compared with what no document can hold.
    #[error("the value compared with `{path}` {reason}")]
    NoStoredForm {
        /// The field.
        path: String,
        /// Why not, in the words of [`BodyError`](crate::BodyError).
        reason: String,
    },
    /// Lists and objects nested too deeply, or a path of too many segments.
    #[error("the filter nests deeper than {limit} levels: make it flatter")]
    TooDeep {
        /// How deep it may be.
        limit: usize,
    },
    /// `$and`, `$or` or `$nor` of nothing.
    #[error("`{operator}` needs at least one filter in its list")]
    EmptyList {
        /// The operator.
        operator: String,
    },
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at `{path}`") }
}

fn place(path: &str) -> String {
    if path.is_empty() { " beside fields".to_owned() } else { at(path) }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(": did you mean `{nearest}`?")).unwrap_or_default()
}

/// Longest JSON text that an error quotes, in characters.
const QUOTED_CHARS: usize = 60;

/// A value as an error quotes it.
pub(super) fn quoted(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
