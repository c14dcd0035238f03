//! A minute of everything at once, with faults, in a process of its own: what it takes is measured, and no other test
//! is to be disturbed by it. `cargo bench --bench soak` runs the same for longer.

use std::process::{Command, Stdio};
use std::time::Duration;

#[path = "soak/run.rs"]
mod run;

use self::run::Plan;

/// Time under load.
const LENGTH: Duration = Duration::from_secs(60);

/// A seed in place of a random one, to repeat the choices of a run.
const SEED: &str = "WAYFARE_SOAK_SEED";

const CHILD: &str = "WAYFARE_SOAK_CHILD";

#[test]
fn a_minute_of_load_with_faults_loses_nothing_and_leaves_nothing_behind() {
    let seed = std::env::var(SEED).map_or_else(|_| random_seed(), |seed| seed.parse().unwrap());
    // At once: a run that hangs should have told its seed.
    eprintln!("soak test: {SEED}={seed}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "soak::is_loaded", "--nocapture", "--test-threads=1"])
        .env(CHILD, seed.to_string())
        // Else each of the threads that come and go has an arena of its own on a machine of many cores.
        .env("MALLOC_ARENA_MAX", "8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    println!("{told}");
    assert!(output.status.success(), "failed with {SEED}={seed}\n{told}\n{errors}");
}

/// Not a test by itself: what the process does.
#[test]
fn is_loaded() {
    let Ok(seed) = std::env::var(CHILD) else { return };
    let passed = run::run(Plan { seed: seed.parse().unwrap(), length: LENGTH });
    std::process::exit(if passed { 0 } else { 1 });
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Short, because it is to be typed again.
    RandomState::new().hash_one(0) % 1_000_000
}
