//! How a runtime is, as its endpoint tells it.

use serde::{Deserialize, Serialize};

/// How a runtime is, and each part of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Health {
    /// `well`, `impaired` or `failed`.
    pub(super) state: String,
    /// Why, where the runtime itself does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// None where the runtime does not answer.
    #[serde(default)]
    pub(super) parts: Vec<Part>,
}

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Part {
    pub(super) part: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_that_does_not_answer_has_a_reason_and_no_parts() {
        let told = r#"{"state": "failed", "ready": false, "reason": "the runtime does not answer"}"#;
        let health: Health = serde_json::from_str(told).unwrap();
        assert_eq!(health.reason.as_deref(), Some("the runtime does not answer"));
        assert!(health.parts.is_empty());
    }
}
