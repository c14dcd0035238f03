//! How the times of a line are taken.

use std::time::{Duration, Instant};

use wayfare::__private::BenchError;

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
