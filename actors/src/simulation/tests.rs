//! Many schedules, and those that have to fail.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::bug::Bug;
use super::schedule::Schedule;

/// Schedules of one run of the tests.
const SCHEDULES: u64 = 100_000;

/// Schedules within which every planted bug is found.
const TO_FIND: u64 = 100_000;

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Runs schedules on all processors; the first seed that failed.
fn first_failing(seeds: std::ops::Range<u64>, bug: Option<Bug>) -> (Option<u64>, [u64; 5]) {
    let (next, failing) = (AtomicU64::new(seeds.start), AtomicU64::new(u64::MAX));
    let (is_over, tally) = (AtomicBool::new(false), [const { AtomicU64::new(0) }; 5]);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let went = Schedule::of(seed).run(bug, false);
                    for (sum, number) in
                        tally.iter().zip([1, went.steps, went.operations, went.kills, went.panics])
                    {
                        sum.fetch_add(number, Ordering::Relaxed);
                    }
                    if !went.faults.is_empty() {
                        failing.fetch_min(seed, Ordering::Relaxed);
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failing = Some(failing.into_inner()).filter(|&seed| seed != u64::MAX);
    (failing, tally.map(AtomicU64::into_inner))
}

/// What a failing schedule does, after the choices that do not matter were left out.
fn told(seed: u64, bug: Option<Bug>) -> String {
    let shrunk = Schedule::of(seed).shrunk(bug);
    let went = shrunk.run(bug, true);
    let (all, left) = (Schedule::of(seed).choices.len(), shrunk.choices.len());
    format!(
        "seed {seed} fails; {left} of its {all} choices matter:\n  {}\n{}\nrepeat it with WAYFARE_SIMULATION_SEED={seed}",
        went.trace.join("\n  "),
        went.faults.join("\n"),
    )
}

#[test]
fn the_protocol_keeps_its_promises_in_every_schedule() {
    if let Some(seed) = number_of("WAYFARE_SIMULATION_SEED") {
        let went = Schedule::of(seed).run(None, true);
        println!("{}", went.trace.join("\n"));
        assert!(went.faults.is_empty(), "{}", told(seed, None));
        return;
    }
    let (began, schedules) = (Instant::now(), number_of("WAYFARE_SIMULATION_SCHEDULES").unwrap_or(SCHEDULES));
    let (failing, [ran, steps, operations, kills, panics]) = first_failing(0..schedules, None);
    println!(
        "{ran} schedules, {steps} steps, {operations} operations, {kills} kills, {panics} panics in {:?}",
        began.elapsed()
    );
    if let Some(seed) = failing {
        panic!("{}", told(seed, None));
    }
}

#[test]
fn every_planted_bug_is_found() {
    let mut not_found = Vec::new();
    for bug in Bug::ALL {
        let (failing, [ran, ..]) = first_failing(0..TO_FIND, Some(bug));
        println!("{bug:?}: {} within {ran} schedules", if failing.is_some() { "found" } else { "not found" });
        not_found.extend(failing.is_none().then_some(bug));
        // It is the bug that was found, not another one.
        let sound = failing.map(|seed| Schedule::of(seed).run(None, false).faults);
        assert_eq!(sound.unwrap_or_default(), [""; 0], "{failing:?} fails without {bug:?} too");
    }
    assert!(not_found.is_empty(), "within {TO_FIND} schedules these were not found: {not_found:?}");
}

#[test]
fn a_schedule_that_is_repeated_goes_the_same_way() {
    for seed in 0..200 {
        let (first, second) = (Schedule::of(seed).run(None, true), Schedule::of(seed).run(None, true));
        assert_eq!(first.trace, second.trace, "seed {seed}");
    }
}
