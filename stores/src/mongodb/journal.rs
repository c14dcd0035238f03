//! All or nothing on a single server, which has no transactions: a journal in the database.
//!
//! A batch first writes down what was stored before, then writes. Refused or interrupted, it is undone: by whoever did
//! it, or, after a crash, by whoever opens the store when the batch has been silent for a while. A batch counts as done
//! when its head is taken out of the journal, in one write.
//!
//! What this does not give is isolation: others see the writes of a batch one by one, before it is sure that they stay.
//! What others wrote over them stays when the batch is undone.

use bson::oid::ObjectId;
use bson::raw::RawArrayBuf;
use bson::{Bson, Document as BsonDocument, RawDocumentBuf, cstr, doc};
use rustc_hash::{FxHashMap, FxHashSet};
use wayfare_graph::{Id, Kind, StoreError, Write, WriteError, WriteResult, Written};

use super::apply::refused;
use super::change::{Changed, Group, Sorted};
use super::document::TOKEN;
use super::fault::{Fault, Tried};
use super::server::Server;
use super::writing::{Via, Writing};

/// The collection of the journal.
pub(super) const JOURNAL: &str = "wayfare_journal";

/// How long a batch may be silent before others undo it. Longer than a command and its repetitions take.
const LEASE_MS: i64 = 120_000;

/// Bytes of entries in a command.
const COMMAND_BYTES: usize = 16 << 20;

impl Server {
    /// Does writes under a journal.
    pub(super) async fn under_journal(&self, writes: &[&Write]) -> Result<Vec<WriteResult>, StoreError> {
        let batch = ObjectId::new();
        let writing = Writing::new(self, Via::Journal(batch));
        match self.journalled(&writing, batch, writes).await {
            Ok(Ok(results)) => Ok(results),
            Ok(Err((position, error))) => {
                self.undo_or_remember(batch).await?;
                Ok(refused(writes.len(), position, error))
            }
            Err(fault) => {
                // The fault is what the caller has to know, whether or not it can be undone now.
                let _ = self.undo_or_remember(batch).await;
                Err(self.told(fault))
            }
        }
    }

    async fn journalled(
        &self,
        writing: &Writing<'_>,
        batch: ObjectId,
        writes: &[&Write],
    ) -> Tried<Result<Vec<WriteResult>, (usize, WriteError)>> {
        let mut results: Vec<Option<WriteResult>> = vec![None; writes.len()];
        let mut first: Option<(usize, WriteError)> = None;
        for level in self.levels(writes).await? {
            self.sign_of_life(writing, batch).await?;
            let bound = first.as_ref().map_or(usize::MAX, |(at, _)| *at);
            let level: Vec<usize> = level.into_iter().filter(|&at| at < bound).collect();
            let chosen: Vec<&Write> = level.iter().map(|&at| writes[at]).collect();
            for (at, changed) in level.into_iter().zip(writing.change_all(&chosen).await?) {
                match changed {
                    Changed::Finished(Ok(written)) => results[at] = Some(Ok(written)),
                    Changed::Finished(Err(error)) if first.as_ref().is_none_or(|(other, _)| at < *other) => {
                        first = Some((at, error));
                    }
                    _ => {}
                }
            }
        }
        if let Some(refused) = first {
            return Ok(Err(refused));
        }
        self.close_journal(writing, batch).await?;
        let mut results: Vec<WriteResult> = results.into_iter().flatten().collect();
        let plain = Writing::new(self, Via::Plain);
        for result in &mut results {
            if let Ok(Written::Deleted { id, edges, neighbours }) = result
                && id.kind() == Kind::Node
            {
                // What it cannot read it leaves: the deletion stands.
                let _ = plain.sweep(id, edges, neighbours).await?;
            }
        }
        Ok(Ok(results))
    }

    /// Writes the head of a batch with the server's time.
    async fn sign_of_life(&self, writing: &Writing<'_>, batch: ObjectId) -> Tried<()> {
        let statement = doc! {
            "q": { "_id": batch }, "u": [{ "$set": { "head": true, "at": "$$NOW" } }], "upsert": true,
        };
        let mut attempts = self.attempts();
        loop {
            let mut updates = RawArrayBuf::new();
            updates.push(RawDocumentBuf::try_from(&statement)?);
            let mut command = writing.command_in("update", JOURNAL);
            command.append(cstr!("updates"), updates);
            match writing.write_command(command).await {
                Ok(_) => return Ok(()),
                Err(fault) => attempts.pause_after(fault).await?,
            }
        }
    }

    /// Takes the head out: from then on the batch is done.
    async fn close_journal(&self, writing: &Writing<'_>, batch: ObjectId) -> Tried<()> {
        let closed = self.delete_from_journal(writing, doc! { "_id": batch }).await?;
        if closed == 0 {
            let reason = "a batch took so long that another process has undone it".to_owned();
            return Err(Fault::Failed { code: 0, reason });
        }
        // Entries without a head are rubbish, which opening removes too.
        let _ = self.delete_from_journal(writing, doc! { "batch": batch }).await;
        Ok(())
    }

    /// Deletes from the journal; how many, counting one where an answer was lost.
    async fn delete_from_journal(&self, writing: &Writing<'_>, filter: BsonDocument) -> Tried<usize> {
        let mut attempts = self.attempts();
        let mut is_unsure = false;
        loop {
            let mut deletes = RawArrayBuf::new();
            deletes.push(RawDocumentBuf::try_from(&doc! { "q": filter.clone(), "limit": 0 })?);
            let mut command = writing.command_in("delete", JOURNAL);
            command.append(cstr!("deletes"), deletes);
            match writing.write_command(command).await {
                Ok(reply) => return Ok(reply.matched.max(usize::from(is_unsure))),
                Err(fault) => attempts.pause_after(fault).await?,
            }
            is_unsure = true;
        }
    }

    async fn undo_or_remember(&self, batch: ObjectId) -> Result<(), StoreError> {
        let undone = self.undo(batch).await;
        if undone.is_err() {
            self.left_over.lock().push(batch);
        }
        undone
    }

    /// Undoes the batches of this process that could not be undone when they failed.
    pub(super) async fn undo_left_over(&self) -> Result<(), StoreError> {
        loop {
            let Some(batch) = self.left_over.lock().last().copied() else { return Ok(()) };
            self.undo(batch).await?;
            self.left_over.lock().retain(|other| *other != batch);
        }
    }

    /// Undoes the batches that were left behind by a crash, and removes what is left of those that were done.
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let journal = self.database.collection::<BsonDocument>(JOURNAL);
        let silent = doc! { "$lt": ["$at", { "$subtract": ["$$NOW", LEASE_MS] }] };
        let heads: Vec<BsonDocument> = self
            .read_all(|| async { journal.find(doc! { "head": true, "$expr": silent.clone() }).await })
            .await?;
        for head in heads {
            if let Some(batch) = head.get("_id").and_then(Bson::as_object_id) {
                self.undo(batch).await?;
            }
        }
        // A head is written before entries and goes before them, so what is without one is done.
        let batches: Vec<Bson> =
            self.call(|| async { Ok(journal.distinct("batch", doc! {}).await?) }).await?;
        let open: Vec<Bson> =
            self.call(|| async { Ok(journal.distinct("_id", doc! { "head": true }).await?) }).await?;
        let plain = Writing::new(self, Via::Plain);
        for batch in batches.into_iter().filter(|batch| *batch != Bson::Null && !open.contains(batch)) {
            let removed = self.delete_from_journal(&plain, doc! { "batch": batch }).await;
            removed.map_err(|fault| self.told(fault))?;
        }
        Ok(())
    }

    /// Puts back what was stored before a batch, as far as nobody else wrote over it.
    async fn undo(&self, batch: ObjectId) -> Result<(), StoreError> {
        let journal = self.database.collection::<BsonDocument>(JOURNAL);
        let entries: Vec<BsonDocument> = self
            .read_all(|| async { journal.find(doc! { "batch": batch }).sort(doc! { "n": -1 }).await })
            .await?;
        for entry in entries {
            self.call(|| self.undo_entry(batch, &entry)).await?;
        }
        let plain = Writing::new(self, Via::Plain);
        let closed = async {
            self.delete_from_journal(&plain, doc! { "_id": batch }).await?;
            self.delete_from_journal(&plain, doc! { "batch": batch }).await
        };
        closed.await.map(drop).map_err(|fault| self.told(fault))
    }

    /// Undoes one write; again is as good as once.
    async fn undo_entry(&self, batch: ObjectId, entry: &BsonDocument) -> Tried<()> {
        let (Ok(collection), Ok(id)) = (entry.get_str("collection"), entry.get_str("document")) else {
            return Ok(());
        };
        let collection = self.database.collection::<BsonDocument>(collection);
        // The batch comes second among the tokens only as long as its own write is the last.
        let own = doc! { "_id": id, format!("{TOKEN}.1"): batch };
        match (entry.get_str("op"), entry.get_document("before")) {
            (Ok("insert"), _) => {
                collection.delete_one(own).await?;
            }
            (Ok("replace"), Ok(before)) => {
                collection.replace_one(own, before).await?;
            }
            (Ok("remove"), Ok(before)) => match collection.insert_one(before).await.map_err(Fault::from) {
                Ok(_) => {}
                // Somebody else has made it again, or another edge in its place.
                Err(fault) if fault.is_duplicate() => {}
                Err(fault) => return Err(fault),
            },
            _ => {}
        }
        Ok(())
    }
}

impl Writing<'_> {
    /// Writes down what is stored before steps are taken.
    pub(super) async fn keep_before(&self, steps: &Sorted<'_>) -> Tried<()> {
        let Via::Journal(batch) = &self.via else { return Ok(()) };
        let mut entries = Vec::new();
        for group in &steps.0 {
            entries.extend(self.new_documents(*batch, group).await?);
            let replaced = group.replaces.iter().map(|replace| (&replace.document.id, "replace"));
            let removed = group.removes.iter().map(|remove| (&remove.id, "remove"));
            let changed: FxHashMap<&Id, &str> = replaced.chain(removed).collect();
            let Some(kind) = changed.keys().next().map(|id| id.kind()) else { continue };
            let ids: Vec<Id> = changed.keys().map(|&id| id.clone()).collect();
            let stored = self.stored(kind, &ids, BsonDocument::new()).await?;
            for before in stored {
                let Some(id) = before.get_str("_id").ok().and_then(|id| id.parse::<Id>().ok()) else {
                    continue;
                };
                if let Some(op) = changed.get(&id) {
                    entries.push(entry(*batch, op, &id, Some(before)));
                }
            }
        }
        self.write_entries(entries).await
    }

    /// Entries for documents that are going to be inserted. What is there already will be refused, and may have been
    /// written earlier in the batch: it is not to be deleted when that is undone.
    async fn new_documents(&self, batch: ObjectId, group: &Group<'_>) -> Tried<Vec<BsonDocument>> {
        let ids: Vec<Id> = group.inserts.iter().map(|insert| insert.document.id.clone()).collect();
        let Some(kind) = ids.first().map(Id::kind) else { return Ok(Vec::new()) };
        let there = self.stored(kind, &ids, doc! { "_id": 1 }).await?;
        let there: FxHashSet<Id> =
            there.iter().filter_map(|stored| stored.get_str("_id").ok()?.parse().ok()).collect();
        let new = ids.iter().filter(|id| !there.contains(id));
        Ok(new.map(|id| entry(batch, "insert", id, None)).collect())
    }

    /// Writes down edges before they are removed.
    pub(super) async fn keep_removed(&self, edges: &[BsonDocument]) -> Tried<()> {
        let Via::Journal(batch) = &self.via else { return Ok(()) };
        let with_id =
            |edge: &BsonDocument| Some((edge.get_str("_id").ok()?.parse::<Id>().ok()?, edge.clone()));
        let edges = edges.iter().filter_map(with_id);
        self.write_entries(edges.map(|(id, edge)| entry(*batch, "remove", &id, Some(edge))).collect()).await
    }

    async fn write_entries(&self, entries: Vec<BsonDocument>) -> Tried<()> {
        let mut attempts = self.server.attempts();
        let mut documents = RawArrayBuf::new();
        let mut bytes = 0;
        let mut commands = Vec::new();
        for mut entry in entries {
            // Later entries are undone first.
            entry.insert("n", self.next_entry());
            let entry = RawDocumentBuf::try_from(&entry)?;
            if bytes > 0 && bytes + entry.as_bytes().len() > COMMAND_BYTES {
                commands.push(std::mem::take(&mut documents));
                bytes = 0;
            }
            bytes += entry.as_bytes().len();
            documents.push(entry);
        }
        if bytes > 0 {
            commands.push(documents);
        }
        for documents in commands {
            loop {
                let mut command = self.command_in("insert", JOURNAL);
                command.append(cstr!("documents"), documents.clone());
                // An entry that exists was written by an attempt whose answer was lost.
                match self.write_command(command).await {
                    Ok(reply) => match reply.failure() {
                        None => break,
                        Some(fault) => return Err(fault),
                    },
                    Err(fault) => attempts.pause_after(fault).await?,
                }
            }
        }
        Ok(())
    }
}

fn entry(batch: ObjectId, op: &str, id: &Id, before: Option<BsonDocument>) -> BsonDocument {
    let mut entry = doc! {
        "_id": ObjectId::new(), "batch": batch, "op": op, "collection": id.kind().collection(),
        "document": id.to_string(),
    };
    if let Some(before) = before {
        entry.insert("before", before);
    }
    entry
}
