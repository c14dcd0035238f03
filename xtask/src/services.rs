//! `cargo xtask services`: the servers that tests talk to.

use std::process::ExitCode;

/// Starts what the tests need, which is nothing as long as the embedded store is the only one.
///
/// A server that a test needs (`mongod`, `redis-server`) is to be started here, before the test asks for it.
pub(crate) fn run() -> ExitCode {
    println!("no service is needed: the tests use the embedded store only");
    ExitCode::SUCCESS
}
