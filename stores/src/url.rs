//! Stores by URL, as settings and the command line name them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wayfare_graph::{Store, StoreError};

use crate::embedded::{EmbeddedOptions, EmbeddedStore};
use crate::json::JsonStore;
#[cfg(feature = "mongodb")]
use crate::mongodb::{MongoOptions, MongoStore};

/// How to open whichever store a URL names.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// For `embedded:`, and for the journal of `json:`.
    pub embedded: EmbeddedOptions,
    /// For `mongodb:` and `mongodb+srv:`.
    #[cfg(feature = "mongodb")]
    pub mongodb: MongoOptions,
}

/// How a store is named.
const KNOWN: &str = "write `embedded:PATH`, `json:PATH` or `mongodb://HOST/DATABASE`";

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `embedded:PATH`: an [`EmbeddedStore`] in the folder `PATH`.
    Embedded(PathBuf),
    /// `json:PATH`: a [`JsonStore`] in the folder `PATH`.
    Json(PathBuf),
    /// `sqlite:PATH`: a SQLite file of jvspatial, to be read.
    Sqlite(PathBuf),
    /// `mongodb://HOST/DATABASE` or `mongodb+srv://…`: a `MongoStore`, by its whole URL.
    MongoDb(String),
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(path) => f.debug_tuple("Embedded").field(path).finish(),
            Self::Json(path) => f.debug_tuple("Json").field(path).finish(),
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::MongoDb(url) => f.debug_tuple("MongoDb").field(&without_password(url)).finish(),
        }
    }
}

impl StoreUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`StoreError::Url`], without the password that the URL may hold.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':') {
            Some(("embedded", path)) if !path.is_empty() => Ok(Self::Embedded(Path::new(path).to_owned())),
            Some(("json", path)) if !path.is_empty() => Ok(Self::Json(Path::new(path).to_owned())),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(Path::new(path).to_owned())),
            Some(("mongodb" | "mongodb+srv", _)) => Ok(Self::MongoDb(url.to_owned())),
            _ => Err(StoreError::Url { url: without_password(url), reason: KNOWN.into() }),
        }
    }
}

/// Opens the store that a URL names.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().display();
/// let store = wayfare_stores::open(&format!("embedded:{path}"), &Default::default())?;
/// assert_eq!(store.describe(), format!("embedded:{path}"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`StoreError::Url`] when it names none, and what opening that store may give:
/// [`EmbeddedStore::open`], [`JsonStore::open`], `MongoStore::open`.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
    match StoreUrl::parse(url)? {
        StoreUrl::Embedded(path) => Ok(Arc::new(EmbeddedStore::open(&path, options.embedded)?)),
        StoreUrl::Json(path) => Ok(Arc::new(JsonStore::open(&path, options.embedded)?)),
        #[cfg(feature = "mongodb")]
        StoreUrl::MongoDb(url) => Ok(Arc::new(MongoStore::open(&url, options.mongodb)?)),
        #[cfg(not(feature = "mongodb"))]
        StoreUrl::MongoDb(url) => Err(StoreError::Url {
            url: without_password(&url),
            reason: "this program is built without `mongodb`".into(),
        }),
        #[cfg(feature = "sqlite")]
        StoreUrl::Sqlite(path) => Ok(Arc::new(crate::sqlite::SqliteStore::open(&path, options.embedded)?)),
        #[cfg(not(feature = "sqlite"))]
        StoreUrl::Sqlite(_) => Err(StoreError::Url {
            url: url.to_owned(),
            reason: "this program is built without `sqlite`".into(),
        }),
    }
}

/// The URL with `***` for what stands between the first colon after the scheme and the last `@`: a
/// password may hold every other sign when somebody forgot to escape it.
pub(crate) fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once(':').map_or(("", url), |(scheme, rest)| (scheme, rest));
    let hidden = rest.rsplit_once('@').and_then(|(account, host)| {
        let slashes = account.len() - account.trim_start_matches('/').len();
        let (user, _) = account[slashes..].split_once(':')?;
        Some(format!("{scheme}:{}{user}:***@{host}", &account[..slashes]))
    });
    hidden.unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedded_url_is_a_path() {
        assert_eq!(StoreUrl::parse("embedded:a/b").unwrap(), StoreUrl::Embedded("a/b".into()));
        assert_eq!(StoreUrl::parse("embedded:C:\\x").unwrap(), StoreUrl::Embedded("C:\\x".into()));
    }

    #[test]
    fn other_urls_are_refused_without_their_password() {
        for (url, shown) in [
            ("postgres://ann:secret@host/db", "postgres://ann:***@host/db"),
            ("postgres://ann:se@c/r:et@host/db?x=1", "postgres://ann:***@host/db?x=1"),
            ("postgres:ann:secret@host", "postgres:ann:***@host"),
            ("postgres://ann@host", "postgres://ann@host"),
            ("./folder", "./folder"),
            ("embedded:", "embedded:"),
            ("", ""),
        ] {
            match StoreUrl::parse(url) {
                Err(StoreError::Url { url, .. }) => assert_eq!(url, shown),
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
