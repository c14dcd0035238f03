//! Who is within k hops, level by level.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use wayfare_graph::{
    Along, Direction, Filter, Here, Id, Limits, Order, Profile, Slot, Step, Walk, WalkOptions,
};

use crate::error::Result;
use crate::runtime::Runtime;
use crate::walker;

/// Visits everything within `hops` steps of its start, breadth first, each node once.
///
/// In another [`Order`], `levels` counts the depths at which nodes were met, which may be more than the
/// fewest hops to them; [`reach`] gives any order with true levels.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reach {
    /// Most steps from the start; `None` goes as far as there are edges.
    pub hops: Option<u32>,
    /// Which edges to follow; all by default.
    pub along: Along,
    /// Which way; out by default.
    pub direction: Direction,
    /// The order of visits; breadth first by default.
    pub order: Order,
    /// Whether to keep the ids of what is visited, in the order of visits.
    pub keep_ids: bool,
    /// Whether the profile tells visits and time by entity, hook and node.
    pub detailed: bool,
    /// How many nodes were met at each depth, the start being depth 0.
    pub levels: Vec<u64>,
    /// The ids, where they were to be kept.
    pub ids: Vec<Id>,
    /// Only these are visited, where it is given: the second pass of [`reach`].
    #[serde(skip)]
    within: Option<HashSet<Slot>>,
    /// What was met, where it is given: the first pass of [`reach`].
    #[serde(skip)]
    met: Option<HashSet<Slot>>,
}

fn options(reach: &Reach) -> WalkOptions {
    let options = WalkOptions::default().order(reach.order).links(reach.direction);
    if reach.detailed { options.detailed() } else { options }
}

#[walker(options = options)]
impl Reach {
    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) -> Step {
        if self.within.as_ref().is_some_and(|within| !within.contains(&here.slot())) {
            return Step::Continue;
        }
        let depth = walk.depth();
        if self.levels.len() <= depth as usize {
            self.levels.resize(depth as usize + 1, 0);
        }
        self.levels[depth as usize] += 1;
        if self.keep_ids {
            self.ids.push(here.id().clone());
        }
        if let Some(met) = &mut self.met {
            met.insert(here.slot());
        }
        if self.within.is_some() || self.hops.is_none_or(|hops| depth < hops) {
            walk.visit(here.neighbours(self.direction).along(self.along.clone()));
        }
        Step::Continue
    }
}

/// What [`reach`] found.
#[derive(Debug, Clone, Serialize)]
pub struct Reached {
    /// Nodes visited, the start among them.
    pub visited: u64,
    /// How many of them are each number of hops away, the start being 0.
    pub levels: Vec<u64>,
    /// Their ids in the order of visits, where they were to be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<Id>>,
    /// What the walk cost; in an order that is not by level, the second of its two walks.
    pub profile: Profile,
}

/// Who is within reach of a node: levels by fewest hops, ids in the order asked for.
///
/// In depth-first or random order, the nodes within the bound on hops are found breadth first, and then
/// visited in that order among themselves: a node that lies within the bound is not missed because it was
/// first met on a longer way.
///
/// # Errors
/// [`crate::Error::Walk`].
pub async fn reach(
    runtime: &Runtime,
    from: &Id,
    question: Reach,
    only: Option<Filter>,
    limits: Option<Limits>,
) -> Result<Reached> {
    let strays = matches!(question.order, Order::DepthFirst | Order::Random { .. });
    let run = async |walker: Reach| {
        let mut spawning = runtime.spawn(walker).at(from);
        if let Some(only) = &only {
            spawning = spawning.only(only.clone());
        }
        if let Some(limits) = &limits {
            spawning = spawning.limits(limits.clone());
        }
        let walk = spawning.await?;
        let walker = walk.finish().await?;
        Ok::<_, crate::Error>((walker, walk.profile()))
    };
    let first = Reach {
        order: if strays { Order::BreadthFirst } else { question.order },
        keep_ids: question.keep_ids && !strays,
        met: (strays && question.hops.is_some()).then(HashSet::new),
        ..question.clone()
    };
    let (near, profile) = run(first).await?;
    let visited = near.levels.iter().sum();
    if !strays {
        let ids = question.keep_ids.then_some(near.ids);
        return Ok(Reached { visited, levels: near.levels, ids, profile });
    }
    let (deep, profile) = run(Reach { within: near.met, ..question.clone() }).await?;
    Ok(Reached { visited, levels: near.levels, ids: question.keep_ids.then_some(deep.ids), profile })
}
