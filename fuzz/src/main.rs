//! What `cargo xtask fuzz` runs: one parser under libFuzzer.
//!
//! Built plainly, as with the rest of the workspace, it only says so: without instrumentation there is nothing that
//! would tell the engine which inputs are new to a parser.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod driver;

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    eprintln!("built without instrumentation: run `cargo xtask fuzz`");
    std::process::ExitCode::FAILURE
}
