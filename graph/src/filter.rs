//! MongoDB's filter language.

use serde_json::Value;

use crate::document::Document;

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Not JSON at all.
    #[error("the filter is not JSON: {reason}")]
    NotJson {
        /// The parser's own words.
        reason: String,
    },
}

/// A condition on documents.
#[derive(Debug, Clone, Default)]
pub struct Filter {}

impl Filter {
    /// The filter that every document satisfies.
    #[must_use]
    pub fn all() -> Self {
        Self {}
    }

    /// Reads a filter.
    pub fn parse(_value: &Value) -> Result<Self, FilterError> {
        Ok(Self {})
    }

    /// Whether a document satisfies it.
    #[must_use]
    pub fn matches(&self, _document: &Document) -> bool {
        true
    }
}
