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
        self.call(|| self.ensure_indexes()).await?;
        let edge_indexes = self.call(|| list(&self.database, Kind::Edge.collection())).await?;
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
    async fn ensure_indexes(&self) -> Tried<()> {
        let entity = doc! { "entity": 1 };
        for kind in [Kind::Node, Kind::Object, Kind::Walker] {
            let name = format!("idx_{}_entity", kind.collection());
            self.ensure(kind, &[(entity.clone(), &name, false)]).await?;
        }
        let mut wanted = vec![
            (doc! { "target": 1, "entity": 1 }, "idx_target_entity", false),
            (doc! { "entity": 1, "source": 1 }, "idx_entity_source", false),
            (doc! { "entity": 1, "target": 1 }, "idx_entity_target", false),
        ];
        if self.parallel_edges {
            let pair = doc! { "source": 1, "target": 1, "entity": 1, PARALLEL: 1 };
            wanted.push((pair, "idx_source_target_entity_parallel_unique", true));
        }
        self.ensure(Kind::Edge, &wanted).await
    }

    async fn ensure(&self, kind: Kind, wanted: &[(BsonDocument, &str, bool)]) -> Tried<()> {
        let there = list(&self.database, kind.collection()).await?;
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
        self.database.run_command(command).await?;
        Ok(())
    }
}

/// Whether an index is on some keys in their order, whatever their numbers are made of.
fn has_key(index: &BsonDocument, key: &BsonDocument) -> bool {
    index.get_document("key").is_ok_and(|own| own.keys().eq(key.keys()))
        && !index.contains_key("partialFilterExpression")
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
