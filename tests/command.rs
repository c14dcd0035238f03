//! The `wayfare` command as a user runs it: the real binary, on stores of its own.

// A test that unwraps fails with its line, which is what a test should do; clippy does not see that the
// functions beside the tests are tests too.
#![allow(clippy::unwrap_used)]

#[path = "command/harness.rs"]
mod harness;

#[path = "command/bad_input.rs"]
mod bad_input;
#[path = "command/bench.rs"]
mod bench;
#[path = "command/copy.rs"]
mod copy;
#[path = "command/doctor.rs"]
mod doctor;
#[path = "command/documents.rs"]
mod documents;
#[path = "command/explaining.rs"]
mod explaining;
#[path = "command/export.rs"]
mod export;
#[path = "command/import.rs"]
mod import;
#[path = "command/index.rs"]
mod index;
#[path = "command/large_input.rs"]
mod large_input;
#[path = "command/migrate.rs"]
mod migrate;
#[path = "command/pages.rs"]
mod pages;
#[path = "command/processes.rs"]
mod processes;
#[path = "command/settings.rs"]
mod settings;
#[path = "command/top.rs"]
mod top;
#[path = "command/versions.rs"]
mod versions;
#[path = "command/walk.rs"]
mod walk;
#[path = "command/walks.rs"]
mod walks;
