//! Visits and time by entity, hook and node, of walks that ask for it.

use std::time::Duration;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::entity_name::EntityName;
use crate::id::Id;
use crate::record::Slot;

/// How many of the nodes that took longest are told.
const HOT_NODES: usize = 10;

/// How often something happened, and how long it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    count: u64,
    time: Duration,
}

impl Taken {
    fn add(&mut self, time: Duration) {
        self.count += 1;
        self.time += time;
    }
}

/// What is counted while the walk goes.
#[derive(Debug, Default)]
pub struct ProfileDetail {
    hooks: FxHashMap<u16, Taken>,
    entities: FxHashMap<EntityName, Taken>,
    nodes: FxHashMap<Slot, Taken>,
}

impl ProfileDetail {
    /// Counts one call of a hook; of many visits at once, the first of them.
    pub fn add_hook(&mut self, hook: u16, at: Option<(Slot, EntityName)>, time: Duration) {
        self.hooks.entry(hook).or_default().add(time);
        if let Some((slot, entity)) = at {
            self.entities.entry(entity).or_default().time += time;
            self.nodes.entry(slot).or_default().time += time;
        }
    }

    /// Counts one visit.
    pub fn add_visit(&mut self, slot: Slot, entity: EntityName) {
        self.entities.entry(entity).or_default().count += 1;
        self.nodes.entry(slot).or_default().count += 1;
    }

    /// What was counted, largest first.
    #[must_use]
    pub fn told(&self, name_of: impl Fn(u16) -> &'static str, id_of: impl Fn(Slot) -> Option<Id>) -> Detail {
        let mut hooks: Vec<Line> =
            self.hooks.iter().map(|(&hook, taken)| Line::new(name_of(hook), taken)).collect();
        let mut entities: Vec<Line> =
            self.entities.iter().map(|(entity, taken)| Line::new(entity.as_str(), taken)).collect();
        let mut nodes: Vec<(Slot, Taken)> = self.nodes.iter().map(|(&slot, &taken)| (slot, taken)).collect();
        nodes.sort_by_key(|&(slot, taken)| (std::cmp::Reverse((taken.time, taken.count)), slot));
        nodes.truncate(HOT_NODES);
        hooks.sort_by(Line::largest_first);
        entities.sort_by(Line::largest_first);
        let hot =
            nodes.into_iter().filter_map(|(slot, taken)| Some(Line::new(&id_of(slot)?.to_string(), &taken)));
        Detail { hooks, entities, hot_nodes: hot.collect() }
    }
}

/// Visits and time by entity, hook and node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Calls of each hook.
    pub hooks: Vec<Line>,
    /// Visits of each entity.
    pub entities: Vec<Line>,
    /// The ten nodes at which hooks took longest.
    pub hot_nodes: Vec<Line>,
}

impl Detail {
    /// Adds that of another walk. Of both, only nodes that were among the hot ones of their walk count.
    pub(crate) fn add(&mut self, other: &Self) {
        for (lines, others) in [
            (&mut self.hooks, &other.hooks),
            (&mut self.entities, &other.entities),
            (&mut self.hot_nodes, &other.hot_nodes),
        ] {
            for other in others {
                match lines.iter_mut().find(|line| line.name == other.name) {
                    Some(line) => {
                        line.count += other.count;
                        line.time += other.time;
                    }
                    None => lines.push(other.clone()),
                }
            }
            lines.sort_by(Line::largest_first);
        }
        self.hot_nodes.truncate(HOT_NODES);
    }
}

/// One line of a [`Detail`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The hook, entity or node.
    pub name: String,
    /// How often it was called or visited.
    pub count: u64,
    /// How long its hooks took, in microseconds in JSON.
    #[serde(rename = "time_us", serialize_with = "crate::profile::micros")]
    pub time: Duration,
}

impl Line {
    fn new(name: &str, taken: &Taken) -> Self {
        Self { name: name.into(), count: taken.count, time: taken.time }
    }

    fn largest_first(&self, other: &Self) -> std::cmp::Ordering {
        (other.time, other.count, &self.name).cmp(&(self.time, self.count, &other.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, count: u64, micros: u64) -> Line {
        Line { name: name.into(), count, time: Duration::from_micros(micros) }
    }

    #[test]
    fn details_add_up_by_name_and_stay_in_order() {
        let mut both = Detail { hooks: vec![line("a", 2, 5), line("b", 1, 3)], ..Detail::default() };
        let nodes = (0..12).map(|at| line(&at.to_string(), 1, at)).collect();
        both.add(&Detail {
            hooks: vec![line("b", 4, 6), line("c", 1, 1)],
            hot_nodes: nodes,
            ..Detail::default()
        });
        assert_eq!(both.hooks, [line("b", 5, 9), line("a", 2, 5), line("c", 1, 1)]);
        assert_eq!((both.hot_nodes.len(), both.hot_nodes[0].name.as_str()), (HOT_NODES, "11"));
    }
}
