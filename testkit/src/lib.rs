//! Real servers for the tests of Wayfare: each on a free port of this machine, with data of its own, gone with the
//! test.
//!
//! A test asks for what it needs and skips, aloud, where that is not to be had: the programs are named by environment
//! variables, which `cargo xtask test` sets.
//!
//! ```no_run
//! use wayfare_testkit::{Mongod, unique_database};
//!
//! let Some(mongod) = Mongod::shared() else { return };
//! let url = mongod.url(&unique_database("orders"));
//! assert!(url.starts_with("mongodb://127.0.0.1:"));
//! ```
//!
//! It uses no other crate of the workspace, and others use it as a dev-dependency only. Nothing here returns an error:
//! a server that should be there and is not fails the test that asked, by a panic with the end of the server's log.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod admin;
mod corpus;
mod database;
mod guarded;
mod hello;
mod mongod;
mod port;
mod program;
mod redis;
mod refused_calls;
mod replica_set;
mod server;
mod url;

pub use corpus::{FuzzTarget, try_corpus};
pub use database::{unique_database, unique_prefix};
pub use mongod::Mongod;
pub use program::jvspatial_python;
pub use redis::Redis;
pub use refused_calls::{die_at_fsync, fail_syncfs, fail_syncs};
pub use replica_set::ReplicaSet;
