//! The `wayfare` command: imports a graph, walks it, and reads and writes what is stored.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}
