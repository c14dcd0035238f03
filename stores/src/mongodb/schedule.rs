//! Which writes may be done at the same time.
//!
//! A later write sees what an earlier one did. So writes are put on levels: those of one level touch nothing in
//! common and are sent together, and a level begins when the one before is done.

use rustc_hash::FxHashMap;
use wayfare_graph::{EntityName, Id, Kind, Write};

/// What a write does to what it touches: equal ones that may share it stand on one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Use {
    /// It must be as it is: the end of an edge.
    Needed,
    Created,
    Saved,
    EdgeWritten,
    EdgeDeleted,
    /// It is nobody else's on this level.
    Alone,
}

/// What two writes may touch in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Touched {
    Document(Id),
    Pair(Id, Id, EntityName),
    /// All edges: what a deletion takes is not known before.
    Edges,
    /// The values of unique indexes of an entity.
    Values(Kind, EntityName),
}

/// The last levels on which something was used, by use.
type Uses = FxHashMap<Use, usize>;

/// Puts writes on levels, in which they keep their order. `has_unique` tells entities with unique indexes: what one
/// write frees there, a later one may take.
pub(super) fn levels<'w>(
    writes: impl Iterator<Item = &'w Write>,
    has_unique: impl Fn(Kind, EntityName) -> bool,
) -> Vec<Vec<usize>> {
    let mut used = FxHashMap::<Touched, Uses>::default();
    let mut levels: Vec<Vec<usize>> = Vec::new();
    for (at, write) in writes.enumerate() {
        let touched = touched_by(write, &has_unique);
        let after = |(what, how): &(Touched, Use)| {
            let uses = used.get(what).into_iter().flatten();
            let last = uses
                .map(|(other, &level)| if other == how && shares(*how, what) { level } else { level + 1 });
            last.max().unwrap_or_default()
        };
        let level = touched.iter().map(after).max().unwrap_or_default();
        for (what, how) in touched {
            let last = used.entry(what).or_default().entry(how).or_default();
            *last = level.max(*last);
        }
        if levels.len() <= level {
            levels.resize_with(level + 1, Vec::new);
        }
        levels[level].push(at);
    }
    levels
}

/// Whether writes that use something the same way may do it at once.
fn shares(how: Use, what: &Touched) -> bool {
    match (how, what) {
        (Use::Alone, _) => false,
        (Use::Needed, _) => true,
        (_, Touched::Document(_) | Touched::Pair(..)) => false,
        (_, Touched::Edges | Touched::Values(..)) => true,
    }
}

fn touched_by(write: &Write, has_unique: &impl Fn(Kind, EntityName) -> bool) -> Vec<(Touched, Use)> {
    let (id, ends, how) = match write {
        Write::Create { document, .. } => (document.id(), document.ends(), Use::Created),
        Write::Save { document } => (document.id(), document.ends(), Use::Saved),
        Write::Upsert { document } | Write::Put { document } | Write::Connect { edge: document, .. } => {
            (document.id(), document.ends(), Use::Alone)
        }
        Write::Delete { id, .. } => (id, None, Use::Alone),
        // It is refused.
        _ => return Vec::new(),
    };
    let mut touched = vec![(Touched::Document(id.clone()), Use::Alone)];
    if has_unique(id.kind(), id.entity()) {
        touched.push((Touched::Values(id.kind(), id.entity()), how));
    }
    if let Some(ends) = ends {
        touched.push((Touched::Document(ends.source.clone()), Use::Needed));
        touched.push((Touched::Document(ends.target.clone()), Use::Needed));
        if how != Use::Saved {
            let (source, target) = (ends.source.clone(), ends.target.clone());
            touched.push((Touched::Pair(source, target, id.entity()), Use::Alone));
        }
    }
    match (write, id.kind()) {
        (Write::Delete { .. }, Kind::Edge) => touched.push((Touched::Edges, Use::EdgeDeleted)),
        (Write::Delete { .. }, Kind::Node) => touched.push((Touched::Edges, Use::Alone)),
        (_, Kind::Edge) => touched.push((Touched::Edges, Use::EdgeWritten)),
        _ => {}
    }
    touched
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wayfare_graph::Document;

    fn node(key: &str) -> Document {
        Document::from_json(json!({"id": format!("n.City.{key}")})).unwrap()
    }

    fn create(key: &str) -> Write {
        Write::Create { document: node(key), multi: false }
    }

    fn save(key: &str) -> Write {
        Write::Save { document: node(key) }
    }

    fn delete(id: &str) -> Write {
        Write::Delete { id: id.parse().unwrap(), expected: None }
    }

    fn road(key: &str, source: &str, target: &str) -> Write {
        let [source, target] = [source, target].map(|key| format!("n.City.{key}"));
        let json = json!({"id": format!("e.Road.{key}"), "source": source, "target": target});
        Write::Create { document: Document::from_json(json).unwrap(), multi: false }
    }

    fn put_on_levels(writes: &[Write], unique: bool) -> Vec<Vec<usize>> {
        levels(writes.iter(), |kind, _| unique && kind == Kind::Node)
    }

    #[test]
    fn writes_that_touch_nothing_in_common_go_together() {
        let writes = [save("a"), save("b"), create("c"), save("a")];
        assert_eq!(put_on_levels(&writes, false), [vec![0, 1, 2], vec![3]]);
        let chain = [create("a"), road("1", "a", "b"), create("b"), road("2", "b", "a"), road("3", "a", "b")];
        // The first road must not see the node that comes after it.
        assert_eq!(put_on_levels(&chain, false), [vec![0], vec![1], vec![2], vec![3, 4]]);
    }

    #[test]
    fn edges_wait_for_their_nodes_and_deletions_for_all_edges() {
        let import = [create("a"), create("b"), road("1", "a", "b"), create("c"), road("2", "b", "c")];
        assert_eq!(put_on_levels(&import, false), [vec![0, 1, 3], vec![2, 4]]);
        let writes = [
            delete("e.Road.1"),
            delete("e.Road.2"),
            road("3", "a", "b"),
            delete("n.City.c"),
            delete("n.City.d"),
        ];
        assert_eq!(put_on_levels(&writes, false), [vec![0, 1], vec![2], vec![3], vec![4]]);
    }

    #[test]
    fn values_that_must_be_unique_are_freed_before_they_are_taken() {
        let writes = [create("a"), create("b"), save("c"), save("d"), delete("n.City.e"), create("f")];
        assert_eq!(put_on_levels(&writes, true), [vec![0, 1], vec![2, 3], vec![4], vec![5]]);
        assert_eq!(put_on_levels(&writes, false), [vec![0, 1, 2, 3, 4, 5]]);
    }
}
