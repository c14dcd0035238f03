//! Durations as people write them: `30s`, `500ms`, `2m`.

use std::time::Duration;

/// Units with their milliseconds; `ms` before `m` and `s`, whose letters it ends and begins with.
const UNITS: [(&str, f64); 4] = [("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3)];

/// Reads a number with a unit, `ms`, `s`, `m` or `h`; at least a millisecond.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let advice =
        || format!("`{text}` is no duration: write a number and a unit, such as `30s`, `500ms` or `2m`");
    let end = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(advice)?;
    let (number, unit) = text.split_at(end);
    let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(advice)?;
    let number: f64 = number.parse().map_err(|_| advice())?;
    let duration = Duration::try_from_secs_f64(number * ms / 1e3).map_err(|_| advice())?;
    if duration < Duration::from_millis(1) {
        return Err(format!("`{text}` is too short: at least `1ms`"));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_durations() {
        for (text, ms) in
            [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("1.5s", 1_500)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "30", "s", "-1s", "1 s", "1d", "1e400s", "NaNs", "1sec", "infs"] {
            assert!(parse_duration(text).unwrap_err().contains("`30s`"), "{text}");
        }
        assert!(parse_duration("0s").unwrap_err().contains("1ms"));
    }
}
