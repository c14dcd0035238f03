//! One way of writing: command by command, within a transaction, or under a journal.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bson::oid::ObjectId;
use bson::{Bson, Document as BsonDocument, RawDocumentBuf, cstr, doc, rawdoc};
use mongodb::ClientSession;
use parking_lot::Mutex as SyncMutex;
use rustc_hash::FxHashMap;
use tokio::sync::Mutex;
use wayfare_graph::{Id, Kind};

use super::fault::Tried;
use super::look::{Stored, stored_of};
use super::read::IDS_A_QUERY;
use super::reply::Reply;
use super::server::Server;

/// What holds writes together.
pub(super) enum Via {
    /// Nothing: each stands for itself.
    Plain,
    /// A transaction, whose commands come one after another.
    Session(Box<Mutex<ClientSession>>),
    /// A journal of ours with what was stored before.
    Journal(ObjectId),
}

/// Writes to a server, one way.
pub(super) struct Writing<'s> {
    pub(super) server: &'s Server,
    pub(super) via: Via,
    /// What was written within a transaction: nobody else sees it yet. `None` for what was removed.
    pub(super) unseen: SyncMutex<FxHashMap<Id, Option<RawDocumentBuf>>>,
    /// Whether the server has ended the transaction because of a write that it refused.
    aborted: AtomicBool,
    /// Entries in the journal so far.
    entries: AtomicI64,
}

impl<'s> Writing<'s> {
    pub(super) fn new(server: &'s Server, via: Via) -> Self {
        let (aborted, entries) = (AtomicBool::new(false), AtomicI64::new(0));
        Self { server, via, unseen: SyncMutex::default(), aborted, entries }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.via, Via::Plain)
    }

    pub(super) fn is_transaction(&self) -> bool {
        matches!(self.via, Via::Session(_))
    }

    /// Whether the server has ended the transaction.
    pub(super) fn is_aborted(&self) -> bool {
        // Set and read by one task, whose parts follow each other.
        self.aborted.load(Ordering::Relaxed)
    }

    pub(super) fn set_aborted(&self) {
        self.aborted.store(true, Ordering::Relaxed);
    }

    /// The number of another entry in the journal.
    pub(super) fn next_entry(&self) -> i64 {
        // Only that no two are the same matters, and that later ones are larger for one task.
        self.entries.fetch_add(1, Ordering::Relaxed)
    }

    /// The tokens that a write leaves in a document, the last one first.
    pub(super) fn tokens(&self, command: ObjectId) -> Vec<ObjectId> {
        match &self.via {
            Via::Journal(batch) => vec![command, *batch],
            Via::Plain | Via::Session(_) => vec![command],
        }
    }

    /// Whether a command whose answer was lost may be sent again. In a transaction all is done again from its start.
    pub(super) fn may_repeat(&self) -> bool {
        !self.is_transaction()
    }

    /// The beginning of a command that writes to the collection of a kind.
    pub(super) fn command_on(&self, name: &str, kind: Kind) -> RawDocumentBuf {
        self.command_in(name, kind.collection())
    }

    /// The beginning of a command that writes to a collection.
    pub(super) fn command_in(&self, name: &str, collection: &str) -> RawDocumentBuf {
        let mut command = match name {
            "insert" => rawdoc! { "insert": collection },
            "update" => rawdoc! { "update": collection },
            _ => rawdoc! { "delete": collection },
        };
        // One refused write does not keep those after it.
        command.append(cstr!("ordered"), false);
        command
    }

    /// Sends a command that writes, once.
    pub(super) async fn write_command(&self, mut command: RawDocumentBuf) -> Tried<Reply> {
        if !self.is_transaction() {
            // A transaction is confirmed as a whole.
            command.append(cstr!("writeConcern"), RawDocumentBuf::try_from(&self.server.write_concern)?);
        }
        Reply::read(&self.run(command).await?)
    }

    /// Sends a command once, where it belongs.
    pub(super) async fn run(&self, command: RawDocumentBuf) -> Tried<BsonDocument> {
        match &self.via {
            Via::Session(session) => {
                let mut session = session.lock().await;
                let database = &self.server.database;
                let sent = async { Ok(database.run_raw_command(command).session(&mut *session).await?) };
                self.server.attempt(sent).await
            }
            Via::Plain | Via::Journal(_) => self.server.attempt(self.server.command(command)).await,
        }
    }

    /// What there is of some ids, of any kind.
    pub(super) async fn documents(&self, ids: &[Id]) -> Tried<FxHashMap<Id, Stored>> {
        let mut found = Vec::new();
        if self.is_transaction() {
            for kind in [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker] {
                let of_kind: Vec<Id> = ids.iter().filter(|id| id.kind() == kind).cloned().collect();
                found.extend(self.stored(kind, &of_kind, BsonDocument::new()).await?);
            }
        } else {
            found = self.server.stored(ids, BsonDocument::new()).await?;
        }
        // They were asked for by their ids, so these can be read.
        let by_id = |stored: BsonDocument| {
            let id = stored.get_str("_id").ok()?.parse::<Id>().ok()?;
            Some((id, stored_of(stored)))
        };
        Ok(found.into_iter().filter_map(by_id).collect())
    }

    /// What is stored under some ids of one kind.
    pub(super) async fn stored(
        &self,
        kind: Kind,
        ids: &[Id],
        projection: BsonDocument,
    ) -> Tried<Vec<BsonDocument>> {
        if !self.is_transaction() {
            return Ok(self.server.stored(ids, projection).await?);
        }
        let mut stored = Vec::new();
        for chunk in ids.chunks(IDS_A_QUERY) {
            let texts: Vec<Bson> = chunk.iter().map(|id| Bson::from(id.to_string())).collect();
            stored.extend(self.ask(kind, doc! { "_id": { "$in": texts } }, projection.clone()).await?);
        }
        Ok(stored)
    }

    /// Asks one question, and sees what was written within the transaction.
    pub(super) async fn ask(
        &self,
        kind: Kind,
        filter: BsonDocument,
        projection: BsonDocument,
    ) -> Tried<Vec<BsonDocument>> {
        let Via::Session(session) = &self.via else {
            return Ok(self.server.fetch(kind, filter, projection).await?);
        };
        let mut session = session.lock().await;
        let asked = async {
            let collection = self.server.collection(kind);
            let mut find = collection.find(filter);
            if !projection.is_empty() {
                find = find.projection(projection);
            }
            let mut cursor = find.session(&mut *session).await?;
            let mut found = Vec::new();
            while let Some(stored) = cursor.next(&mut session).await {
                found.push(stored?);
            }
            Ok(found)
        };
        self.server.attempt(asked).await
    }

    /// Remembers what only this transaction sees.
    pub(super) fn note(&self, id: &Id, document: Option<&RawDocumentBuf>) {
        if self.is_transaction() {
            self.unseen.lock().insert(id.clone(), document.cloned());
        }
    }
}
