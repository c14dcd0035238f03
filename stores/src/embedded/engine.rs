//! Transactions: the gate between them and a resize of the map, the one writer, poisoning.

use std::path::PathBuf;
use std::sync::Arc;

use heed::{Env, RoTxn, RwTxn, WithoutTls};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use wayfare_graph::{EntityName, Id, IndexProgress, StoreError, WriteError};

use super::catalog::{Catalog, MAX_NAMES, NumberedIndex, index_key, index_to_bytes, name_key};
use super::counts::CountChanges;
use super::fault::{Fault, Stop};
use super::folder::FolderLock;
use super::read::View;
use super::tables::Tables;

/// An open LMDB environment and what must be known to use it.
pub(super) struct Engine {
    pub(super) env: Env<WithoutTls>,
    pub(super) tables: Tables,
    /// Read transactions hold it shared. Whoever moves the map, or changes which indexes there are,
    /// holds it alone. Lock order: `writer`, then `gate`, then `catalog`.
    pub(super) gate: RwLock<MapState>,
    /// A name, and the note that an index has lists, get in before the transaction that needs them
    /// commits. So a reader who takes the catalog after beginning its transaction knows every code
    /// and every list that it may meet.
    catalog: RwLock<Arc<Catalog>>,
    writer: Mutex<Writer>,
    /// Held while an index is made, changed or removed. Comes before `writer` in the order of locks.
    pub(super) index_changes: Mutex<()>,
    /// The index that is being built.
    pub(super) progress: Mutex<Option<IndexProgress>>,
    pub(super) path: PathBuf,
    /// Given back after the environment is closed: fields are dropped in this order.
    pub(super) folder: FolderLock,
}

/// Whether there is a map to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MapState {
    Mapped,
    /// A resize failed and the old map could not be had back: any access would be to no memory.
    Lost,
}

/// What the one writer keeps between its transactions.
pub(super) struct Writer {
    pub(super) catalog: Arc<Catalog>,
    /// How many names of the catalog are on the disk.
    durable_names: usize,
    /// Whether the definition of an index has changed in the catalog but not on the disk.
    pub(super) stale_indexes: bool,
    /// Why there must be no more writes.
    poison: Option<String>,
    /// Where documents are encoded.
    pub(super) scratch: Vec<u8>,
    /// The number of the last change that a journal has noted.
    pub(super) changes: u64,
}

impl Engine {
    /// An engine on an environment whose tables and catalog have been read.
    pub(super) fn new(
        env: Env<WithoutTls>,
        tables: Tables,
        catalog: Catalog,
        changes: u64,
        path: PathBuf,
        folder: FolderLock,
    ) -> Self {
        let catalog = Arc::new(catalog);
        let durable_names = catalog.names().len();
        let writer = Writer {
            catalog: catalog.clone(),
            durable_names,
            stale_indexes: false,
            poison: None,
            scratch: Vec::new(),
            changes,
        };
        Self {
            env,
            tables,
            gate: RwLock::new(MapState::Mapped),
            catalog: RwLock::new(catalog),
            writer: Mutex::new(writer),
            index_changes: Mutex::new(()),
            progress: Mutex::new(None),
            path,
            folder,
        }
    }

    /// Runs `work` on a snapshot of the file.
    pub(super) fn read<T>(&self, work: impl FnOnce(View<'_>) -> Result<T, Fault>) -> Result<T, StoreError> {
        let read = || {
            let reading = self.begin_reading()?;
            work(reading.view())
        };
        read().map_err(|fault: Fault| fault.into_error(&self.path))
    }

    fn begin_reading(&self) -> Result<Reading<'_>, Fault> {
        let gate = self.gate.read();
        if *gate == MapState::Lost {
            return Err(Fault::Lmdb(
                std::io::Error::other("the memory map was lost when it had to grow").into(),
            ));
        }
        let txn = self.env.read_txn()?;
        let catalog = self.catalog.read().clone();
        Ok(Reading { txn, catalog, tables: &self.tables, _gate: gate })
    }

    /// Runs `work` in a write transaction and makes it durable; when the map is full, enlarges it
    /// and runs `work` again from the start.
    pub(super) fn write<T>(
        &self,
        mut work: impl FnMut(&mut Writing<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer.lock();
        if let Some(reason) = &writer.poison {
            return Err(StoreError::Poisoned { reason: reason.clone() });
        }
        loop {
            let fault = match self.try_write(&mut writer, &mut work) {
                Ok(done) => return Ok(done),
                Err(fault) if fault.is_map_full() => match self.grow() {
                    Ok(()) => continue,
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            let fault = self.folder.explain(fault);
            if fault.poisons() {
                writer.poison = Some(fault.to_string());
            }
            return Err(fault.into_error(&self.path));
        }
    }

    fn try_write<T>(
        &self,
        writer: &mut Writer,
        work: &mut impl FnMut(&mut Writing<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        // No gate here: only a writer moves the map, and it does so between its transactions.
        let txn = self.env.write_txn()?;
        let counts = CountChanges::default();
        let mut writing = Writing { txn, writer, engine: self, new_indexes: None, counts, importing: false };
        let done = work(&mut writing)?;
        writing.commit()?;
        Ok(done)
    }
}

/// A read transaction. The gate is released after the transaction has ended.
struct Reading<'e> {
    txn: RoTxn<'e, WithoutTls>,
    catalog: Arc<Catalog>,
    tables: &'e Tables,
    _gate: RwLockReadGuard<'e, MapState>,
}

impl Reading<'_> {
    fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: self.tables, catalog: &self.catalog }
    }
}

/// A write transaction, or one inside another.
pub(super) struct Writing<'t> {
    pub(super) txn: RwTxn<'t>,
    pub(super) writer: &'t mut Writer,
    pub(super) engine: &'t Engine,
    /// The indexes that there will be after the commit.
    pub(super) new_indexes: Option<Vec<Arc<NumberedIndex>>>,
    /// Not yet written.
    pub(super) counts: CountChanges,
    /// Whether what is written comes from the files of a journal, which then need not be written.
    pub(super) importing: bool,
}

impl Writing<'_> {
    /// The file as this transaction sees it.
    pub(super) fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: &self.engine.tables, catalog: &self.writer.catalog }
    }

    /// Runs `work` so that its writes can be taken back: they stay when it returns `Ok(Ok(_))`.
    pub(super) fn nested<T, E>(
        &mut self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<Result<T, E>, Fault>,
    ) -> Result<Result<T, E>, Fault> {
        let txn = self.engine.env.nested_write_txn(&mut self.txn)?;
        let counts = CountChanges::default();
        let importing = self.importing;
        let mut inner =
            Writing { txn, writer: self.writer, engine: self.engine, new_indexes: None, counts, importing };
        let done = work(&mut inner)?;
        match done {
            Ok(_) => {
                inner.txn.commit()?;
                self.counts.merge(inner.counts);
            }
            Err(_) => inner.txn.abort(),
        }
        Ok(done)
    }

    /// The file's code for an entity, given out now if there is none.
    pub(super) fn code_of(&mut self, entity: EntityName, id: &Id) -> Result<u16, Stop> {
        if let Some(code) = self.writer.catalog.code(entity) {
            return Ok(code);
        }
        let code =
            Arc::make_mut(&mut self.writer.catalog).add(entity).ok_or_else(|| WriteError::Unsuitable {
                id: id.clone(),
                reason: format!("the store holds {} entity names, it cannot hold more", MAX_NAMES),
            })?;
        self.publish();
        Ok(code)
    }

    /// Notes that an index has documents with lists.
    pub(super) fn note_lists(&mut self, number: u16) {
        Arc::make_mut(&mut self.writer.catalog).note_lists(number);
        self.writer.stale_indexes = true;
        self.publish();
    }

    fn publish(&self) {
        *self.engine.catalog.write() = self.writer.catalog.clone();
    }

    fn commit(mut self) -> Result<(), Fault> {
        self.put_counts()?;
        let meta = self.engine.tables.meta;
        let names = self.writer.catalog.names();
        for (code, name) in names.iter().enumerate().skip(self.writer.durable_names) {
            meta.put(&mut self.txn, &name_key(code as u16), name.as_str().as_bytes())?;
        }
        let names = names.len();
        if self.writer.stale_indexes {
            for index in self.new_indexes.as_ref().unwrap_or(&self.writer.catalog.indexes) {
                meta.put(&mut self.txn, &index_key(index.number), &index_to_bytes(index))?;
            }
        }
        match self.new_indexes.take() {
            None => self.txn.commit()?,
            Some(indexes) => {
                // A reader with the new indexes and an old snapshot, or the other way round, would
                // miss documents.
                let _alone = self.engine.gate.write();
                self.txn.commit()?;
                Arc::make_mut(&mut self.writer.catalog).indexes = indexes;
                *self.engine.catalog.write() = self.writer.catalog.clone();
            }
        }
        self.writer.durable_names = names;
        self.writer.stale_indexes = false;
        Ok(())
    }
}
