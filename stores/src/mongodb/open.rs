//! Opening a database: is the server there, is it one that will do, and are the root and the indexes in place.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bson::{Bson, Document as BsonDocument, doc};
use mongodb::Client;
use mongodb::options::{Acknowledgment, ClientOptions};
use wayfare_graph::{Body, Document, Id, Kind, StoreError, Version};

use super::address::{Address, watch_pool};
use super::catalog::{Catalog, list};
use super::circuit::Breaker;
use super::document::{PARALLEL, encode};
use super::fault::{Fault, Tried};
use super::options::MongoOptions;
use super::pool_watch::PoolWatch;
use super::server::Server;

/// The oldest release that will do: the first whose partial indexes know `$or`.
const OLDEST: (i32, i32) = (6, 0);

/// The index that keeps apart the edges between two nodes.
const PAIRS: &str = "idx_source_target_entity_parallel_unique";

/// The index that leads to edges by their ends where that one cannot be made.
const ENDS: &str = "idx_source_target_entity_not_unique";

/// An index that is wanted: its keys, its name, and whether it is unique.
type Wanted<'n> = (BsonDocument, &'n str, bool);

impl Server {
    /// Connects and prepares a database.
    pub(super) async fn open(url: String, options: MongoOptions) -> Result<Self, StoreError> {
        let address = Address::parse(&url)?;
        let mut client = address.client_options(&options).await?;
        let watch = Arc::new(PoolWatch::default());
        let heed = Arc::clone(&watch);
        watch_pool(&mut client, move |event| heed.heed(&event));
        let pool_sizes = (client.min_pool_size.unwrap_or(0), client.max_pool_size.unwrap_or(0));
        let write_concern = concern_of(&client);
        let told = |fault: Fault| fault.told(&address.shown);
        let client_options = client.clone();
        let client = Client::with_options(client).map_err(|error| StoreError::Url {
            url: address.shown.clone(),
            reason: error.kind.to_string(),
        })?;
        let database = client.database(&address.database);
        let first = first_look(&client, &address.shown);
        let (is_cluster, is_sharded) = within(&options, first).await.map_err(told)?;
        let parallel_edges = true;
        let mut server = Self {
            shown: address.shown.clone(),
            client,
            client_options,
            database,
            write_concern,
            is_cluster,
            is_sharded,
            ends_indexes: Default::default(),
            parallel_edges,
            left_over: Default::default(),
            catalog: Catalog::default(),
            watch,
            breaker: Breaker::new(options.circuit_failures, options.circuit_pause),
            settled: AtomicU64::new(u64::MAX),
            pool_sizes,
            options,
        };
        server.prepare().await?;
        Ok(server)
    }

    async fn prepare(&mut self) -> Result<(), StoreError> {
        self.call(|| self.ensure_root()).await?;
        let edge_indexes = self.call(|| list(&self.database, Kind::Edge.collection())).await?;
        self.parallel_edges = !edge_indexes.iter().any(is_jvspatials);
        self.ensure_indexes().await?;
        let mut edge_indexes = self.call(|| list(&self.database, Kind::Edge.collection())).await?;
        if edge_indexes.iter().any(is_of_pairs) && edge_indexes.iter().any(is_stand_in) {
            self.drop_stored(Kind::Edge, ENDS).await?;
            edge_indexes.retain(|index| !is_stand_in(index));
        }
        let leading_to = |end: &str| {
            let leads = |index: &&BsonDocument| {
                !index.contains_key("partialFilterExpression")
                    && index
                        .get_document("key")
                        .is_ok_and(|key| key.keys().next().is_some_and(|first| first == end))
            };
            let name = edge_indexes.iter().find(leads).and_then(|index| index.get_str("name").ok());
            name.unwrap_or("_id_").to_owned()
        };
        self.ends_indexes = [leading_to("source"), leading_to("target")];
        self.recover().await
    }

    async fn ensure_root(&self) -> Tried<()> {
        let root = Document::new(Id::root(), Body::empty());
        let encoded = encode(&root, Version::FIRST)
            .map_err(|why| StoreError::Damaged { what: Id::root().to_string(), reason: why.0 })?;
        let mut root: BsonDocument = encoded.bytes.as_ref().try_into()?;
        root.remove("_id");
        let nodes = self.collection(Kind::Node);
        let found = doc! { "_id": Id::root().to_string() };
        match nodes.update_one(found, doc! { "$setOnInsert": root }).upsert(true).await.map_err(Fault::from) {
            Ok(_) => Ok(()),
            // Another process was quicker.
            Err(fault) if fault.is_duplicate() => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Makes the indexes that everything here goes by, under the names that jvspatial gives them.
    async fn ensure_indexes(&self) -> Result<(), StoreError> {
        let told = |fault| self.told(fault);
        let entity = doc! { "entity": 1 };
        for kind in [Kind::Node, Kind::Object, Kind::Walker] {
            let name = format!("idx_{}_entity", kind.collection());
            self.ensure(kind, &[(entity.clone(), &name, false)]).await.map_err(told)?;
        }
        let wanted = [
            (doc! { "target": 1, "entity": 1 }, "idx_target_entity", false),
            (doc! { "entity": 1, "source": 1 }, "idx_entity_source", false),
            (doc! { "entity": 1, "target": 1 }, "idx_entity_target", false),
        ];
        self.ensure(Kind::Edge, &wanted).await.map_err(told)?;
        match self.parallel_edges {
            true => self.ensure_pairs().await.map_err(told),
            // jvspatial's index does the same.
            false => Ok(()),
        }
    }

    /// Makes the index that keeps apart the edges between two nodes.
    ///
    /// Where some cannot be told apart already, the store opens without it all the same, or nobody could remove them.
    /// What it guards, that of processes which join the same nodes at once one finds the other's edge, is then not
    /// sure.
    async fn ensure_pairs(&self) -> Tried<()> {
        match self.ensure(Kind::Edge, &[(pair_key(), PAIRS, true)]).await {
            Err(fault) if fault.is_duplicate() => {
                let cause = self.told(fault);
                tracing::warn!(
                    %cause,
                    "opened without the unique index over the ends of edges: some edges are there twice, or are no \
                     edges; `wayfare doctor --repair` removes them, and the next opening makes the index"
                );
                let ends = doc! { "source": 1, "target": 1, "entity": 1 };
                self.ensure(Kind::Edge, &[(ends, ENDS, false)]).await
            }
            done => done,
        }
    }

    /// Makes indexes that are missing, again where the connection is lost.
    async fn ensure(&self, kind: Kind, wanted: &[Wanted<'_>]) -> Tried<()> {
        let mut attempts = self.attempts();
        loop {
            match self.ensure_once(kind, wanted).await {
                Err(fault) if fault.is_away() => attempts.pause_after(fault).await?,
                done => return done,
            }
        }
    }

    async fn ensure_once(&self, kind: Kind, wanted: &[Wanted<'_>]) -> Tried<()> {
        let there = self.attempt(list(&self.database, kind.collection())).await?;
        let is_there = |key: &BsonDocument| there.iter().any(|index| has_key(index, key));
        let missing = wanted.iter().filter(|(key, _, _)| !is_there(key));
        let specs: Vec<BsonDocument> = missing
            .map(|(key, name, unique)| {
                let mut spec = doc! { "key": key.clone(), "name": *name };
                if *unique {
                    spec.insert("unique", true);
                }
                spec
            })
            .collect();
        if specs.is_empty() {
            return Ok(());
        }
        let command = doc! { "createIndexes": kind.collection(), "indexes": specs };
        // In a large database that takes as long as it takes.
        self.admitted(async { Ok(self.database.run_command(command).await?) }).await?;
        Ok(())
    }
}

/// Whether an index is on some keys in their order, whatever their numbers are made of.
fn has_key(index: &BsonDocument, key: &BsonDocument) -> bool {
    index.get_document("key").is_ok_and(|own| own.keys().eq(key.keys()))
        && !index.contains_key("partialFilterExpression")
}

fn pair_key() -> BsonDocument {
    doc! { "source": 1, "target": 1, "entity": 1, PARALLEL: 1 }
}

/// Whether it is the index that keeps apart the edges between two nodes.
fn is_of_pairs(index: &BsonDocument) -> bool {
    index.get_bool("unique").unwrap_or_default() && has_key(index, &pair_key())
}

/// Whether it is the index that was made as long as that one could not be.
fn is_stand_in(index: &BsonDocument) -> bool {
    index.get_str("name").is_ok_and(|name| name == ENDS)
}

/// Whether it is the index by which jvspatial allows one edge of an entity between two nodes.
fn is_jvspatials(index: &BsonDocument) -> bool {
    let key = doc! { "source": 1, "target": 1, "entity": 1 };
    index.get_bool("unique").unwrap_or_default() && has_key(index, &key)
}

/// Waits no longer than for a server to be chosen, and a moment for its answer.
async fn within<T>(options: &MongoOptions, call: impl Future<Output = Tried<T>>) -> Tried<T> {
    let limit = options.server_selection_timeout + options.connect_timeout;
    tokio::time::timeout(limit, call).await.unwrap_or(Err(Fault::Elapsed))
}

/// Whether the server is a cluster, and a sharded one; an error if it is too old.
async fn first_look(client: &Client, shown: &str) -> Tried<(bool, bool)> {
    let admin = client.database("admin");
    let build = admin.run_command(doc! { "buildInfo": 1 }).await?;
    check_version(shown, build.get_str("version").unwrap_or("?"))?;
    // Asks who I am, which the commands before need not: a wrong password is found now.
    let hello = admin.run_command(doc! { "hello": 1 }).await?;
    let is_sharded = hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
    Ok((is_sharded || hello.contains_key("setName"), is_sharded))
}

fn check_version(shown: &str, found: &str) -> Result<(), StoreError> {
    let mut parts = found.split('.').map(|part| part.parse::<i32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    match version >= OLDEST {
        true => Ok(()),
        false => {
            let needed = format!("{}.{}", OLDEST.0, OLDEST.1);
            Err(StoreError::ServerTooOld { url: shown.to_owned(), found: found.to_owned(), needed })
        }
    }
}

/// The write concern of the options, as commands have it.
fn concern_of(options: &ClientOptions) -> BsonDocument {
    let concern = options.write_concern.clone().unwrap_or_default();
    let mut document = BsonDocument::new();
    match concern.w {
        Some(Acknowledgment::Nodes(nodes)) => document.insert("w", Bson::from(nodes)),
        Some(Acknowledgment::Custom(tag)) => document.insert("w", tag),
        _ => document.insert("w", "majority"),
    };
    document.insert("j", concern.journal.unwrap_or(true));
    if let Some(timeout) = concern.w_timeout {
        document.insert("wtimeout", i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_before_6_0_are_refused() {
        for (found, enough) in
            [("6.0.5", true), ("8.1.0-rc2", true), ("10.0", true), ("5.0.31", false), ("?", false)]
        {
            match check_version("mongodb://h/d", found) {
                Ok(()) => assert!(enough, "{found}"),
                Err(StoreError::ServerTooOld { url, found: told, needed }) => {
                    assert!(!enough);
                    assert_eq!(
                        (url.as_str(), told.as_str(), needed.as_str()),
                        ("mongodb://h/d", found, "6.0")
                    );
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}
