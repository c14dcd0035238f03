//! A list of entity names.

use std::fmt;

use serde::Serialize;
use wayfare_graph::{EntityName, IdError};

/// Names of entities, in the order in which they were given. In a file a list of texts; in the environment that, or
/// names with commas between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EntityList(Vec<String>);

impl EntityList {
    /// No entity.
    pub(super) const NONE: Self = Self(Vec::new());

    /// The names as texts.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The names.
    ///
    /// # Errors
    /// [`IdError`] for one that no entity can have, which [`Config::check`](crate::Config::check) refuses.
    pub fn names(&self) -> Result<Vec<EntityName>, IdError> {
        self.iter().map(EntityName::new).collect()
    }
}

impl<S: Into<String>, L: IntoIterator<Item = S>> From<L> for EntityList {
    fn from(names: L) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

/// As TOML writes it.
impl fmt::Display for EntityList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().cloned().map(toml::Value::String).collect();
        write!(f, "{}", toml::Value::Array(names))
    }
}
