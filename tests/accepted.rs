//! What the attribute macros accept: it compiles without a warning, and does what it says.
//!
//! What is looked up by name has a name that no other file has: one program knows them all.

// A test that unwraps fails with its line, which is what a test should do; clippy does not see that the
// functions beside the tests are tests too.
#![allow(clippy::unwrap_used)]

#[path = "accepted/stage.rs"]
mod stage;

#[path = "accepted/entity.rs"]
mod entity;
#[path = "accepted/serialisation.rs"]
mod serialisation;
#[path = "accepted/surroundings.rs"]
mod surroundings;
#[path = "accepted/typed_filter.rs"]
mod typed_filter;
#[path = "accepted/walker.rs"]
mod walker;
#[path = "accepted/walker_hooks.rs"]
mod walker_hooks;
#[path = "accepted/walker_state.rs"]
mod walker_state;
