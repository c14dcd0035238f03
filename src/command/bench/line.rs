//! A line of the budget table, and how its times are taken.

use std::time::{Duration, Instant};

use super::fault::BenchError;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Line {
    /// What is done.
    pub work: String,
    /// What the rival takes for one unit of work, or the most that is allowed.
    pub rival: f64,
    /// Whether there is no rival, but a bound.
    pub is_bound: bool,
    /// What the runtime takes.
    pub ours: f64,
    /// What both are counted in.
    pub unit: &'static str,
    /// Ours over the rival's or over the bound.
    pub ratio: f64,
    /// The largest ratio that the design allows; infinite where it says nothing.
    pub budget: f64,
}

impl Line {
    /// A line for times: what each took for one unit of work.
    pub fn times(work: impl Into<String>, rival: f64, ours: f64, budget: f64, unit: &'static str) -> Self {
        Self { work: work.into(), rival, is_bound: false, ours, unit, ratio: ours / rival, budget }
    }

    /// A line for times that have no budget.
    pub fn compared(work: impl Into<String>, rival: f64, ours: f64, unit: &'static str) -> Self {
        Self::times(work, rival, ours, f64::INFINITY, unit)
    }

    /// A line against a fixed bound.
    pub fn bound(work: impl Into<String>, bound: f64, ours: f64, unit: &'static str) -> Self {
        Self { is_bound: true, ..Self::times(work, bound, ours, 1.0, unit) }
    }

    /// Whether the budget is met; `None` where there is none.
    pub fn is_met(&self) -> Option<bool> {
        self.budget.is_finite().then_some(self.ratio <= self.budget)
    }
}

/// The medians of some runs of two things in turn, so that a drift of the machine meets both.
///
/// # Errors
/// The first that one of them gives.
pub fn both_in_turn(
    runs: usize,
    mut rival: impl FnMut() -> Result<Duration, BenchError>,
    mut ours: impl FnMut() -> Result<Duration, BenchError>,
) -> Result<(f64, f64), BenchError> {
    let (mut theirs, mut own) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        theirs.push(rival()?.as_secs_f64());
        own.push(ours()?.as_secs_f64());
    }
    Ok((median(&mut theirs), median(&mut own)))
}

/// The middle one of some values, of which there is one at least.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Does something and says how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// A number as it stands in the name of a line: `1 M`, `200 k`, `2,500` as `2500`.
pub fn short(number: u64) -> String {
    match number {
        _ if number > 0 && number.is_multiple_of(1_000_000) => format!("{} M", number / 1_000_000),
        _ if number > 0 && number.is_multiple_of(1_000) => format!("{} k", number / 1_000),
        _ => number.to_string(),
    }
}
