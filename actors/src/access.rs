//! Reading and writing entities from outside walks.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{Instrument, Span};
use wayfare_graph::{
    Document, EntityKey, EntityName, Explanation, Id, Index, IndexProgress, Kind, Loaded, Need, Page,
    PoolFigures, Query, Slot, Store, StoreError, StoreStats, Visited, Write, WriteBatch, WriteResult,
    Written,
};

use crate::core::Core;
use crate::messages::{Apply, Bulk, Evict, Save, SaveReply, Saved};
#[cfg(test)]
use crate::simulation::{Bug, is_planted};
use crate::tasks;
use crate::trace;

/// Reads of up to this many documents from a local store are done in place.
const IN_PLACE_READS: usize = 32;

type Read<T> = Result<T, StoreError>;

impl Core {
    /// Runs a call to the store on a thread that may wait.
    async fn off_thread<T, C>(&self, call: impl FnOnce(Arc<dyn Store>) -> C) -> Read<T>
    where
        T: Send + 'static,
        C: Future<Output = Read<T>> + Send + 'static,
    {
        let Some(runtime) = self.runtime.get() else { return Err(gone()) };
        let call = call(Arc::clone(&self.store)).instrument(Span::current());
        tasks::off_thread(runtime, call).await.unwrap_or_else(|_| Err(gone()))
    }

    /// Documents by id, in order; what is published and not durable is waited for.
    pub(crate) async fn get_many(&self, ids: &[Id]) -> Read<Vec<Option<Document>>> {
        self.settle().await?;
        if self.store.is_local() && ids.len() <= IN_PLACE_READS {
            return self.store.get_many(ids).await;
        }
        let ids = ids.to_vec();
        self.off_thread(|store| async move { store.get_many(&ids).await }).await
    }

    /// The newest version of an entity, once it is durable: what an update is based on.
    pub(crate) async fn newest(&self, id: &Id) -> Read<Option<Document>> {
        Ok(self.newest_many(std::slice::from_ref(id)).await?.pop().flatten())
    }

    pub(crate) async fn find(self: &Arc<Self>, query: Query) -> Read<Vec<Document>> {
        self.settle().await?;
        self.off_thread(|store| async move { store.find(&query).await }).await
    }

    pub(crate) async fn count(self: &Arc<Self>, query: Query) -> Read<u64> {
        self.settle().await?;
        self.off_thread(|store| async move { store.count(&query).await }).await
    }

    pub(crate) async fn explain(self: &Arc<Self>, query: Query) -> Read<Explanation> {
        self.settle().await?;
        self.off_thread(|store| async move { store.explain(&query).await }).await
    }

    pub(crate) async fn scan(
        self: &Arc<Self>,
        kind: Kind,
        entity: Option<EntityName>,
        after: Option<Id>,
        limit: usize,
    ) -> Read<Page> {
        self.settle().await?;
        self.off_thread(|store| async move { store.scan(kind, entity, after.as_ref(), limit).await }).await
    }

    pub(crate) async fn stats(self: &Arc<Self>) -> Read<StoreStats> {
        self.settle().await?;
        self.off_thread(|store| async move { store.stats().await }).await
    }

    pub(crate) async fn distinct(self: &Arc<Self>, query: Query, path: String) -> Read<Vec<Value>> {
        self.settle().await?;
        self.off_thread(|store| async move { store.distinct(&query, &path).await }).await
    }

    /// Nodes with their neighbours; what is published and not durable is waited for.
    pub(crate) async fn load(self: &Arc<Self>, ids: Vec<Id>, need: Need) -> Read<Loaded> {
        self.settle().await?;
        self.off_thread(|store| async move { store.load(&ids, need).await }).await
    }

    /// Makes an index; the task goes on when nobody waits for it.
    pub(crate) fn create_index(&self, index: Index) -> Read<JoinHandle<Read<()>>> {
        let store = Arc::clone(&self.store);
        let runtime = self.runtime.get().ok_or_else(gone)?;
        Ok(tasks::off_thread(runtime, async move { store.create_index(&index).await }))
    }

    pub(crate) async fn drop_index(
        self: &Arc<Self>,
        kind: Kind,
        entity: EntityName,
        name: String,
    ) -> Read<bool> {
        self.off_thread(|store| async move { store.drop_index(kind, entity, &name).await }).await
    }

    pub(crate) async fn rename_index(
        self: &Arc<Self>,
        kind: Kind,
        entity: EntityName,
        from: String,
        to: String,
    ) -> Read<bool> {
        self.off_thread(|store| async move { store.rename_index(kind, entity, &from, &to).await }).await
    }

    pub(crate) async fn index_progress(self: &Arc<Self>) -> Read<Vec<IndexProgress>> {
        self.off_thread(|store| async move { store.index_progress().await }).await
    }

    /// Waits until everything written is durable, and where others read it.
    pub(crate) async fn flush(self: &Arc<Self>) -> Read<()> {
        self.settle().await?;
        self.off_thread(|store| async move { store.flush().await }).await
    }

    pub(crate) async fn health(self: &Arc<Self>) -> Read<()> {
        self.off_thread(|store| async move { store.health().await }).await
    }

    pub(crate) fn pool(&self) -> Option<PoolFigures> {
        self.store.pool()
    }

    /// Saves a new version of an entity; the document carries the version it was made of.
    pub(crate) async fn save(&self, document: Document) -> Read<WriteResult> {
        self.check_writable()?;
        if document.id().kind() != Kind::Node {
            let batch = WriteBatch { writes: vec![Write::Save { document }], all_or_nothing: false };
            let mut results = self.apply(batch).await?;
            return results.pop().ok_or_else(gone);
        }
        let permit = Arc::clone(&self.write_permits).acquire_owned().await.map_err(|_| gone())?;
        let slot = self.directory.slot_of(document.id());
        let (reply, saved) = oneshot::channel();
        let save = Save {
            slot,
            document,
            reply: SaveReply::one(reply, permit),
            published: None,
            span: trace::caller(),
        };
        self.send_saves(self.directory.shard_of(slot), vec![save]).await?;
        saved.await.map_err(|_| self.unanswered("shard"))?.map_err(|error| shared_error(&error))
    }

    /// Sends saves to a shard as soon as it is there; to the next, when they were lost in its mailbox.
    async fn send_saves(&self, at: usize, saves: Vec<Save>) -> Read<()> {
        // They hold permits to write, which bound them: a place in the mailbox would bound them once more.
        let shard = self.shards.at(at).await.ok_or_else(gone)?;
        let apply = Apply::new(self, at, saves);
        match shard.try_send(apply) {
            Err(actix::prelude::SendError::Full(apply)) => drop(shard.send(apply).await),
            Ok(()) | Err(actix::prelude::SendError::Closed(_)) => {}
        }
        Ok(())
    }

    /// Saves new versions of many nodes with one message to each shard. Results are in the order of the
    /// documents; there are no more of them than `[writers] queue` allows at once.
    pub(crate) async fn save_nodes(&self, documents: Vec<Document>) -> Read<Vec<WriteResult>> {
        self.save_each(documents).await?.into_iter().collect()
    }

    /// The same, with an outcome for each: shards and commits fail one by one, so some may be saved and others not.
    pub(crate) async fn save_each(&self, documents: Vec<Document>) -> Read<Vec<Read<WriteResult>>> {
        if documents.is_empty() {
            return Ok(Vec::new());
        }
        self.check_writable()?;
        let permits = u32::try_from(documents.len().min(self.settings.write_queue)).unwrap_or(u32::MAX);
        let permits =
            Arc::clone(&self.write_permits).acquire_many_owned(permits).await.map_err(|_| gone())?;
        let (bulk, outcomes) = Bulk::new(documents.len(), permits);
        let span = trace::caller();
        let mut by_shard: Vec<Vec<Save>> = Vec::new();
        by_shard.resize_with(self.settings.shards, Vec::new);
        for (at, document) in documents.into_iter().enumerate() {
            let slot = self.directory.slot_of(document.id());
            let reply = SaveReply::part(Arc::clone(&bulk), at);
            let save = Save { slot, document, reply, published: None, span: span.clone() };
            by_shard[self.directory.shard_of(slot)].push(save);
        }
        drop(bulk);
        for (shard, saves) in by_shard.into_iter().enumerate().filter(|(_, saves)| !saves.is_empty()) {
            self.send_saves(shard, saves).await?;
        }
        let outcomes = outcomes.await.map_err(|_| self.unanswered("shard"))?;
        let told = |saved: Option<Saved>| {
            saved.ok_or_else(|| self.unanswered("shard"))?.map_err(|error| shared_error(&error))
        };
        Ok(outcomes.into_iter().map(told).collect())
    }

    /// The newest versions of entities once they are durable, in order; `None` where there is none.
    ///
    /// An update is never based on what may still be taken back: whoever was faster may have stored something else
    /// under the same version, and nobody could tell that the update does not know of it.
    pub(crate) async fn newest_many(&self, ids: &[Id]) -> Read<Vec<Option<Document>>> {
        let resident = |id: &Id| {
            let slot = self.directory.known(id).filter(|_| id.kind() == Kind::Node)?;
            Some(Visited::new(slot, self.resident(slot)?))
        };
        let resident: Vec<Option<Visited>> = ids.iter().map(resident).collect();
        let is_settled = |visited: &Visited| visited.record.head.is_settled();
        #[cfg(test)]
        let is_settled = |visited: &Visited| is_planted(Bug::UpdateOnUnsettled) || is_settled(visited);
        if resident.iter().flatten().any(|visited| !is_settled(visited)) {
            self.settle().await?;
        }
        // What was taken back is read again as it is stored.
        let durable = |visited: &Visited| is_settled(visited).then(|| visited.document().ok()).flatten();
        let mut newest: Vec<Option<Document>> =
            resident.iter().map(|visited| visited.as_ref().and_then(durable)).collect();
        let missing: Vec<usize> = (0..ids.len()).filter(|&at| newest[at].is_none()).collect();
        if missing.is_empty() {
            // A question about nothing would still wait for its turn at the store.
            return Ok(newest);
        }
        let wanted: Vec<Id> = missing.iter().map(|&at| ids[at].clone()).collect();
        for (at, document) in missing.into_iter().zip(self.store.get_many(&wanted).await?) {
            newest[at] = document;
        }
        Ok(newest)
    }

    /// Writes a batch past the shards, then lets them drop what it changed.
    pub(crate) async fn apply(&self, batch: WriteBatch) -> Read<Vec<WriteResult>> {
        let (core, runtime) = (self.shared().ok_or_else(gone)?, self.runtime.get().ok_or_else(gone)?);
        // On the runtime's own threads, so that what it makes out of date is dropped from memory even if the caller does
        // not wait for the outcome, or is lost with its thread.
        let applied = async move { core.apply_to_the_end(batch).await }.instrument(Span::current());
        tasks::spawn_on(runtime, "write", applied).await.unwrap_or_else(|_| Err(gone()))
    }

    async fn apply_to_the_end(&self, batch: WriteBatch) -> Read<Vec<WriteResult>> {
        self.check_writable()?;
        // A batch larger than all permits takes all of them.
        let permits = batch.writes.len().clamp(1, self.settings.write_queue);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let _permits = self.write_permits.acquire_many(permits).await.map_err(|_| gone())?;
        let ends: Vec<Option<[Id; 2]>> = batch.writes.iter().map(edge_ends).collect();
        let writer = self.writer.get().ok_or_else(gone)?;
        let named = named(&batch);
        let answer = writer.persist(batch).await;
        let results = match answer.unwrap_or_else(|_| Err(Arc::new(self.unanswered("writer")))) {
            Ok(results) => results,
            Err(error) => {
                let may_be_done =
                    matches!(*error, StoreError::Unreachable { .. } | StoreError::Interrupted { .. });
                #[cfg(test)]
                let may_be_done = may_be_done && !is_planted(Bug::DoubtNothing);
                if may_be_done {
                    self.doubt(named).await;
                }
                return Err(shared_error(&error));
            }
        };
        // Before the caller knows of it, so that it sees no result that is older.
        self.cache.entities_changed(changed_entities(&results));
        #[cfg(test)]
        let ends = if is_planted(Bug::ForgetEnds) { vec![None; ends.len()] } else { ends };
        let touched = self.touched(&results, ends);
        #[cfg(test)]
        if is_planted(Bug::TellBeforeEvict)
            && let Some(core) = self.shared()
        {
            tokio::spawn(async move { core.evict(touched).await });
            return Ok(results);
        }
        self.evict(touched).await;
        Ok(results)
    }

    /// Drops what may be out of date, of a batch that may have been written although its server was away when it was
    /// to answer: what it names, or everything where that cannot be told.
    async fn doubt(&self, named: Option<Vec<Id>>) {
        let slots = match named {
            Some(ids) => {
                let changed: FxHashSet<EntityKey> = ids.iter().map(|id| (id.kind(), id.entity())).collect();
                self.cache.entities_changed(changed);
                ids.iter().filter_map(|id| self.directory.known(id)).collect()
            }
            None => {
                self.cache.any_entity_changed();
                self.directory.slots().collect()
            }
        };
        self.evict(slots).await;
    }

    /// Slots whose resident records are out of date after some writes.
    fn touched(&self, results: &[WriteResult], ends: Vec<Option<[Id; 2]>>) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::new();
        for (result, ends) in results.iter().zip(ends) {
            let Ok(written) = result else { continue };
            if matches!(written, Written::Unchanged { .. }) {
                continue;
            }
            // Edges that went with a node may be resident too, if a walk has visited them.
            let (edges, neighbours) = match written {
                Written::Deleted { edges, neighbours, .. } => (edges.as_slice(), neighbours.as_slice()),
                _ => (&[][..], &[][..]),
            };
            let ids = std::iter::once(written.id()).chain(edges).chain(neighbours);
            let ids = ids.chain(ends.iter().flatten());
            slots.extend(ids.filter_map(|id| self.directory.known(id)));
        }
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Lets shards drop records; returns when they have.
    pub(crate) async fn evict(&self, slots: Vec<Slot>) {
        let mut by_shard: Vec<Vec<Slot>> = vec![Vec::new(); self.settings.shards];
        for slot in slots {
            by_shard[self.directory.shard_of(slot)].push(slot);
        }
        for (shard, slots) in by_shard.into_iter().enumerate().filter(|(_, slots)| !slots.is_empty()) {
            let evict = Evict { slots };
            self.shards.ask(shard, || evict.clone()).await;
        }
    }
}

/// The entities that a batch can change, the ends of edges among them; `None` where only the store knows.
fn named(batch: &WriteBatch) -> Option<Vec<Id>> {
    let mut ids = Vec::new();
    for write in &batch.writes {
        match write {
            Write::Create { document, .. }
            | Write::Save { document }
            | Write::Upsert { document }
            | Write::Put { document } => {
                ids.push(document.id().clone());
                ids.extend(edge_ends(write).into_iter().flatten());
            }
            // What goes with it, or is found in its place.
            _ => return None,
        }
    }
    Some(ids)
}

fn edge_ends(write: &Write) -> Option<[Id; 2]> {
    let document = match write {
        Write::Create { document, .. }
        | Write::Save { document }
        | Write::Upsert { document }
        | Write::Put { document } => document,
        Write::Connect { edge, .. } => edge,
        _ => return None,
    };
    document.ends().map(|ends| [ends.source.clone(), ends.target.clone()])
}

fn gone() -> StoreError {
    StoreError::Stopped
}

/// One failure told to many: each gets its own error with the same text, and the same kind where
/// callers act on it.
pub(crate) fn shared_error(error: &Arc<StoreError>) -> StoreError {
    match &**error {
        StoreError::Stopped => StoreError::Stopped,
        StoreError::Interrupted { part } => StoreError::Interrupted { part: part.clone() },
        StoreError::ReadOnly { reason } => StoreError::ReadOnly { reason: reason.clone() },
        StoreError::Poisoned { reason } => StoreError::Poisoned { reason: reason.clone() },
        StoreError::OutOfSpace { path, source } => {
            StoreError::OutOfSpace { path: path.clone(), source: source.to_string().into() }
        }
        StoreError::Unreachable { url, source } => {
            StoreError::Unreachable { url: url.clone(), source: source.to_string().into() }
        }
        StoreError::CircuitOpen { url, retry_after } => {
            StoreError::CircuitOpen { url: url.clone(), retry_after: *retry_after }
        }
        StoreError::Refused { url, reason } => {
            StoreError::Refused { url: url.clone(), reason: reason.clone() }
        }
        StoreError::Unsupported { store, what } => {
            StoreError::Unsupported { store: store.clone(), what: what.clone() }
        }
        StoreError::Damaged { what, reason } => {
            StoreError::Damaged { what: what.clone(), reason: reason.clone() }
        }
        StoreError::Io { path, source } => {
            StoreError::Io { path: path.clone(), source: source.to_string().into() }
        }
        other => StoreError::Io { path: "of this batch".into(), source: other.to_string().into() },
    }
}

/// The entity types that some writes have changed, each once.
fn changed_entities(results: &[WriteResult]) -> FxHashSet<EntityKey> {
    let key = |id: &Id| (id.kind(), id.entity());
    let mut changed = FxHashSet::default();
    for written in results.iter().flatten() {
        match written {
            Written::Unchanged { .. } => {}
            Written::Deleted { id, edges, .. } => changed.extend(std::iter::once(id).chain(edges).map(key)),
            written => drop(changed.insert(key(written.id()))),
        }
    }
    changed
}
