//! jvspatial's SQLite files, read as a store.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use wayfare_graph::{
    Document, EntityName, Explanation, Finding, Id, Index, Kind, Loaded, Need, Page, Query, Store,
    StoreError, StoreFuture, StoreStats, WriteBatch, WriteResult,
};

use crate::embedded::{EmbeddedOptions, EmbeddedStore};
use crate::json::text::{json_of, number_too_large};

/// How many rows are taken over in one commit.
const IMPORT_BATCH: usize = 1_000;

/// Collections that hold documents; others, such as trails, are left where they are.
const KINDS: [Kind; 4] = [Kind::Object, Kind::Node, Kind::Edge, Kind::Walker];

/// A SQLite file of jvspatial, as it was when it was opened: to be looked at, walked and copied, not to be written.
///
/// Opening copies its documents into an embedded store in the system's folder for temporary files, which takes about
/// as much room as the file; it is removed when the store is dropped. Later changes of the file are not seen.
pub struct SqliteStore {
    path: PathBuf,
    documents: EmbeddedStore,
    /// Rows that are no documents.
    bad: Vec<Finding>,
    /// Removed after the store in it is closed: fields are dropped in this order.
    _folder: TempDir,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a file and reads it.
    ///
    /// Rows that are no documents are left out, with a warning; [`check_up`](Store::check_up) lists them.
    ///
    /// # Errors
    /// [`StoreError::NotAStore`] when it is no SQLite file with jvspatial's table `records`,
    /// [`StoreError::Io`], [`StoreError::OutOfSpace`].
    pub fn open(path: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        let failed = |error: rusqlite::Error| StoreError::NotAStore {
            path: path.display().to_string(),
            reason: format!("no SQLite file with the table `records` of jvspatial: {error}"),
        };
        let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        let folder = tempfile::tempdir()
            .map_err(|error| StoreError::Io { path: path.display().to_string(), source: error.into() })?;
        let documents = EmbeddedStore::open(folder.path(), options)?;
        let mut store = Self { path: path.to_owned(), documents, bad: Vec::new(), _folder: folder };
        // One statement is one snapshot, whoever writes meanwhile.
        let mut rows = file.prepare("SELECT collection, id, data FROM records").map_err(failed)?;
        let mut rows = rows.query([]).map_err(failed)?;
        let mut batch = Vec::with_capacity(IMPORT_BATCH);
        while let Some(row) = rows.next().map_err(failed)? {
            let text = |column| row.get::<_, String>(column).map_err(|error| error.to_string());
            let collection = text(0).unwrap_or_default();
            let Some(kind) = KINDS.into_iter().find(|kind| kind.collection() == collection) else { continue };
            match text(2).and_then(|data| read(&data, kind)) {
                Ok(document) => batch.push(document),
                Err(reason) => store.leave_out(&collection, &text(1).unwrap_or_default(), reason),
            }
            if batch.len() == IMPORT_BATCH {
                store.documents.take_over(&batch)?;
                batch.clear();
            }
        }
        store.documents.take_over(&batch)?;
        Ok(store)
    }

    fn leave_out(&mut self, collection: &str, id: &str, reason: String) {
        let place = format!("{collection}/{id}");
        tracing::warn!(path = %self.path.display(), place, reason, "left out a row that is no document");
        self.bad.push(Finding::BadDocument { place, reason, repaired: false });
    }

    fn read_only<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::Unsupported {
            store: self.describe(),
            what: "be written: copy it to another store and open that".into(),
        })
    }
}

fn read(data: &str, kind: Kind) -> Result<Document, String> {
    if let Some(number) = number_too_large(data.as_bytes()) {
        return Err(format!("the number {number} does not fit 64 bits, and would be rounded"));
    }
    let document = Document::from_json(json_of(data.as_bytes())?).map_err(|error| error.to_string())?;
    if document.id().kind() == kind {
        return Ok(document);
    }
    Err(format!("it holds `{}`, which does not belong into `{}`", document.id(), kind.collection()))
}

impl Store for SqliteStore {
    fn describe(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        self.documents.get_many(ids)
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        self.documents.load(ids, need)
    }

    fn find<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        self.documents.find(query)
    }

    fn count<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, u64> {
        self.documents.count(query)
    }

    fn explain<'a>(&'a self, query: &'a Query) -> StoreFuture<'a, Explanation> {
        self.documents.explain(query)
    }

    fn scan<'a>(
        &'a self,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<&'a Id>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        self.documents.scan(kind, entity, after, limit)
    }

    /// Refused: [`StoreError::Unsupported`].
    fn apply<'a>(&'a self, _: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        Box::pin(async { self.read_only() })
    }

    /// For as long as the store is open; the file stays as it is.
    fn create_index<'a>(&'a self, index: &'a Index) -> StoreFuture<'a, ()> {
        self.documents.create_index(index)
    }

    fn drop_index<'a>(&'a self, kind: Kind, entity: EntityName, name: &'a str) -> StoreFuture<'a, bool> {
        self.documents.drop_index(kind, entity, name)
    }

    fn rename_index<'a>(
        &'a self,
        kind: Kind,
        entity: EntityName,
        from: &'a str,
        to: &'a str,
    ) -> StoreFuture<'a, bool> {
        self.documents.rename_index(kind, entity, from, to)
    }

    fn check_up(&self, _: bool) -> StoreFuture<'_, Vec<Finding>> {
        Box::pin(async { Ok(self.bad.clone()) })
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        self.documents.stats()
    }

    fn is_local(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures_util::FutureExt as _;

    use crate::OpenOptions;

    /// A document with lists in lists, and `inner` in the innermost.
    fn text(id: &str, levels: usize, inner: &str) -> String {
        let list = format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
        // A bracket in a text is no level.
        format!(r#"{{"id": "{id}", "entity": "A", "context": {{"text": "\"[{{", "list": {list}}}}}"#)
    }

    fn ids_in(store: &dyn Store) -> Vec<String> {
        let page = store.scan(Kind::Node, None, None, 1_000).now_or_never().expect("it is local").unwrap();
        page.documents.iter().map(|document| document.id().to_string()).collect()
    }

    #[test]
    fn documents_are_read_as_deep_as_the_json_store_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jv.db");
        let files = folder.path().join("files");
        std::fs::create_dir_all(files.join("node")).unwrap();
        let file = Connection::open(&path).unwrap();
        file.execute_batch("CREATE TABLE records (collection TEXT, id TEXT, data TEXT)").unwrap();
        for levels in [1, 126, 127, 128, 200, 254, 255, 256, 257, 258, 300, 100_000] {
            for (name, inner) in [("empty", ""), ("number", "1")] {
                let id = format!("n.A.{name}{levels}");
                let text = text(&id, levels, inner);
                std::fs::write(files.join(format!("node/{id}.json")), &text).unwrap();
                file.execute("INSERT INTO records VALUES ('node', ?, ?)", (&id, &text)).unwrap();
            }
        }
        let store = SqliteStore::open(&path, Default::default()).unwrap();
        let json = crate::open(&format!("json:{}", files.display()), &OpenOptions::default()).unwrap();
        let read = ids_in(&store);
        assert_eq!(read, ids_in(&*json));
        // The root, and the first six depths with both.
        assert_eq!(read.len(), 1 + 2 * 6, "{read:?}");
        for finding in &store.bad {
            assert!(format!("{finding:?}").contains("nested deeper than"), "{finding:?}");
        }
        assert_eq!(store.bad.len(), 2 * 6);
    }

    #[test]
    fn what_comes_after_a_document_is_no_part_of_it() {
        for data in ["{} {}", "{}]", "{} x", "", " ", "[", "\"[", "\"\\"] {
            assert!(read(data, Kind::Node).unwrap_err().starts_with("it is no JSON: "), "{data}");
        }
        assert!(read(" {\"id\": \"n.A.b\"} \n", Kind::Node).is_ok());
    }
}
