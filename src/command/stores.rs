//! Stores opened by their URLs, without a runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wayfare::{Config, Kind, Store};
use wayfare_stores::StoreUrl;

use super::exit::Failure;
use crate::opening::open_store;

/// The order in which whole stores are gone through: edges after the nodes that they join.
pub(crate) const IN_ORDER: [Kind; 4] = [Kind::Node, Kind::Object, Kind::Edge, Kind::Walker];

/// Opens a store, which is made if there is none.
pub(crate) fn open(config: &Config, url: &str) -> Result<Arc<dyn Store>, Failure> {
    Ok(open_store(url, config)?)
}

/// Opens a store that must be there.
pub(crate) fn open_existing(config: &Config, url: &str) -> Result<Arc<dyn Store>, Failure> {
    check_exists(url)?;
    open(config, url)
}

/// Refuses a store that is not there: a slip in its path would else make an empty one.
pub(crate) fn check_exists(url: &str) -> Result<(), Failure> {
    match path_of(url) {
        Some(path) if is_absent(&path) => Err(Failure::bad_input(format!(
            "store `{url}` does not exist: name another with --store, or make it with `wayfare import`"
        ))),
        // What is wrong with a URL is told when it is opened.
        _ => Ok(()),
    }
}

/// Refuses a store of a kind that is only read, before anything is opened.
pub(crate) fn check_writable(url: &str) -> Result<(), Failure> {
    match StoreUrl::parse(url) {
        Ok(StoreUrl::Sqlite(_)) => Err(Failure::bad_input(format!(
            "`{url}` cannot be written: SQLite files are read only; name an `embedded:`, `json:` or `mongodb:` store"
        ))),
        _ => Ok(()),
    }
}

/// Whether two URLs name one place.
pub(crate) fn are_same(one: &str, other: &str) -> bool {
    let place = |path: PathBuf| fs::canonicalize(&path).unwrap_or(path);
    match (path_of(one), path_of(other)) {
        (Some(one), Some(other)) => place(one) == place(other),
        _ => one == other,
    }
}

/// The folder or the file of a store that lies in one.
fn path_of(url: &str) -> Option<PathBuf> {
    match StoreUrl::parse(url) {
        Ok(StoreUrl::Embedded(path) | StoreUrl::Json(path) | StoreUrl::Sqlite(path)) => Some(path),
        _ => None,
    }
}

/// Whether there is nothing at a path, or an empty folder. A file is something; what cannot be looked at is for the
/// store to tell.
fn is_absent(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
