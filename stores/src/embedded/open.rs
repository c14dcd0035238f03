//! Opening a file: its format, its tables, its catalog, and the root node.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use heed::types::Bytes;
use heed::{Env, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};
use wayfare_graph::{Body, Document, EntityName, Id, StoreError, Version};

use super::catalog::{Catalog, index_from_bytes, index_key, name_key};
use super::codec::{after_prefix, document_key};
use super::counts::count_key;
use super::document_value::encode;
use super::engine::Engine;
use super::fault::Fault;
use super::folder::{DATA_FILE, FolderLock};
use super::growth::map_size;
use super::tables::{JournalTables, MAX_TABLES, META, Table, Tables};
use super::{EmbeddedOptions, EmbeddedStore};

/// The format that this release writes, and the newest that it reads.
///
/// It rises when an older release would misread a file or spoil it. A further table alone does neither,
/// so the table `walker`, which the first files of format 1 lack, did not raise it: it is made when such
/// a file is opened, and a release that does not know it opens its own tables by name and never copies or
/// drops others, keeps the names and counts that walkers have in `meta`, and refuses to write walkers.
/// Format 2 has indexes over some of the documents of an entity, or not yet over all, which a release of
/// format 1 would take for whole. Files of format 1 become files of format 2 when they are opened.
const FORMAT: u64 = 2;
const FORMAT_KEY: &[u8] = b"format";

/// Most read transactions at a time; one begun beyond them fails.
const MAX_READERS: u32 = 1024;

impl EmbeddedStore {
    /// Opens the store in a folder, which is made with its parents if there is none.
    ///
    /// One handle at a time may have a store open, in all processes together; it is closed when the
    /// handle is dropped. The folder must be on a local disk, and its files must not be touched by
    /// others: they are mapped into memory.
    ///
    /// # Errors
    /// - [`StoreError::Busy`]: it is open elsewhere.
    /// - [`StoreError::NotAStore`]: the path is a file, or a folder or database of something else.
    /// - [`StoreError::NewerFormat`]: a newer release wrote it.
    /// - [`StoreError::Damaged`], [`StoreError::OutOfSpace`], [`StoreError::Io`].
    pub fn open(path: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        Self::open_as(path, options, false)
    }

    /// Opens a store whose documents are also kept in files elsewhere: it notes what has to be written there.
    pub(crate) fn open_journal(path: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        Self::open_as(path, options, true)
    }

    fn open_as(path: &Path, options: EmbeddedOptions, journal: bool) -> Result<Self, StoreError> {
        let folder = FolderLock::take(path)?;
        let fresh = std::fs::metadata(path.join(DATA_FILE)).map_or(true, |file| file.len() == 0);
        let env = open_environment(path, options)?;
        let (tables, catalog, changes) = open_tables(&env, path, fresh, &folder, journal)?;
        // Also where the files are older: who made them may have been killed before this.
        folder.sync()?;
        Ok(Self { engine: Engine::new(env, tables, catalog, changes, path.to_owned(), folder) })
    }
}

fn open_environment(path: &Path, options: EmbeddedOptions) -> Result<Env<WithoutTls>, StoreError> {
    let failed = |error: heed::Error| match error {
        heed::Error::Mdb(error @ (MdbError::Invalid | MdbError::VersionMismatch)) => {
            not_a_store(path, format!("`{DATA_FILE}` is no LMDB file of this version ({error})"))
        }
        error => Fault::Lmdb(error).into_error(path),
    };
    let map_bytes = map_size(options.map_bytes).map_err(|error| failed(error.into()))?;
    let mut open = EnvOpenOptions::new().read_txn_without_tls();
    open.map_size(map_bytes).max_readers(MAX_READERS).max_dbs(MAX_TABLES);
    // SAFETY: the mapped file must not be changed by anybody else. `FolderLock` keeps other stores
    // out, in this process and in others, and is held until after the environment is closed; that
    // no foreign program writes to the file is the documented duty of whoever opens the store. No
    // flags are set, so LMDB keeps its own locks and writes through the file, not the map.
    let env = unsafe { open.open(path) }.map_err(failed)?;
    env.clear_stale_readers().map_err(failed)?;
    Ok(env)
}

fn open_tables(
    env: &Env<WithoutTls>,
    path: &Path,
    fresh: bool,
    folder: &FolderLock,
    journal: bool,
) -> Result<(Tables, Catalog, u64), StoreError> {
    let failed = |fault: Fault| folder.explain(fault).into_error(path);
    if !fresh && let Some(format) = stored_format(env).map_err(failed)? {
        let found =
            format.ok_or_else(|| not_a_store(path, format!("`{DATA_FILE}` lacks the table `{META}`")))?;
        if found > FORMAT {
            let path = path.display().to_string();
            return Err(StoreError::NewerFormat { path, found, supported: FORMAT });
        }
    }
    set_up(env, journal).map_err(failed)
}

/// The format of a file that holds anything: `Some(None)` when it is not ours, `None` when it is as
/// empty as a crash right after its making leaves it.
fn stored_format(env: &Env<WithoutTls>) -> Result<Option<Option<u64>>, Fault> {
    let txn = env.read_txn()?;
    let names: Option<Table> = env.open_database::<Bytes, Bytes>(&txn, None)?;
    let empty = names.map_or(Ok(true), |names| names.is_empty(&txn))?;
    if empty {
        return Ok(None);
    }
    let meta: Option<Table> = match env.open_database::<Bytes, Bytes>(&txn, Some(META)) {
        Err(heed::Error::Mdb(MdbError::Incompatible)) => None,
        other => other?,
    };
    let format = match meta {
        Some(meta) => {
            meta.get(&txn, FORMAT_KEY)?.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)))
        }
        None => None,
    };
    Ok(Some(format))
}

/// Makes what is missing: tables, format, root. Then reads the catalog.
fn set_up(env: &Env<WithoutTls>, journal: bool) -> Result<(Tables, Catalog, u64), Fault> {
    let mut txn = env.write_txn()?;
    let tables = Tables::create(env, &mut txn, journal)?;
    let mut catalog = read_catalog(&tables, &txn)?;
    let format = tables.meta.get(&txn, FORMAT_KEY)?.map(<[u8]>::to_vec);
    if format.as_deref() != Some(FORMAT.to_be_bytes().as_slice()) {
        tables.meta.put(&mut txn, FORMAT_KEY, &FORMAT.to_be_bytes())?;
    }
    remove_unfinished(&tables, &mut txn, &mut catalog)?;
    if format.is_none() {
        let root = Id::root();
        let full = || Fault::damaged("table `meta`", "a new store has no room for a name");
        let code = catalog.add(root.entity()).ok_or_else(full)?;
        tables.meta.put(&mut txn, &name_key(code), root.entity().as_str().as_bytes())?;
        let mut bytes = Vec::new();
        let document = Document::new(root.clone(), Body::empty());
        encode(&document, Version::FIRST, &catalog, &mut bytes).ok_or_else(full)?;
        tables.node.put(&mut txn, document_key(code, &root).as_slice(), &bytes)?;
        tables.meta.put(&mut txn, &count_key(root.kind(), code), &1_u64.to_be_bytes())?;
    }
    let changes = match tables.journal {
        Some(journal) => last_change(&journal, &txn)?,
        None => 0,
    };
    txn.commit()?;
    Ok((tables, catalog, changes))
}

/// The highest number of a change whose file is not written; later ones are counted on from it.
fn last_change(journal: &JournalTables, txn: &RoTxn<'_>) -> Result<u64, Fault> {
    let mut last = 0;
    for row in journal.pending.iter(txn)? {
        last = last.max(row?.1.try_into().map_or(0, u64::from_be_bytes));
    }
    Ok(last)
}

/// Removes indexes that a crash has left half built.
fn remove_unfinished(tables: &Tables, txn: &mut RwTxn<'_>, catalog: &mut Catalog) -> Result<(), Fault> {
    for index in catalog.indexes.iter().filter(|index| index.building) {
        let prefix = index.number.to_be_bytes();
        let end = after_prefix(&prefix);
        tables.index.delete_range(txn, &(Bound::Included(&prefix[..]), Bound::Excluded(&end[..])))?;
        tables.meta.delete(txn, &index_key(index.number))?;
    }
    catalog.indexes.retain(|index| !index.building);
    Ok(())
}

fn read_catalog(tables: &Tables, txn: &RoTxn<'_>) -> Result<Catalog, Fault> {
    let damaged = |reason: String| Fault::damaged("table `meta`", reason);
    let mut catalog = Catalog::default();
    for row in tables.meta.prefix_iter(txn, b"e")? {
        let (key, name) = row?;
        let text = std::str::from_utf8(name).map_err(|error| damaged(error.to_string()))?;
        let name = EntityName::new(text).map_err(|error| damaged(error.to_string()))?;
        let code = catalog.add(name).map(u16::to_be_bytes);
        if key.get(1..) != code.as_ref().map(<[u8; 2]>::as_slice) {
            return Err(damaged(format!("the codes of entities have a gap before `{text}`")));
        }
    }
    for row in tables.meta.prefix_iter(txn, b"i")? {
        let (key, definition) = row?;
        let number = key.get(1..).and_then(|number| Some(u16::from_be_bytes(number.try_into().ok()?)));
        let number = number.ok_or_else(|| damaged("an index has no number".into()))?;
        catalog.indexes.push(Arc::new(index_from_bytes(number, definition)?));
    }
    Ok(catalog)
}

fn not_a_store(path: &Path, reason: String) -> StoreError {
    StoreError::NotAStore { path: path.display().to_string(), reason }
}
