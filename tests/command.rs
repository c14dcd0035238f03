//! The `wayfare` command as a user runs it: the real binary, on stores of its own.

// A test that unwraps fails with its line, which is what a test should do; clippy does not see that the
// functions beside the tests are tests too.
#![allow(clippy::unwrap_used)]

#[path = "command/harness.rs"]
mod harness;

#[path = "command/bad_input.rs"]
mod bad_input;
#[path = "command/documents.rs"]
mod documents;
#[path = "command/explaining.rs"]
mod explaining;
#[path = "command/export.rs"]
mod export;
#[path = "command/import.rs"]
mod import;
#[path = "command/large_input.rs"]
mod large_input;
#[path = "command/processes.rs"]
mod processes;
#[path = "command/settings.rs"]
mod settings;
#[path = "command/walk.rs"]
mod walk;
#[path = "command/walks.rs"]
mod walks;
