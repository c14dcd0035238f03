//! Medians, memory and the table.

use std::time::{Duration, Instant};

/// One line of the table.
pub struct Line {
    pub work: &'static str,
    pub rival: String,
    pub ours: String,
    /// Ours over the rival's, or over the budget itself where there is no rival.
    pub ratio: f64,
    pub budget: f64,
}

impl Line {
    /// A line for times: what each took for one unit of work.
    pub fn times(work: &'static str, rival: f64, ours: f64, budget: f64, unit: &str) -> Self {
        let show = |value: f64| format!("{value:.1} {unit}");
        Self { work, rival: show(rival), ours: show(ours), ratio: ours / rival, budget }
    }

    /// A line for times that have no budget.
    pub fn compared(work: &'static str, rival: f64, ours: f64, unit: &str) -> Self {
        Self::times(work, rival, ours, f64::INFINITY, unit)
    }

    /// A line against a fixed bound.
    pub fn bound(work: &'static str, bound: f64, ours: f64, unit: &str) -> Self {
        Self {
            work,
            rival: format!("at most {bound} {unit}"),
            ours: format!("{ours:.2} {unit}"),
            ratio: ours / bound,
            budget: 1.0,
        }
    }

    pub fn print_head() {
        println!("{:<46} {:>18} {:>16} {:>7} {:>7}", "work", "rival", "ours", "ratio", "budget");
    }

    pub fn print(&self) {
        let Self { work, rival, ours, ratio, budget } = self;
        if budget.is_infinite() {
            return println!("{work:<46} {rival:>18} {ours:>16} {ratio:>7.2} {:>7}", "none");
        }
        let met = if ratio <= budget { "met" } else { "missed" };
        println!("{work:<46} {rival:>18} {ours:>16} {ratio:>7.2} {budget:>7.2}  {met}");
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

/// The same for any number of things: their medians, in order.
pub fn all_in_turn<const N: usize>(runs: usize, mut works: [&mut dyn FnMut() -> Duration; N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..runs {
        for (work, times) in works.iter_mut().zip(&mut times) {
            times.push(work().as_secs_f64());
        }
    }
    times.map(|mut times| median(&mut times))
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// Resident bytes of this process.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    pages * 4_096
}
