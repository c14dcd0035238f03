//! Tests across actors, crates and processes, in one binary.

#![allow(missing_docs, clippy::unwrap_used)]

mod cache;
mod crash;
mod graph;
mod interop;
mod observe;
mod operating;
mod reference;
mod soak;
mod supervision;
mod walks;
