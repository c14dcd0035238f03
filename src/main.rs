//! The `wayfare` command: imports a graph, walks it, reads and writes what is stored, and measures the runtime.

mod bench;

use std::process::ExitCode;

fn main() -> ExitCode {
    wayfare::__private::run_command_with(std::env::args_os(), bench::measure)
}
