//! The changes of a database as they happen: a change stream, taken up again where it broke off.

use std::sync::Arc;
use std::time::Duration;

use bson::raw::{RawBsonRef, RawDocument};
use bson::{Document as BsonDocument, RawDocumentBuf, doc};
use futures_util::StreamExt;
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use mongodb::options::FullDocumentBeforeChangeType;
use mongodb::{Client, Database};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wayfare_graph::{ChangeFeed, Id, Kind, StoreChange, StoreError, StoreFuture};

use super::document::version_from;
use super::fault::{Fault, Tried};
use super::server::Server;

/// Changes that wait for who reads the feed. When it is full the stream waits, and what the server keeps of it is the
/// limit then.
const WAITING: usize = 4_096;

/// Most changes that are handed out at once.
const AT_ONCE: usize = 1_024;

/// Longest pause between two attempts to take up a stream.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What tells that a stream cannot be taken up where it broke off: ChangeStreamHistoryLost, InvalidResumeToken,
/// ChangeStreamFatalError, and an event that is too large to be sent.
const LOST: [i32; 4] = [286, 260, 280, 10334];

/// A feed of changes; the task that reads the stream ends with it.
pub(super) struct MongoFeed {
    changes: mpsc::Receiver<StoreChange>,
    task: JoinHandle<()>,
}

impl Drop for MongoFeed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ChangeFeed for MongoFeed {
    fn next(&mut self) -> StoreFuture<'_, Vec<StoreChange>> {
        Box::pin(async move {
            let mut changes = Vec::new();
            match self.changes.recv_many(&mut changes, AT_ONCE).await {
                // The task ends only with the runtime of the store.
                0 => Err(StoreError::Stopped),
                _ => Ok(changes),
            }
        })
    }
}

impl Server {
    /// Begins to watch the database; `None` on a single server, which cannot tell.
    pub(super) async fn watch(self: Arc<Self>) -> Result<Option<MongoFeed>, StoreError> {
        if !self.is_cluster {
            return Ok(None);
        }
        self.keep_images().await;
        let database = self.database_of_feeds()?;
        let stream = self.call(|| stream(&database, None)).await?;
        let (tx, changes) = mpsc::channel(WAITING);
        let task = Handle::current().spawn(Reader { server: self, database, tx }.follow(stream));
        Ok(Some(MongoFeed { changes, task }))
    }

    /// The database by a connection of its own: who reads a stream holds one for as long as nothing happens, and calls
    /// would wait for it in a small pool.
    fn database_of_feeds(&self) -> Result<Database, StoreError> {
        let mut options = self.client_options.clone();
        (options.min_pool_size, options.max_pool_size) = (None, Some(1));
        options.cmap_event_handler = None;
        let client = Client::with_options(options).map_err(|error| self.told(error.into()))?;
        Ok(client.database(self.database.name()))
    }

    /// Lets the server keep edges as they were before a change, to tell the ends of those that are deleted.
    ///
    /// A user who may not do this gets [`StoreChange::Anything`] for them.
    async fn keep_images(&self) {
        let images =
            doc! { "collMod": Kind::Edge.collection(), "changeStreamPreAndPostImages": { "enabled": true } };
        if let Err(error) = self.call(|| async { Ok(self.database.run_command(images.clone()).await?) }).await
        {
            tracing::warn!(%error, "deleted edges are told without their ends");
        }
    }
}

async fn stream(database: &Database, after: Option<ResumeToken>) -> Tried<ChangeStream<RawDocumentBuf>> {
    let watch = database.watch().pipeline(pipeline()).resume_after(after);
    let stream = watch.full_document_before_change(FullDocumentBeforeChangeType::WhenAvailable).await?;
    Ok(stream.with_type())
}

/// Who reads the stream of a feed.
struct Reader {
    server: Arc<Server>,
    database: Database,
    tx: mpsc::Sender<StoreChange>,
}

impl Reader {
    /// Reads a stream and those that follow it, until nobody listens.
    async fn follow(self, mut stream: ChangeStream<RawDocumentBuf>) {
        loop {
            let mut is_lost = false;
            while let Some(event) = stream.next().await {
                match event {
                    Ok(event) => {
                        let changes = changes_of(&event);
                        is_lost =
                            event.get_str("operationType").is_ok_and(|operation| operation == "invalidate");
                        if let Some(change) = changes
                            && self.tx.send(change).await.is_err()
                        {
                            return;
                        }
                    }
                    Err(error) => {
                        let fault = Fault::from(error);
                        is_lost = fault.code().is_some_and(|code| LOST.contains(&code));
                        break;
                    }
                }
            }
            let token = stream.resume_token().filter(|_| !is_lost);
            match self.take_up(token).await {
                Some(next) => stream = next,
                None => return,
            }
        }
    }

    /// Opens a stream where another broke off, or, where that is too long ago, at what happens from now on; `None` when
    /// nobody listens any more.
    async fn take_up(&self, mut token: Option<ResumeToken>) -> Option<ChangeStream<RawDocumentBuf>> {
        let mut pause = Duration::from_millis(50);
        loop {
            if self.tx.is_closed() {
                return None;
            }
            match stream(&self.database, token.clone()).await {
                Ok(stream) => {
                    if token.is_none() {
                        // After it was opened, so that nothing falls between.
                        self.tx.send(StoreChange::Anything).await.ok()?;
                    }
                    return Some(stream);
                }
                Err(fault) if fault.is_away() => {
                    self.server.pause_up_to(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(fault) => {
                    tracing::warn!(error = %self.server.told(fault), "changes of the store are read anew");
                    token = None;
                    self.server.pause_up_to(LONGEST_PAUSE).await;
                }
            }
        }
    }
}

/// Leaves of each event only what a change tells.
fn pipeline() -> [BsonDocument; 2] {
    let collections = Kind::ALL.map(Kind::collection);
    let ours = doc! { "ns.coll": { "$in": collections.to_vec() } };
    let whole = doc! { "operationType": { "$in": ["dropDatabase", "invalidate"] } };
    let either = |member: &str| {
        doc! { "$ifNull": [format!("$fullDocument.{member}"), format!("$fullDocumentBeforeChange.{member}")] }
    };
    let version = doc! { "$ifNull": ["$fullDocument._version", "$updateDescription.updatedFields._version"] };
    [
        doc! { "$match": { "$or": [ours, whole] } },
        doc! { "$project": {
            "operationType": 1, "documentKey": 1, "_version": version,
            "is_whole": { "$eq": [{ "$type": "$fullDocument" }, "object"] },
            "source": either("source"), "target": either("target"),
        } },
    ]
}

/// What an event tells; `None` for what changes no document.
fn changes_of(event: &RawDocument) -> Option<StoreChange> {
    let operation = event.get_str("operationType").ok()?;
    match operation {
        "insert" | "update" | "replace" | "delete" => {}
        "drop" | "rename" | "dropDatabase" | "invalidate" => return Some(StoreChange::Anything),
        _ => return None,
    }
    // What has no id of ours is none of our documents.
    let id: Id = event.get_document("documentKey").ok()?.get_str("_id").ok()?.parse().ok()?;
    let end = |name: &str| event.get_str(name).ok()?.parse::<Id>().ok();
    let ends: Vec<Id> = [end("source"), end("target")].into_iter().flatten().collect();
    if operation == "delete" && id.kind() == Kind::Edge && ends.len() < 2 {
        return Some(StoreChange::Anything);
    }
    let version = event.get("_version").ok().flatten().filter(|version| *version != RawBsonRef::Null);
    let is_known = event.get_bool("is_whole").unwrap_or_default() || version.is_some();
    let version = (operation != "delete" && is_known).then(|| version_from(version));
    Some(StoreChange::Document { id, version, ends })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wayfare_graph::Version;

    fn change(event: BsonDocument) -> Option<StoreChange> {
        changes_of(&RawDocumentBuf::try_from(&event).unwrap())
    }

    fn document(id: &str, version: Option<u64>, ends: &[&str]) -> Option<StoreChange> {
        let ends = ends.iter().map(|id| id.parse().unwrap()).collect();
        Some(StoreChange::Document { id: id.parse().unwrap(), version: version.map(Version), ends })
    }

    #[test]
    fn events_tell_documents_versions_and_ends() {
        let key = |id: &str| doc! { "_id": id };
        let written =
            doc! { "operationType": "insert", "documentKey": key("n.A.b"), "is_whole": true, "_version": 3 };
        assert_eq!(change(written), document("n.A.b", Some(3), &[]));
        let foreign = doc! { "operationType": "replace", "documentKey": key("n.A.b"), "is_whole": true };
        assert_eq!(change(foreign), document("n.A.b", Some(0), &[]));
        let partly = doc! { "operationType": "update", "documentKey": key("n.A.b"), "is_whole": false };
        assert_eq!(change(partly), document("n.A.b", None, &[]));
        let edge = doc! {
            "operationType": "delete", "documentKey": key("e.R.a"), "source": "n.A.b", "target": "n.A.c",
        };
        assert_eq!(change(edge), document("e.R.a", None, &["n.A.b", "n.A.c"]));
        let unknown = doc! { "operationType": "delete", "documentKey": key("e.R.a") };
        assert_eq!(change(unknown), Some(StoreChange::Anything));
        assert_eq!(change(doc! { "operationType": "drop" }), Some(StoreChange::Anything));
        assert_eq!(change(doc! { "operationType": "createIndexes" }), None);
        assert_eq!(change(doc! { "operationType": "insert", "documentKey": key("x") }), None);
    }
}
