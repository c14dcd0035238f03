//! A shortest path: fewest hops, or least total of a numeric field of the edges.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use wayfare_graph::{Along, Direction, EdgeLink, Here, Id, Order, Slot, Step, Walk, WalkError, WalkOptions};

use crate::walker;

/// Finds a path from its start to `to`.
///
/// Without a weight, one of fewest hops, breadth first. With one, one of least total (Dijkstra, "A note on
/// two problems in connexion with graphs", 1959); edges without the field are not followed. Among equals,
/// the one whose edges are older wins, so the answer is the same every time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// Where to.
    pub to: Id,
    /// Which edges to follow; all by default.
    #[serde(default)]
    pub along: Along,
    /// Which way; out by default.
    #[serde(default)]
    pub direction: Direction,
    /// The edge field to add up, such as `dist`; `context.dist` means the same.
    #[serde(default)]
    pub weight: Option<String>,
    /// What was found, when the walk has ended.
    #[serde(default)]
    pub found: Option<Found>,
    /// For each node visited, the one before it.
    #[serde(skip)]
    before: FxHashMap<Slot, Slot>,
    /// Whether a weight was met that is no whole number.
    #[serde(skip)]
    fractions: bool,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its edges.
    pub hops: usize,
    /// The total of the weights; the number of edges where there is no weight.
    pub cost: Number,
    /// Its nodes, both ends included.
    pub path: Vec<Id>,
}

impl Path {
    /// A search for a path of fewest hops along all edges, outwards.
    #[must_use]
    pub fn to(to: Id) -> Self {
        Self {
            to,
            along: Along::All,
            direction: Direction::Out,
            weight: None,
            found: None,
            before: FxHashMap::default(),
            fractions: false,
        }
    }

    fn weigh(&mut self, edge: &EdgeLink, field: &str) -> Result<Option<f64>, WalkError> {
        let Some(value) = edge.edge.body().field(field) else { return Ok(None) };
        let bad = |reason: String| WalkError::BadWeight { at: edge.edge.id().clone(), reason };
        let weight = match &value {
            Value::Null => return Ok(None),
            Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
            other => return Err(bad(format!("its `{field}` is {other}, not a number"))),
        };
        if weight.is_nan() || weight < 0.0 {
            return Err(bad(format!("its `{field}` is {value}; a weight must be 0 or more")));
        }
        self.fractions |= weight.fract() != 0.0;
        Ok(Some(weight))
    }

    fn trace(&self, walk: &Walk, end: Slot) -> Found {
        let mut slots = vec![end];
        let mut at = end;
        while let Some(&before) = self.before.get(&at) {
            slots.push(before);
            at = before;
        }
        let path: Vec<Id> = slots.iter().rev().filter_map(|&slot| walk.id_of(slot)).collect();
        let hops = slots.len() - 1;
        let cost = match self.weight {
            None => Number::from(hops),
            Some(_) => number(walk.cost(), self.fractions),
        };
        Found { hops, cost, path }
    }
}

/// A total as JSON: whole where every part was, and exact up to 2^53.
fn number(total: f64, fractions: bool) -> Number {
    if !fractions && total < 9_007_199_254_740_992.0 {
        return Number::from(total as u64);
    }
    Number::from_f64(total).unwrap_or_else(|| Number::from(0))
}

fn options(path: &Path) -> WalkOptions {
    match path.weight {
        None => WalkOptions::default().links(path.direction),
        Some(_) => WalkOptions::default().order(Order::LeastCost).edges(path.direction),
    }
}

#[walker(options = options)]
impl Path {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Result<Step, WalkError> {
        if let Some(from) = walk.from_slot() {
            self.before.insert(here.slot(), from);
        }
        if *here.id() == self.to {
            self.found = Some(self.trace(walk, here.slot()));
            return Ok(Step::Disengage);
        }
        let Some(weight) = self.weight.clone() else {
            walk.visit(here.neighbours(self.direction).along(self.along.clone()));
            return Ok(Step::Continue);
        };
        let field = weight.strip_prefix("context.").unwrap_or(&weight);
        for edge in here.edges(self.direction).unwrap_or_default() {
            if self.along.follows(edge.edge.id().entity().code())
                && let Some(weight) = self.weigh(edge, field)?
            {
                walk.visit_at(walk.cost() + weight, edge.other)?;
            }
        }
        Ok(Step::Continue)
    }
}
