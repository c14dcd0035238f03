//! Why settings are refused, with what is allowed instead.

use std::path::PathBuf;
use std::{fmt, io};

use thiserror::Error;

use super::layers::variable_of;

/// Settings that cannot be used. Each says where the value came from and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The settings file cannot be read.
    #[error("cannot read settings file `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The text is not TOML.
    #[error("{} is not TOML: {reason}", Place(path.as_ref(), *line))]
    Syntax {
        /// The file, unless the text was handed in.
        path: Option<PathBuf>,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
        /// What was wrong there.
        reason: String,
    },

    /// No setting has this key.
    #[error("`{key}` ({origin}) is no setting: {}", advice(nearest.as_deref(), origin))]
    UnknownKey {
        /// The key as given, with its section: `workers.cout`.
        key: String,
        /// The known key that is most like it, if one is.
        nearest: Option<String>,
        /// Where it came from.
        origin: Origin,
    },

    /// The value is of another type than the setting.
    #[error("`{key}` is `{value}` ({origin}): give {expected}")]
    WrongType {
        /// The setting.
        key: String,
        /// The value, without any password.
        value: String,
        /// The type it must have, with its range.
        expected: String,
        /// Where it came from.
        origin: Origin,
    },

    /// The value is outside of the setting's range.
    #[error("`{key}` is `{value}` ({origin}): allowed is {allowed}")]
    OutOfRange {
        /// The setting.
        key: String,
        /// The value, without any password.
        value: String,
        /// What is allowed: `` `auto` or 1..=256 ``.
        allowed: String,
        /// Where it came from.
        origin: Origin,
    },
}

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A settings file, or a text that was handed in.
    File {
        /// The file, unless the text was handed in.
        path: Option<PathBuf>,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The builder, or a field that the program assigned.
    Builder,
    /// Several settings that do not go together, from wherever they came.
    Together,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => Place(path.as_ref(), *line).fmt(f),
            Self::Environment { variable } => write!(f, "environment variable `{variable}`"),
            Self::Builder => f.write_str("builder"),
            Self::Together => f.write_str("together with another"),
        }
    }
}

/// `config.toml:12`, or as much of it as is known.
struct Place<'a>(Option<&'a PathBuf>, Option<usize>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Some(path), Some(line)) => write!(f, "{}:{line}", path.display()),
            (Some(path), None) => path.display().fmt(f),
            (None, Some(line)) => write!(f, "line {line} of the settings"),
            (None, None) => f.write_str("the settings"),
        }
    }
}

/// What to do about an unknown key, in the words of the layer it came from.
fn advice(nearest: Option<&str>, origin: &Origin) -> String {
    match (nearest, origin) {
        (Some(key), Origin::Environment { .. }) => format!("did you mean `{}`?", variable_of(key)),
        (Some(key), _) => format!("did you mean `{key}`?"),
        (None, _) => "remove it, or look for the one you mean in the `config.toml` of the project".to_owned(),
    }
}
