//! Comparing with the reference, so that one run tells every difference.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Relative tolerance for numbers that are not whole, as the reference asks for.
const TOLERANCE: f64 = 1e-8;

/// Longest text of a value in a message.
const SHOWN: usize = 400;

/// Differences that are told one by one.
const TOLD: usize = 20;

/// What was compared, and what differed.
pub struct Check {
    subject: String,
    faults: Vec<String>,
    /// How many figures of each measurement, and how long they took.
    families: BTreeMap<String, (usize, Duration)>,
    last: Instant,
}

impl Check {
    pub fn new(subject: &str) -> Self {
        let (faults, families) = (Vec::new(), BTreeMap::new());
        Self { subject: subject.to_owned(), faults, families, last: Instant::now() }
    }

    /// Compares exactly. `family` is the measurement, `what` the row, `part` the figure.
    pub fn same<T: PartialEq + Debug + ?Sized>(
        &mut self,
        family: &str,
        what: impl Display,
        part: &str,
        expected: &T,
        found: &T,
    ) {
        let now = Instant::now();
        let (count, time) = self.families.entry(family.to_owned()).or_default();
        *count += 1;
        *time += now - std::mem::replace(&mut self.last, now);
        if expected != found {
            let (expected, found) = (shown(expected), shown(found));
            let subject = &self.subject;
            self.faults.push(format!(
                "{subject} {family} {what}: {part} differ: expected {expected}, found {found}"
            ));
        }
    }

    /// Compares numbers: whole ones exactly, others within the tolerance.
    pub fn number(&mut self, family: &str, what: impl Display, part: &str, expected: &Value, found: &Value) {
        if is_close(expected, found) {
            self.same(family, what, part, &(), &());
        } else {
            self.same(family, what, part, expected, found);
        }
    }

    /// Counts the time since the last comparison as spent on something that is not compared.
    pub fn spent_on(&mut self, what: &str) {
        let now = Instant::now();
        let (_, time) = self.families.entry(what.to_owned()).or_default();
        *time += now - std::mem::replace(&mut self.last, now);
    }

    /// How many figures were compared so far.
    pub fn compared(&self) -> usize {
        self.families.values().map(|(count, _)| count).sum()
    }

    /// Tells what was compared, and fails if anything differed.
    pub fn conclude(self) {
        let told = |(family, (count, time)): (&String, &(usize, Duration))| {
            format!("{count} {family} ({:.1} s)", time.as_secs_f64())
        };
        let counts: Vec<String> = self.families.iter().map(told).collect();
        let seconds: f64 = self.families.values().map(|(_, time)| time.as_secs_f64()).sum();
        let subject = &self.subject;
        // Past the capture, so that a passed run tells what it covered.
        let line = format!("{subject}: compared {} in {seconds:.1} s\n", counts.join(", "));
        let _ = std::io::stderr().write_all(line.as_bytes());
        assert!(self.compared() > 0, "{subject}: nothing was compared");
        let told = self.faults.iter().take(TOLD).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.faults.is_empty(), "{} differences:\n{told}", self.faults.len());
    }
}

/// Whether two numbers are the same, or one that is not whole is near the other.
fn is_close(expected: &Value, found: &Value) -> bool {
    if expected == found {
        return true;
    }
    let (Some(expected), Some(found)) = (expected.as_f64(), found.as_f64()) else { return false };
    // The reference rounds to twelve digits, so that shorter whole numbers are exact.
    if expected.fract() == 0.0 && found.fract() == 0.0 && expected.abs() < 1e12 {
        return expected == found;
    }
    (expected - found).abs() <= TOLERANCE * expected.abs().max(found.abs())
}

fn shown<T: Debug + ?Sized>(value: &T) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[test]
fn numbers_are_compared_exactly_unless_they_are_fractions() {
    use serde_json::json;
    assert!(is_close(&json!(3), &json!(3)));
    assert!(is_close(&json!(136890.0), &json!(136890)));
    assert!(is_close(&json!(0.3), &json!(0.1 + 0.2)));
    assert!(!is_close(&json!(100_000_000_000_u64), &json!(100_000_000_001_u64)));
    assert!(!is_close(&json!(0.3), &json!(0.300_000_01)));
    assert!(!is_close(&json!(null), &json!(0)));
}
