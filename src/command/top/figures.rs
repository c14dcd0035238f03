//! Figures as an endpoint tells them, and what became of them between two moments.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer};

/// The largest figure that is taken. A runtime counts in 64 bits, so what is larger comes from something else; sums and
/// rates of it would be infinite.
const LARGEST: f64 = u64::MAX as f64;

/// The most labels of a metric that are told. A runtime has eight at most. Each is looked for among all samples, and the
/// longest answer has room for some hundred thousand of those.
const MOST_LABELS: usize = 64;

/// The figures of a runtime at one moment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Message")]
pub(super) struct Figures {
    samples: FxHashMap<String, Vec<Sample>>,
}

/// What `/metrics.json` gives; names and meanings that are told along are left out.
#[derive(Debug, Deserialize)]
struct Message {
    families: Vec<Family>,
}

#[derive(Debug, Deserialize)]
struct Family {
    name: String,
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, Deserialize)]
struct Sample {
    label: Option<(String, String)>,
    value: Value,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(#[serde(deserialize_with = "figure")] f64),
    Distribution(Distribution),
}

/// How values are distributed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Distribution {
    pub(super) count: u64,
    #[serde(deserialize_with = "figure")]
    pub(super) sum: f64,
    pub(super) buckets: Vec<Bucket>,
}

/// How many values were at most as large as a bound, those of smaller buckets included.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct Bucket {
    #[serde(deserialize_with = "figure")]
    pub(super) up_to: f64,
    pub(super) count: u64,
}

impl From<Message> for Figures {
    fn from(message: Message) -> Self {
        Self { samples: message.families.into_iter().map(|family| (family.name, family.samples)).collect() }
    }
}

impl Figures {
    /// Whether they have what every runtime tells.
    pub(super) fn are_of_a_runtime(&self) -> bool {
        self.samples.contains_key("wayfare_uptime_seconds")
    }

    /// A number: that of a label, or the sum over all; 0 where a runtime of another version has none.
    pub(super) fn number(&self, name: &str, label: Option<&str>) -> f64 {
        let numbers = self.of(name, label).filter_map(|sample| match sample.value {
            Value::Number(number) => Some(number),
            Value::Distribution(_) => None,
        });
        // `sum` of nothing would be -0.
        numbers.fold(0.0, |sum, number| sum + number)
    }

    /// A distribution: that of a label, or the first.
    pub(super) fn distribution(&self, name: &str, label: Option<&str>) -> Option<&Distribution> {
        self.of(name, label).find_map(|sample| match &sample.value {
            Value::Distribution(distribution) => Some(distribution),
            Value::Number(_) => None,
        })
    }

    /// The values of the label of a metric, in the order of the runtime; the first [`MOST_LABELS`] of them.
    pub(super) fn labels(&self, name: &str) -> Vec<&str> {
        let labels = self.of(name, None).filter_map(|sample| Some(sample.label.as_ref()?.1.as_str()));
        labels.take(MOST_LABELS).collect()
    }

    fn of(&self, name: &str, label: Option<&str>) -> impl Iterator<Item = &Sample> {
        let samples = self.samples.get(name).into_iter().flatten();
        samples.filter(move |sample| {
            label.is_none_or(|wanted| sample.label.as_ref().is_some_and(|(_, own)| own == wanted))
        })
    }
}

/// The time between two moments, and what was counted in it.
#[derive(Debug)]
pub(super) struct Interval<'a> {
    /// `None` where the runtime was started again in between: its counters begin at zero.
    before: Option<&'a Figures>,
    after: &'a Figures,
    seconds: f64,
}

const UPTIME: &str = "wayfare_uptime_seconds";

impl<'a> Interval<'a> {
    /// The interval between two answers. Its length is measured by the runtime's own clock, so that the time which the
    /// answers were under way does not count.
    pub(super) fn between(before: &'a Figures, after: &'a Figures) -> Self {
        let (from, to) = (before.number(UPTIME, None), after.number(UPTIME, None));
        match to < from {
            true => Self { before: None, after, seconds: to },
            false => Self { before: Some(before), after, seconds: to - from },
        }
    }

    /// The figures at its end.
    pub(super) fn after(&self) -> &'a Figures {
        self.after
    }

    /// How long it is; since the start of the runtime where that was within it.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Whether the runtime was started again in it.
    pub(super) fn has_restart(&self) -> bool {
        self.before.is_none()
    }

    /// How far a counter went. One that went back has begun again, so all that it shows is new.
    pub(super) fn growth(&self, name: &str, label: Option<&str>) -> f64 {
        let after = self.after.number(name, label);
        let before = self.before.map_or(0.0, |figures| figures.number(name, label));
        if after < before { after } else { after - before }
    }

    /// How far a counter went in a second; 0 in an interval without length.
    pub(super) fn rate(&self, name: &str, label: Option<&str>) -> f64 {
        per_second(self.growth(name, label), self.seconds)
    }

    /// How many values a histogram got in a second.
    pub(super) fn count_rate(&self, name: &str) -> f64 {
        self.new_values(name, None).map_or(0.0, |new| per_second(new.count as f64, self.seconds))
    }

    /// The mean of the values that a histogram got; `None` for none.
    pub(super) fn mean(&self, name: &str) -> Option<f64> {
        let new = self.new_values(name, None)?;
        (new.count > 0).then(|| new.sum.max(0.0) / new.count as f64)
    }

    /// The value below which a part of those lies that a histogram got; `None` where it got none.
    pub(super) fn quantile(&self, name: &str, label: Option<&str>, part: f64) -> Option<f64> {
        self.new_values(name, label)?.quantile(part)
    }

    fn new_values(&self, name: &str, label: Option<&str>) -> Option<Distribution> {
        let after = self.after.distribution(name, label)?;
        let before = self.before.and_then(|figures| figures.distribution(name, label));
        Some(before.map_or_else(|| after.clone(), |before| after.since(before)))
    }
}

fn per_second(growth: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { nearest(growth / seconds) } else { 0.0 }
}

/// Reads a figure, garbage as the nearest that a runtime can tell.
fn figure<'de, D: Deserializer<'de>>(told: D) -> Result<f64, D::Error> {
    f64::deserialize(told).map(nearest)
}

fn nearest(value: f64) -> f64 {
    // Not `clamp`, which leaves -0 as it is.
    if value > 0.0 { value.min(LARGEST) } else { 0.0 }
}

impl Distribution {
    /// What came in since an earlier moment; all there is where that cannot be told.
    fn since(&self, before: &Self) -> Self {
        let bounds = |of: &Self| of.buckets.iter().map(|bucket| bucket.up_to).collect::<Vec<_>>();
        if self.count < before.count || bounds(self) != bounds(before) {
            return self.clone();
        }
        // Counts are read one after another while others are added, so one may seem to have gone back.
        let new = |(after, before): (&Bucket, &Bucket)| Bucket {
            up_to: after.up_to,
            count: after.count.saturating_sub(before.count),
        };
        Self {
            count: self.count - before.count,
            sum: self.sum - before.sum,
            buckets: self.buckets.iter().zip(&before.buckets).map(new).collect(),
        }
    }

    /// Within the bucket that holds it, values are taken to be spread evenly. What lies beyond the last bound is told as
    /// that bound.
    fn quantile(&self, part: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let rank = part * self.count as f64;
        let (mut bound, mut count) = (0.0, 0);
        for bucket in &self.buckets {
            // Bounds of a runtime ascend; of those that do not, a smaller part would not have the smaller value.
            let up_to = bucket.up_to.max(bound);
            if bucket.count as f64 >= rank && bucket.count > count {
                let within = (rank - count as f64) / (bucket.count - count) as f64;
                // Counts that are too large for a float to tell them apart would lead over the bound.
                return Some((bound + (up_to - bound) * within.max(0.0)).min(up_to));
            }
            (bound, count) = (up_to, bucket.count.max(count));
        }
        Some(bound)
    }
}

#[cfg(test)]
mod tests;
