//! Stored walks under a fuzzer: whatever is stored is refused, or taken up without a panic and without end.

use serde_json::Value;
use wayfare_graph::{Body, Document, Frontier, FrontierFlags, FrontierState, Id, Order, Slot, Unique};

use super::names::{to_names, to_slots};
use super::stored::{StoredPart, StoredWalk};
use crate::directory::Directory;

/// Most visits after which a queue that is taken up must be empty: an input is smaller.
const MOST_VISITS: usize = 10_000;

/// How queues are taken up: in each order, with what each keeps besides.
const WAYS: [(Order, Unique, bool); 6] = [
    (Order::BreadthFirst, Unique::Node, false),
    (Order::BreadthFirst, Unique::Path, true),
    (Order::DepthFirst, Unique::Edge, true),
    (Order::DepthFirst, Unique::None, false),
    (Order::LeastCost, Unique::Node, true),
    (Order::Random { seed: 7 }, Unique::Node, false),
];

/// The fields of a stored walk or of a part of one, as JSON or as the bytes of a body.
pub(crate) fn checkpoints(input: &[u8]) {
    let body = match serde_json::from_slice::<Value>(input) {
        Ok(json) => match Body::encode(&json) {
            Ok(body) => body,
            Err(_) => return,
        },
        Err(_) => Body::from_stored(input),
    };
    let id: Id = "w.Walk.fuzzed".parse().expect("a kind, an entity and a key");
    let document = Document::new(id.clone(), body);
    if let Ok(stored) = StoredWalk::read(&document) {
        check_walk(&stored, &id);
    }
    if let Ok(part) = document.decode::<StoredPart>() {
        WAYS.iter().for_each(|way| take_up(&document, &part, *way));
    }
}

fn check_walk(stored: &StoredWalk, id: &Id) {
    let written = stored.document(id.clone()).expect("what was read can be written");
    let again = StoredWalk::read(&written).expect("what was written can be read");
    assert_eq!(again.status, stored.status);
    assert_eq!(stored.part_ids().len() as u64, u64::from(stored.parts - stored.first_part));
    let mut next = again;
    next.progressed(false);
}

/// Takes a queue up as [`read_parts`](super::take_up) does, and visits what waits in it.
fn take_up(document: &Document, part: &StoredPart, (order, unique, traced): (Order, Unique, bool)) {
    let tracked = traced || unique == Unique::Path;
    let directory = Directory::new(2);
    let mut delta = part.delta.clone();
    if !to_slots(&mut delta, tracked, &part.names, &directory) {
        return;
    }
    let mut state = FrontierState::default();
    state.apply(delta);
    if !state.is_sound(tracked) {
        return;
    }
    let flags = FrontierFlags { track: tracked, leave: true, remember: traced, log: true };
    let mut frontier = Frontier::restore(order, unique, flags, state);
    let before = frontier.checkpoint();
    for _ in 0..MOST_VISITS {
        let Some(at) = frontier.pop() else {
            let mut delta = frontier.checkpoint();
            let names = to_names(&mut delta, tracked, &directory);
            assert!(to_slots(&mut delta, tracked, &names, &directory));
            return;
        };
        let _ = (frontier.path(at.branch), frontier.cycle(at.branch), frontier.on_path(at.branch, Slot(0)));
    }
    panic!("{document:?} has a queue without end: {before:?}");
}
