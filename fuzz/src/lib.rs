//! The parsers of Wayfare under libFuzzer.
//!
//! Targets stand beside the parsers, in the module `fuzzing` of each floor, which other builds than that of
//! `cargo xtask fuzz` do not have. Here they are put together; `main.rs` hands one of them to the engine.

#[cfg(fuzzing)]
mod targets;

#[cfg(fuzzing)]
pub use targets::{Target, find, names};
