//! What writes touch, to tell which of them may be under way at once.

use rustc_hash::FxHashSet;
use wayfare_graph::{Document, Id, Kind, Write, WriteBatch};

/// The entities that some batches depend on or change.
#[derive(Debug)]
pub(super) enum Footprint {
    /// These and no others.
    Of(FxHashSet<Id>),
    /// Some that are not known before it is done.
    Unknown,
}

impl Footprint {
    /// The footprint of batches that go to the store together.
    pub(super) fn of(batches: &[WriteBatch]) -> Self {
        let mut ids = FxHashSet::default();
        for write in batches.iter().flat_map(|batch| &batch.writes) {
            match write {
                Write::Create { document, .. }
                | Write::Save { document }
                | Write::Upsert { document }
                | Write::Put { document } => add(&mut ids, document),
                Write::Delete { id, .. } if matches!(id.kind(), Kind::Object | Kind::Walker) => {
                    ids.insert(id.clone());
                }
                // A node takes edges with it, an edge leaves its ends, and a connection may be one that is stored.
                _ => return Self::Unknown,
            }
        }
        Self::Of(ids)
    }

    /// Whether neither touches what the other does.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Of(these), Self::Of(those)) => these.is_disjoint(those),
            (Self::Of(ids), Self::Unknown) | (Self::Unknown, Self::Of(ids)) => ids.is_empty(),
            (Self::Unknown, Self::Unknown) => false,
        }
    }
}

fn add(ids: &mut FxHashSet<Id>, document: &Document) {
    ids.insert(document.id().clone());
    // They must be there before it, and tell it from others.
    ids.extend(document.ends().into_iter().flat_map(|ends| [ends.source.clone(), ends.target.clone()]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use wayfare_graph::{Body, Ends};

    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }

    fn node(name: &str) -> Write {
        Write::Save { document: Document::new(id(name), Body::empty()) }
    }

    fn edge(name: &str, source: &str, target: &str) -> Write {
        let ends = Ends { source: id(source), target: id(target), bidirectional: false };
        Write::Create { document: Document::edge(id(name), ends, Body::empty()), multi: false }
    }

    fn footprint(writes: &[Write]) -> Footprint {
        Footprint::of(&[WriteBatch { writes: writes.to_vec(), all_or_nothing: false }])
    }

    #[test]
    fn batches_are_apart_unless_they_share_an_entity_or_an_end() {
        let cities = footprint(&[node("n.City.a"), node("n.City.b")]);
        assert!(cities.is_apart_from(&footprint(&[node("n.City.c")])));
        assert!(!cities.is_apart_from(&footprint(&[node("n.City.c"), node("n.City.b")])));
        assert!(!cities.is_apart_from(&footprint(&[edge("e.Road.x", "n.City.c", "n.City.a")])));
        assert!(cities.is_apart_from(&footprint(&[edge("e.Road.x", "n.City.c", "n.City.d")])));
    }

    #[test]
    fn what_is_known_only_afterwards_is_apart_from_nothing_but_a_flush() {
        let deletion = || footprint(&[Write::Delete { id: id("n.City.a"), expected: None }]);
        assert!(!deletion().is_apart_from(&footprint(&[node("n.City.b")])));
        assert!(!deletion().is_apart_from(&deletion()));
        assert!(deletion().is_apart_from(&Footprint::of(&[WriteBatch::default()])));
        let object = footprint(&[Write::Delete { id: id("o.Note.a"), expected: None }]);
        assert!(object.is_apart_from(&footprint(&[node("n.City.b")])));
    }
}
