//! `cargo bench --bench soak`: load of every kind at once, with faults of every kind at random, for 20 minutes.
//!
//! `-- --minutes N` or `-- --seconds N` runs for another time, `--seed N` repeats the choices of a run. The test
//! `soak` of `tests/it` is the same for a minute; what is done and checked stands there.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench stops at the first thing that is wrong")]

#[path = "../../tests/it/soak/run.rs"]
mod run;

use std::hash::{BuildHasher, RandomState};
use std::process::exit;
use std::time::Duration;

use run::Plan;

/// Time under load, unless another is asked for.
const LENGTH: Duration = Duration::from_secs(20 * 60);

fn main() {
    // Seeds are short, because they are to be typed again.
    let mut plan = Plan { seed: RandomState::new().hash_one(0) % 1_000_000, length: LENGTH };
    // Cargo itself adds `--bench`.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let Some(number) = words.next().and_then(|number| number.parse::<u64>().ok()) else {
            return misused(&word);
        };
        match word.as_str() {
            "--minutes" => plan.length = Duration::from_secs(number * 60),
            "--seconds" => plan.length = Duration::from_secs(number),
            "--seed" => plan.seed = number,
            _ => return misused(&word),
        }
    }
    if !run::run(plan) {
        exit(1);
    }
}

fn misused(word: &str) {
    eprintln!("`{word}`: give `--minutes N`, `--seconds N` or `--seed N`");
    exit(2);
}
