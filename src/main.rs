//! The `wayfare` command: imports a graph, walks it, and reads and writes what is stored.

use std::process::ExitCode;

fn main() -> ExitCode {
    wayfare::run_command(std::env::args_os())
}
