//! Floor 1 of Wayfare: the databases behind the one [`Store`](wayfare_graph::Store) port.
//!
//! [`EmbeddedStore`] is the default: one LMDB file in a folder. [`open`] takes a URL.

#![cfg_attr(test, allow(clippy::unwrap_used))]
// The port's error is large; it is made once a failure, never in a loop.
#![allow(clippy::result_large_err)]

mod embedded;
#[cfg(feature = "mongodb")]
mod mongodb;
mod plan;
mod rules;
mod url;

pub use embedded::{EmbeddedOptions, EmbeddedStore};
#[cfg(feature = "mongodb")]
pub use mongodb::{MongoOptions, MongoStore};
pub use url::{OpenOptions, StoreUrl, open};
