//! What every store must do, written against `&dyn Store`.
//!
//! To run the suite on a further store, implement [`Place`](harness::Place) for where it keeps its
//! data, and add a line `suite!(name, Place);` below.

#![allow(clippy::unwrap_used)]

#[path = "conformance/adjacency.rs"]
mod adjacency;
#[path = "conformance/batches.rs"]
mod batches;
#[path = "conformance/connect.rs"]
mod connect;
#[path = "conformance/create.rs"]
mod create;
#[path = "conformance/cursors.rs"]
mod cursors;
#[path = "conformance/delete.rs"]
mod delete;
#[path = "conformance/distinct.rs"]
mod distinct;
#[path = "conformance/explain.rs"]
mod explain;
#[path = "conformance/harness.rs"]
mod harness;
#[path = "conformance/index_changes.rs"]
mod index_changes;
#[path = "conformance/indexes.rs"]
mod indexes;
#[path = "conformance/model.rs"]
mod model;
#[path = "conformance/puts.rs"]
mod puts;
#[path = "conformance/queries.rs"]
mod queries;
#[path = "conformance/save.rs"]
mod save;
#[path = "conformance/scans.rs"]
mod scans;
#[path = "conformance/upsert.rs"]
mod upsert;
#[path = "conformance/walkers.rs"]
mod walkers;

use harness::{Place, suite};
use wayfare_graph::Store;
use wayfare_stores::{EmbeddedOptions, EmbeddedStore, JsonStore};
#[cfg(feature = "mongodb")]
use wayfare_stores::{MongoOptions, MongoStore};
#[cfg(feature = "mongodb")]
use wayfare_testkit::{Mongod, ReplicaSet, unique_database};

struct EmbeddedPlace(tempfile::TempDir);

impl Place for EmbeddedPlace {
    fn new() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(EmbeddedStore::open(self.0.path(), EmbeddedOptions::default()).unwrap())
    }
}

struct JsonPlace(tempfile::TempDir);

impl Place for JsonPlace {
    fn new() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(JsonStore::open(self.0.path(), EmbeddedOptions::default()).unwrap())
    }
}

suite!(embedded, EmbeddedPlace);
suite!(json, JsonPlace);

/// A database of a single server.
#[cfg(feature = "mongodb")]
struct MongoSinglePlace(String);

#[cfg(feature = "mongodb")]
impl Place for MongoSinglePlace {
    fn new() -> Option<Self> {
        Some(Self(Mongod::shared()?.url(&unique_database("suite"))))
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(MongoStore::open(&self.0, MongoOptions::default()).unwrap())
    }
}

#[cfg(feature = "mongodb")]
suite!(mongodb_single, MongoSinglePlace);

/// A database of a replica set, which has transactions.
#[cfg(feature = "mongodb")]
struct MongoReplicaPlace(String);

#[cfg(feature = "mongodb")]
impl Place for MongoReplicaPlace {
    fn new() -> Option<Self> {
        Some(Self(ReplicaSet::shared_single()?.url(&unique_database("suite"))))
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(MongoStore::open(&self.0, MongoOptions::default()).unwrap())
    }
}

#[cfg(feature = "mongodb")]
suite!(mongodb_replica_set, MongoReplicaPlace);
