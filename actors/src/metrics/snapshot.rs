//! Figures of a runtime at one moment, and their text form for Prometheus.

use std::fmt::Write as _;

use serde::Serialize;

use super::table::{Metric, MetricKind, MetricSpec};

/// Figures of one runtime at one moment: every metric of [`metrics_table`](crate::metrics_table), in its order.
///
/// In JSON: `{"families": [{"name", "kind", "unit", "help", "samples": [{"label", "value"}]}]}`, where a label is a pair of
/// name and value or null, and the value of a histogram is `{"count", "sum", "buckets": [{"up_to", "count"}]}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Each metric with its figures.
    pub families: Vec<MetricFamily>,
}

/// One metric with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricFamily {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
    /// What its values count; see [`MetricSpec::unit`].
    pub unit: &'static str,
    /// What it means.
    pub help: &'static str,
    /// One for each value of its label, or one; none where there is nothing to tell, as of the pool of a store without one.
    pub samples: Vec<MetricSample>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricSample {
    /// The name and the value of the label.
    pub label: Option<(&'static str, String)>,
    /// The figure.
    pub value: MetricValue,
}

/// A number, or how numbers are distributed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum MetricValue {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Distribution(Distribution),
}

/// How values are distributed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// How many values there were.
    pub count: u64,
    /// Their sum, in the unit of the metric.
    pub sum: f64,
    /// How many of them were at most as large as each of some bounds, which ascend.
    pub buckets: Vec<Bucket>,
}

/// How many values were at most as large as a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bucket {
    /// The bound, in the unit of the metric.
    pub up_to: f64,
    /// How many values, those of smaller buckets included.
    pub count: u64,
}

impl MetricsSnapshot {
    pub(super) fn new() -> Self {
        Self { families: Vec::new() }
    }

    /// Adds a metric without a label.
    pub(super) fn one(&mut self, metric: Metric, value: f64) {
        self.add(metric, vec![MetricSample { label: None, value: MetricValue::Number(value) }]);
    }

    /// Adds a metric with a figure for each value of its label.
    pub(super) fn each(&mut self, metric: Metric, values: impl IntoIterator<Item = f64>) {
        self.labelled(metric, values.into_iter().map(MetricValue::Number));
    }

    /// Adds a histogram without a label.
    pub(super) fn distribution(&mut self, metric: Metric, told: Distribution) {
        self.add(metric, vec![MetricSample { label: None, value: MetricValue::Distribution(told) }]);
    }

    /// Adds a histogram for each value of its label.
    pub(super) fn distributions(&mut self, metric: Metric, told: impl IntoIterator<Item = Distribution>) {
        self.labelled(metric, told.into_iter().map(MetricValue::Distribution));
    }

    fn labelled(&mut self, metric: Metric, values: impl Iterator<Item = MetricValue>) {
        let name = metric.spec().label.map_or("", |label| label.name);
        let samples = metric.values().iter().zip(values);
        let samples = samples.map(|(&of, value)| MetricSample { label: Some((name, of.to_owned())), value });
        self.add(metric, samples.collect());
    }

    pub(super) fn add(&mut self, metric: Metric, samples: Vec<MetricSample>) {
        let &MetricSpec { name, kind, unit, help, .. } = metric.spec();
        self.families.push(MetricFamily { name, kind, unit, help, samples });
    }

    /// A metric by name.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&MetricFamily> {
        self.families.iter().find(|family| family.name == name)
    }

    /// The number of a counter or gauge; with a label, that of one value of it, without, the sum over all of them. `None`
    /// for an unknown name or label, and for a histogram.
    #[must_use]
    pub fn number(&self, name: &str, label: Option<&str>) -> Option<f64> {
        let numbers: Vec<f64> = self
            .samples(name, label)
            .filter_map(|sample| match sample.value {
                MetricValue::Number(number) => Some(number),
                MetricValue::Distribution(_) => None,
            })
            .collect();
        (!numbers.is_empty()).then(|| numbers.iter().sum())
    }

    /// A histogram, or the one for a value of its label.
    #[must_use]
    pub fn histogram(&self, name: &str, label: Option<&str>) -> Option<&Distribution> {
        self.samples(name, label).find_map(|sample| match &sample.value {
            MetricValue::Distribution(told) => Some(told),
            MetricValue::Number(_) => None,
        })
    }

    fn samples<'a, 'b>(
        &'a self,
        name: &'b str,
        label: Option<&'b str>,
    ) -> impl Iterator<Item = &'a MetricSample> + use<'a, 'b> {
        let samples = self.family(name).into_iter().flat_map(|family| &family.samples);
        samples.filter(move |sample| {
            label.is_none_or(|wanted| sample.label.as_ref().is_some_and(|(_, own)| own == wanted))
        })
    }

    /// The figures in Prometheus' text form, version 0.0.4.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut text = String::with_capacity(32 * 1024);
        for family in &self.families {
            // Writing to a `String` cannot fail, here and below.
            let _ = writeln!(text, "# HELP {} {}", family.name, family.help);
            let _ = writeln!(text, "# TYPE {} {}", family.name, family.kind.name());
            for sample in &family.samples {
                write_sample(&mut text, family.name, sample);
            }
        }
        text
    }
}

fn write_sample(text: &mut String, name: &str, MetricSample { label, value }: &MetricSample) {
    let pair = label.as_ref().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    let braced = pair.as_ref().map_or_else(String::new, |pair| format!("{{{pair}}}"));
    match value {
        MetricValue::Number(number) => {
            let _ = writeln!(text, "{name}{braced} {number}");
        }
        MetricValue::Distribution(told) => {
            let before = pair.map_or_else(String::new, |pair| format!("{pair},"));
            for Bucket { up_to, count } in &told.buckets {
                let _ = writeln!(text, "{name}_bucket{{{before}le=\"{up_to}\"}} {count}");
            }
            let _ = writeln!(text, "{name}_bucket{{{before}le=\"+Inf\"}} {}", told.count);
            let _ = writeln!(text, "{name}_sum{braced} {}", told.sum);
            let _ = writeln!(text, "{name}_count{braced} {}", told.count);
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_has_cumulative_buckets_and_escaped_labels() {
        let mut snapshot = MetricsSnapshot::new();
        let label = Some(("version", "a\"b\\c".to_owned()));
        snapshot.add(Metric::Info, vec![MetricSample { label, value: MetricValue::Number(1.0) }]);
        let buckets = vec![Bucket { up_to: 0.5, count: 1 }, Bucket { up_to: 1.0, count: 2 }];
        snapshot.distribution(Metric::CommitSeconds, Distribution { count: 3, sum: 9.5, buckets });
        let text = snapshot.to_prometheus();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "wayfare_info{version=\"a\\\"b\\\\c\"} 1",
                "wayfare_commit_seconds_bucket{le=\"0.5\"} 1",
                "wayfare_commit_seconds_bucket{le=\"1\"} 2",
                "wayfare_commit_seconds_bucket{le=\"+Inf\"} 3",
                "wayfare_commit_seconds_sum 9.5",
                "wayfare_commit_seconds_count 3",
            ]
        );
    }

    #[test]
    fn a_number_is_that_of_a_label_or_the_sum_over_all() {
        let mut snapshot = MetricsSnapshot::new();
        snapshot.each(Metric::Conflicts, []);
        snapshot.each(Metric::Admissions, [3.0, 2.0, 1.0]);
        assert_eq!(snapshot.number("wayfare_admissions_total", Some("queued")), Some(2.0));
        assert_eq!(snapshot.number("wayfare_admissions_total", None), Some(6.0));
        assert_eq!(snapshot.number("wayfare_admissions_total", Some("lost")), None);
        assert_eq!(snapshot.number("wayfare_conflicts_total", None), None);
    }
}
