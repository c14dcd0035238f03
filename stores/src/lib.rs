//! Floor 1 of Wayfare: the databases behind the one [`Store`](wayfare_graph::Store) port.
//!
//! [`EmbeddedStore`] is the default: one LMDB file in a folder. [`open`] takes a URL.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod embedded;
mod url;

pub use embedded::{EmbeddedOptions, EmbeddedStore};
pub use url::{OpenOptions, StoreUrl, open};
