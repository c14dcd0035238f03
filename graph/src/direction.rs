//! Which way edges are followed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which way edges are followed. A bidirectional edge can be followed every way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From source to target.
    #[default]
    Out = 0,
    /// From target to source.
    In = 1,
    /// Either way.
    Both = 2,
}

impl Direction {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Out, Self::In, Self::Both];
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Out => "out",
            Self::In => "in",
            Self::Both => "both",
        })
    }
}

impl FromStr for Direction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|direction| direction.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no direction: use `out`, `in` or `both`"))
    }
}
