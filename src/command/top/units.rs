//! Numbers, bytes and times in few characters.

/// A number: whole below a thousand where it has no fraction, then with `k`, `M`, `G` and three digits.
pub(super) fn number(value: f64) -> String {
    const STEPS: [(f64, &str); 4] = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")];
    // From 999.5 on three digits would be a thousand.
    match STEPS.iter().find(|(step, _)| value.abs() >= step * 0.9995) {
        Some((step, unit)) => format!("{}{unit}", digits(value / step)),
        None if value.fract() == 0.0 => format!("{value}"),
        None => digits(value),
    }
}

/// A number in a second.
pub(super) fn rate(value: f64) -> String {
    number(value) + "/s"
}

/// Bytes, in powers of 1,024.
pub(super) fn bytes(value: f64) -> String {
    const STEPS: [(f64, &str); 4] =
        [(1_099_511_627_776.0, "TiB"), (1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1_024.0, "KiB")];
    match STEPS.iter().find(|(step, _)| value >= *step) {
        Some((step, unit)) => format!("{:.1} {unit}", value / step),
        None => format!("{value:.0} B"),
    }
}

/// A time given in seconds; `-` for none.
pub(super) fn time(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "-".to_owned() };
    const STEPS: [(f64, &str); 3] = [(1.0, "s"), (1e-3, "ms"), (1e-6, "us")];
    match STEPS.iter().find(|(step, _)| seconds >= step * 0.9995) {
        Some((step, unit)) => format!("{} {unit}", digits(seconds / step)),
        None => format!("{:.0} ns", seconds * 1e9),
    }
}

/// A part of a whole; `-` where there is no whole.
pub(super) fn percent(part: Option<f64>) -> String {
    part.map_or_else(|| "-".to_owned(), |part| format!("{:.1} %", part * 100.0))
}

/// How long something has been up: days, hours, minutes and seconds, without those that are zero at the front.
pub(super) fn duration(seconds: f64) -> String {
    // Figures of a runtime are neither negative nor beyond what 64 bits hold; garbage is shown as the nearest that is.
    let seconds = seconds as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, ..) => format!("{hours}h {minutes:02}m {:02}s", seconds % 60),
        _ => format!("{days}d {hours:02}h {minutes:02}m"),
    }
}

/// Three digits that tell.
fn digits(value: f64) -> String {
    match value.abs() {
        value_of if value_of >= 99.95 => format!("{value:.0}"),
        value_of if value_of >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [0.0, 7.0, 0.25, 12.34, 999.0, 999.6, 1_234.0, 56_789.0, 1_234_567.0, 2.5e9].map(number);
        assert_eq!(
            shown,
            ["0", "7", "0.25", "12.3", "999", "1.00 k", "1.23 k", "56.8 k", "1.23 M", "2.50 G"]
        );
        assert_eq!(rate(1_500.0), "1.50 k/s");
    }

    #[test]
    fn bytes_and_times_have_the_unit_that_fits() {
        assert_eq!([512.0, 2_048.0, 3.5 * 1_048_576.0].map(bytes), ["512 B", "2.0 KiB", "3.5 MiB"]);
        let times = [2.5, 0.012_3, 0.000_45, 0.000_000_2].map(|seconds| time(Some(seconds)));
        assert_eq!(times, ["2.50 s", "12.3 ms", "450 us", "200 ns"]);
        assert_eq!(
            (time(None), percent(None), percent(Some(0.987))),
            ("-".into(), "-".into(), "98.7 %".into())
        );
    }

    #[test]
    fn uptimes_show_what_matters_at_their_length() {
        let shown = [5.9, 65.0, 3_723.0, 90_061.0, -1.0].map(duration);
        assert_eq!(shown, ["5s", "1m 05s", "1h 02m 03s", "1d 01h 01m", "0s"]);
    }
}
