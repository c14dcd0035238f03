//! `cargo xtask test`: every check that a change has to pass.

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::services::{self, Found};
use crate::step::Step;

/// The folder of reference graphs; tests on them skip without it.
const DATA_VARIABLE: &str = "WAYFARE_DATA";

const LICENCES: Step = Step::cargo("deny check bans licenses sources");

/// Runs the steps in order and stops at the first that fails.
pub(crate) fn run() -> ExitCode {
    let started = Instant::now();
    announce_data();
    let found = services::find_all();
    if !steps(&found).iter().all(Step::run_aloud) {
        return ExitCode::FAILURE;
    }
    if !Step::cargo("deny --version").succeeds_quietly() {
        println!(
            "==> skipped: {LICENCES} (cargo-deny is not installed: `cargo install cargo-deny --locked`)"
        );
    } else if !LICENCES.run_aloud() {
        return ExitCode::FAILURE;
    }
    // Again at the end, since much has been printed in between.
    for missing in found.iter().filter(|found| found.result.is_err()) {
        println!("==> skipped: tests that need {}, which is not to be had", missing.name);
    }
    let seconds = started.elapsed().as_secs_f64();
    match found.iter().filter(|found| found.result.is_err()).count() {
        0 => println!("==> all passed in {seconds:.1} s"),
        missing => println!("==> passed in {seconds:.1} s, without the tests of {missing} services"),
    }
    ExitCode::SUCCESS
}

/// Cheapest first, so that a slip shows early; tests are told where the services are.
fn steps(found: &[Found]) -> Vec<Step> {
    let mut tests = Step::cargo("test --workspace");
    for Found { variable, result, .. } in found {
        if let Ok(ready) = result {
            tests = tests.with(variable, &ready.path);
        }
    }
    vec![
        Step::cargo("fmt --all --check"),
        Step::cargo("clippy --workspace --all-targets -- -D warnings"),
        Step::cargo("doc --workspace --no-deps").with("RUSTDOCFLAGS", "-D warnings"),
        tests,
        Step::cargo("xtask fuzz"),
    ]
}

/// Says aloud whether the reference graphs will be walked: a skipped test looks like a passed one.
fn announce_data() {
    match env::var_os(DATA_VARIABLE) {
        Some(folder) if Path::new(&folder).is_dir() => {
            println!("==> reference graphs in {}", folder.display())
        }
        Some(folder) => println!("==> {DATA_VARIABLE} is `{}`, which is no folder", folder.display()),
        None => println!("==> {DATA_VARIABLE} is not set: tests on the reference graphs will skip"),
    }
}
