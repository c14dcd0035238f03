//! Stores by URL, as settings and the command line name them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wayfare_graph::{Store, StoreError};

use crate::embedded::{EmbeddedOptions, EmbeddedStore};
#[cfg(feature = "mongodb")]
use crate::mongodb::{MongoOptions, MongoStore};

/// How to open whichever store a URL names.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// For `embedded:`.
    pub embedded: EmbeddedOptions,
    /// For `mongodb:` and `mongodb+srv:`.
    #[cfg(feature = "mongodb")]
    pub mongodb: MongoOptions,
}

/// What may be written.
#[cfg(feature = "mongodb")]
const FORMS: &str = "write `embedded:PATH` or `mongodb://HOST/DATABASE`";
#[cfg(not(feature = "mongodb"))]
const FORMS: &str = "write `embedded:PATH`";

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `embedded:PATH`: an [`EmbeddedStore`] in the folder `PATH`.
    Embedded(PathBuf),
    /// `mongodb://HOST/DATABASE` or `mongodb+srv://…`: a [`MongoStore`], by its whole URL.
    #[cfg(feature = "mongodb")]
    MongoDb(String),
}

impl StoreUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`StoreError::Url`], without the password that the URL may hold.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':') {
            Some(("embedded", path)) if !path.is_empty() => Ok(Self::Embedded(Path::new(path).to_owned())),
            #[cfg(feature = "mongodb")]
            Some(("mongodb" | "mongodb+srv", _)) => Ok(Self::MongoDb(url.to_owned())),
            _ => Err(StoreError::Url { url: without_password(url), reason: FORMS.into() }),
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
/// [`EmbeddedStore::open`], `MongoStore::open`.
pub fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
    match StoreUrl::parse(url)? {
        StoreUrl::Embedded(path) => Ok(Arc::new(EmbeddedStore::open(&path, options.embedded)?)),
        #[cfg(feature = "mongodb")]
        StoreUrl::MongoDb(url) => Ok(Arc::new(MongoStore::open(&url, options.mongodb)?)),
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
