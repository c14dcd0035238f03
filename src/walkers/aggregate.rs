//! Figures over a field of the nodes in a neighbourhood.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use wayfare_graph::{Along, Direction, Here, Walk, WalkOptions};

use crate::walker;

/// Adds up a field over the nodes within `hops` steps of the start, which itself is left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// The field, such as `context.population`; a bare `population` means the same.
    pub field: String,
    /// Most steps from the start; `None` goes as far as there are edges.
    #[serde(default)]
    pub hops: Option<u32>,
    /// Which edges to follow; all by default.
    #[serde(default)]
    pub along: Along,
    /// Which way; out by default.
    #[serde(default)]
    pub direction: Direction,
    /// Whether to count the nodes by the value of the field. A list counts once for each of its values.
    #[serde(default)]
    pub grouped: bool,
    /// What was found.
    #[serde(default)]
    pub result: Aggregated,
}

/// What an [`Aggregate`] found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Aggregated {
    /// Nodes in the neighbourhood.
    pub nodes: u64,
    /// Those that have the field, null apart.
    pub with_field: u64,
    /// Numbers among the values; sum, mean, min and max are theirs.
    pub count: u64,
    /// Their sum; whole if all of them are.
    pub sum: Option<Number>,
    /// Their mean; `None` where there are none.
    pub mean: Option<f64>,
    /// The least of them.
    pub min: Option<Number>,
    /// The greatest of them.
    pub max: Option<Number>,
    /// Nodes by value, as JSON text for anything but text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, u64>,
    #[serde(skip)]
    total: Total,
}

/// A sum that is exact over whole numbers and compensated over others (Neumaier, "Rundungsfehleranalyse
/// einiger Verfahren zur Summation endlicher Summen", 1974).
#[derive(Debug, Clone, Default, PartialEq)]
struct Total {
    whole: i128,
    sum: f64,
    lost: f64,
    fractions: bool,
}

impl Total {
    fn add(&mut self, number: &Number) {
        if let Some(whole) = number.as_i128() {
            self.whole += whole;
            return;
        }
        let value = number.as_f64().unwrap_or(0.0);
        self.fractions = true;
        let next = self.sum + value;
        self.lost +=
            if self.sum.abs() >= value.abs() { (self.sum - next) + value } else { (value - next) + self.sum };
        self.sum = next;
    }

    fn value(&self) -> f64 {
        self.whole as f64 + self.sum + self.lost
    }

    fn number(&self) -> Option<Number> {
        if self.fractions { Number::from_f64(self.value()) } else { Number::from_i128(self.whole) }
    }
}

impl Aggregate {
    /// An aggregate of a field over a neighbourhood, along all edges, outwards.
    #[must_use]
    pub fn of(field: &str, hops: u32) -> Self {
        Self {
            field: field.to_owned(),
            hops: Some(hops),
            along: Along::All,
            direction: Direction::Out,
            grouped: false,
            result: Aggregated::default(),
        }
    }
}

impl Aggregated {
    fn take(&mut self, value: &Value, grouped: bool) {
        if value.is_null() {
            return;
        }
        self.with_field += 1;
        if grouped {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                *self.groups.entry(text).or_default() += 1;
            }
        }
        let Value::Number(number) = value else { return };
        self.count += 1;
        self.total.add(number);
        let less = |a: &Number, b: &Number| {
            wayfare_graph::compare_values(&Value::Number(a.clone()), &Value::Number(b.clone())).is_lt()
        };
        if self.min.as_ref().is_none_or(|min| less(number, min)) {
            self.min = Some(number.clone());
        }
        if self.max.as_ref().is_none_or(|max| less(max, number)) {
            self.max = Some(number.clone());
        }
    }

    fn close(&mut self) {
        if self.count > 0 {
            self.sum = self.total.number();
            self.mean = Some(self.total.value() / self.count as f64);
        }
    }
}

fn options(aggregate: &Aggregate) -> WalkOptions {
    WalkOptions::default().links(aggregate.direction)
}

#[walker(options = options)]
impl Aggregate {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        if walk.depth() > 0 {
            self.result.nodes += 1;
            let field = self.field.strip_prefix("context.").unwrap_or(&self.field);
            if let Some(value) = here.get(&format!("context.{field}")) {
                self.result.take(&value, self.grouped);
            }
        }
        if self.hops.is_none_or(|hops| walk.depth() < hops) {
            walk.visit(here.neighbours(self.direction).along(self.along.clone()));
        }
    }

    #[on_exit]
    fn done(&mut self) {
        self.result.close();
    }
}
