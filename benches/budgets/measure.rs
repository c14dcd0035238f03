//! The table as it is printed, medians of many things, and memory.

use std::time::Duration;

pub use crate::timing::{median, timed};
pub use wayfare::__private::BenchLine as Line;

pub fn print_head() {
    println!("{:<46} {:>18} {:>16} {:>7} {:>7}", "work", "rival", "ours", "ratio", "budget");
}

pub fn print(line: &Line) {
    let Line { work, rival, is_bound, ours, unit, ratio, budget } = line;
    let rival = if *is_bound { format!("at most {rival} {unit}") } else { format!("{rival:.1} {unit}") };
    let ours = if *is_bound { format!("{ours:.2} {unit}") } else { format!("{ours:.1} {unit}") };
    match line.is_met() {
        None => println!("{work:<46} {rival:>18} {ours:>16} {ratio:>7.2} {:>7}", "none"),
        Some(is_met) => {
            let met = if is_met { "met" } else { "missed" };
            println!("{work:<46} {rival:>18} {ours:>16} {ratio:>7.2} {budget:>7.2}  {met}");
        }
    }
}

/// The median of some runs of two things in turn, so that a drift of the machine meets both.
pub fn in_turn(
    runs: usize,
    mut rival: impl FnMut() -> Duration,
    mut ours: impl FnMut() -> Duration,
) -> (f64, f64) {
    let (mut theirs, mut own) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        theirs.push(rival().as_secs_f64());
        own.push(ours().as_secs_f64());
    }
    (median(&mut theirs), median(&mut own))
}

/// The same for any number of things: their medians, in order. Every second time from the last to the first, so that
/// none always has to do with what the same one has left behind.
pub fn all_in_turn<const N: usize>(runs: usize, works: [&mut dyn FnMut() -> Duration; N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for run in 0..runs {
        for place in 0..N {
            let at = if run % 2 == 0 { place } else { N - 1 - place };
            times[at].push(works[at]().as_secs_f64());
        }
    }
    times.map(|mut times| median(&mut times))
}

/// Resident bytes of this process.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    pages * 4_096
}
