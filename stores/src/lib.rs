//! Floor 1 of Wayfare: the databases behind the one [`Store`](wayfare_graph::Store) port.
//!
//! [`EmbeddedStore`] is the default: one LMDB file in a folder. [`JsonStore`] keeps one readable file a document.
//! [`open`] takes a URL. Behind a port of its own, [`RemoteCache`](wayfare_graph::RemoteCache), is `RedisCache`, the
//! cache that several processes share.

#![cfg_attr(test, allow(clippy::unwrap_used))]
// The port's error is large; it is made once a failure, never in a loop.
#![allow(clippy::result_large_err)]

mod embedded;
mod folders;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod json;
#[cfg(feature = "mongodb")]
mod mongodb;
mod out_of_space;
mod plan;
#[cfg(feature = "redis")]
mod redis;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;
mod url;

pub use embedded::{EmbeddedOptions, EmbeddedStore};
pub use json::JsonStore;
#[cfg(feature = "mongodb")]
pub use mongodb::{MongoOptions, MongoStore};
#[cfg(feature = "redis")]
pub use redis::{RedisCache, RedisOptions};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use url::{OpenOptions, StoreUrl, open};
