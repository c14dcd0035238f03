//! A process that is killed at random moments under load: what it acknowledged is there, nothing is half there.
//!
//! The child is this test binary itself. It works on one store through the public API and says a line for every
//! acknowledgement it got and every value it was given. The parent kills it with SIGKILL, opens the store, and holds
//! what lies there against what was said.

mod child;
mod durable;
mod entities;
mod parent;
mod said;
mod two_writers;
mod verify;
mod work;

use std::io::Write;
use std::thread;

use self::parent::Series;

/// Times that a process is killed on each store, in all; one in eight before it has begun to work.
const KILLS: usize = 200;

/// Times that one store goes through it: after that a fresh one, so that stores stay small.
const KILLS_PER_STORE: usize = 25;

/// Stores under test at a time. Most of the time is spent waiting for the disk.
const AT_ONCE: usize = 2;

/// A seed in place of a random one, to repeat the choices of a run.
const SEED: &str = "WAYFARE_CRASH_SEED";

#[test]
fn a_process_killed_at_random_moments_loses_nothing_it_acknowledged() {
    kill_again_and_again("embedded");
}

#[test]
fn a_process_killed_at_random_moments_loses_nothing_it_acknowledged_in_json_files() {
    kill_again_and_again("json");
}

fn kill_again_and_again(scheme: &str) {
    let seed = std::env::var(SEED).map_or_else(|_| random_seed(), |seed| seed.parse().unwrap());
    // At once: a run that hangs should have told its seed.
    tell(&format!("crash test, {scheme}: {SEED}={seed}"));
    let said: u64 = thread::scope(|scope| {
        let series = |lane: usize| {
            let stores = (lane..KILLS / KILLS_PER_STORE).step_by(AT_ONCE);
            stores
                .map(|store| Series::new(scheme, seed, store as u64).kill_again_and_again(KILLS_PER_STORE))
                .sum::<u64>()
        };
        let lanes: Vec<_> = (0..AT_ONCE).map(|lane| scope.spawn(move || series(lane))).collect();
        lanes
            .into_iter()
            .map(|lane| lane.join().unwrap_or_else(|_| panic!("failed with {SEED}={seed}")))
            .sum()
    });
    tell(&format!("crash test, {scheme}: {KILLS} kills, {said} acknowledgements and reports checked"));
    assert!(said > 50 * KILLS as u64, "only {said} in {KILLS} kills: that is no load");
}

/// Past the capture of the test's output, in one piece.
fn tell(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Short, because it is to be typed again.
    RandomState::new().hash_one(0) % 1_000_000
}
