//! How often edges of an entity have joined the same two nodes in this import.

use rustc_hash::FxHashMap;
use wayfare::{EntityName, Id};

/// Counts by edge entity, over all files of one call.
#[derive(Debug, Default)]
pub(super) struct Occurrences(FxHashMap<EntityName, Pairs>);

/// Nodes are numbered first: a pair of numbers takes a quarter of the memory of a pair of ids.
#[derive(Debug, Default)]
struct Pairs {
    numbers: FxHashMap<Id, u32>,
    counts: FxHashMap<(u32, u32), u32>,
}

impl Occurrences {
    /// How many edges of the entity joined these nodes before; counts this one.
    pub(super) fn count(&mut self, entity: EntityName, source: &Id, target: &Id) -> u32 {
        let pairs = self.0.entry(entity).or_default();
        let pair = (pairs.number(source), pairs.number(target));
        let count = pairs.counts.entry(pair).or_default();
        let before = *count;
        *count += 1;
        before
    }
}

impl Pairs {
    fn number(&mut self, id: &Id) -> u32 {
        if let Some(&number) = self.numbers.get(id) {
            return number;
        }
        let number = u32::try_from(self.numbers.len()).expect("four billion ids do not fit into memory");
        self.numbers.insert(id.clone(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_are_counted_by_entity_source_and_target() {
        let [a, b] = ["n.A.x", "n.A.y"].map(|id| id.parse::<Id>().unwrap());
        let [road, rail] = ["OccRoad", "OccRail"].map(|name| EntityName::new(name).unwrap());
        let mut occurrences = Occurrences::default();
        assert_eq!(occurrences.count(road, &a, &b), 0);
        assert_eq!(occurrences.count(road, &a, &b), 1);
        assert_eq!(occurrences.count(road, &b, &a), 0);
        assert_eq!(occurrences.count(rail, &a, &b), 0);
        assert_eq!(occurrences.count(road, &a, &b), 2);
    }
}
