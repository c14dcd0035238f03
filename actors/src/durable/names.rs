//! Slots mean nothing to another process: stored numbers are places in a list of ids.

use rustc_hash::FxHashMap;
use wayfare_graph::{FrontierDelta, Held, Id, Slot};

use crate::directory::Directory;

/// Stands for no entity.
const NOTHING: u32 = u32::MAX;

/// Replaces the slots of a delta by places in the list that is returned.
pub(super) fn to_names(delta: &mut FrontierDelta, tracked: bool, directory: &Directory) -> Vec<Id> {
    let (mut names, mut places) = (Vec::new(), FxHashMap::default());
    for_each_slot(delta, tracked, |slot| {
        *slot = *places.entry(*slot).or_insert_with(|| {
            names.push(directory.id_of(Slot(*slot)).cloned().unwrap_or_else(Id::root));
            u32::try_from(names.len() - 1).unwrap_or(NOTHING)
        });
    });
    names
}

/// Replaces places in a list by slots; `false` when a place lies beyond it, or is missing where a node has to be.
pub(super) fn to_slots(
    delta: &mut FrontierDelta,
    tracked: bool,
    names: &[Id],
    directory: &Directory,
) -> bool {
    let slots: Vec<u32> = names.iter().map(|id| directory.slot_of(id).0).collect();
    let nodes =
        delta.pushed.iter().map(|waiting| waiting.slot).chain(delta.tree.iter().map(|node| node.slot));
    let mut nodes = nodes.chain(delta.seen.iter().copied()).chain(delta.visited.iter().copied());
    let mut all = nodes.all(|place| place != NOTHING);
    for_each_slot(delta, tracked, |place| match slots.get(*place as usize) {
        Some(slot) => *place = *slot,
        None => all = false,
    });
    all
}

fn for_each_slot(delta: &mut FrontierDelta, tracked: bool, mut take: impl FnMut(&mut u32)) {
    let mut take = |number: &mut u32| {
        if *number != NOTHING {
            take(number);
        }
    };
    for waiting in &mut delta.pushed {
        take(&mut waiting.slot);
        take(&mut waiting.via);
        if !tracked {
            take(&mut waiting.from);
        }
        if let Held::Before(anchor) | Held::After(anchor) = &mut waiting.held {
            take(anchor);
        }
    }
    delta.seen.iter_mut().for_each(&mut take);
    delta.visited.iter_mut().for_each(&mut take);
    for node in &mut delta.tree {
        take(&mut node.slot);
        take(&mut node.via);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wayfare_graph::{Frontier, Order, Unique};

    #[test]
    fn a_queue_is_the_same_in_a_directory_with_other_slots() {
        let (here, there) = (Directory::new(2), Directory::new(4));
        let id = |n: u32| Id::node("Named", &n.to_string()).unwrap();
        for n in (0..50).rev() {
            there.slot_of(&id(n));
        }
        let mut frontier = Frontier::new(Order::BreadthFirst, Unique::Node);
        frontier.log();
        frontier.start(here.slot_of(&id(0)));
        let start = frontier.pop().unwrap();
        let slots: Vec<u32> = (1..20).map(|n| here.slot_of(&id(n)).0).collect();
        frontier.push(&slots, &start, 1);
        let mut delta = frontier.checkpoint();
        let names = to_names(&mut delta, false, &here);
        assert!(to_slots(&mut delta, false, &names, &there));
        let waiting: Vec<String> =
            delta.pushed.iter().map(|waiting| there.id_of(Slot(waiting.slot)).unwrap().to_string()).collect();
        let expected: Vec<String> = (1..20).map(|n| format!("n.Named.{n}")).collect();
        assert_eq!(waiting, expected);
        assert!(!to_slots(&mut frontier_of(99), false, &names, &there), "a place beyond the list is told");
        assert!(!to_slots(&mut frontier_of(NOTHING), false, &names, &there), "no node is told");
    }

    fn frontier_of(place: u32) -> FrontierDelta {
        FrontierDelta { seen: vec![place], ..FrontierDelta::default() }
    }
}
