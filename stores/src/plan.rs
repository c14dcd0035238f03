//! How the documents of a query are found: by their ids, by an index, by the ends of edges, or by
//! looking at all of them. Whatever the way, every candidate is still held against the filter.

use std::cmp::Reverse;

use serde_json::Value;
use wayfare_graph::{AccessPath, Bounds, Direction, Explanation, Filter, Id, Index, Kind, Query};

/// Most combinations of values of one plan; beyond, a further field does not narrow it.
const MAX_COMBINATIONS: usize = 10_000;

/// An index that a query may use. `I` is what the store knows it by.
#[derive(Debug)]
pub(crate) struct Usable<'a, I> {
    pub(crate) key: I,
    pub(crate) index: &'a Index,
    /// Whether a document may have a list along one of the fields.
    pub(crate) lists: bool,
}

/// Where the candidates of a query are.
#[derive(Debug)]
pub(crate) enum Plan<I> {
    /// These documents.
    Ids(Vec<Id>),
    /// The documents of some places in an index.
    Index(Box<IndexUse<I>>),
    /// The edges that can be followed from nodes in a direction.
    EdgesOf(Vec<Id>, Direction),
    /// All documents of the kind and entity.
    All,
}

/// One end of a range, and whether it belongs to it.
pub(crate) type RangeEnd = Option<(Value, bool)>;

/// What a filter makes of an index.
#[derive(Debug)]
pub(crate) struct IndexUse<I> {
    pub(crate) key: I,
    index: Index,
    /// The values of each of the first fields, which a document must have one of.
    pub(crate) equal: Vec<Vec<Value>>,
    /// The range of the field after those.
    pub(crate) range: Option<(RangeEnd, RangeEnd)>,
    /// How many combinations of the equal values there are.
    combinations: usize,
}

impl<I> Plan<I> {
    /// The narrowest way to the documents of a query.
    pub(crate) fn of<'a>(query: &Query, indexes: impl Iterator<Item = Usable<'a, I>>) -> Self {
        if let Some(ids) = ids_at(&query.filter, "id") {
            let wanted =
                |id: &Id| id.kind() == query.kind && query.entity.is_none_or(|entity| entity == id.entity());
            return Self::Ids(ids.into_iter().filter(wanted).collect());
        }
        let by_index = indexes
            .filter(|usable| query.entity == Some(usable.index.entity) && query.kind == usable.index.kind)
            .filter_map(|usable| IndexUse::of(&query.filter, usable))
            .max_by_key(IndexUse::rank);
        let ends = || {
            let source = nodes_at(&query.filter, "source").map(|nodes| Self::EdgesOf(nodes, Direction::Out));
            source.or_else(|| Some(Self::EdgesOf(nodes_at(&query.filter, "target")?, Direction::In)))
        };
        match by_index {
            Some(by_index) if !by_index.equal.is_empty() => Self::Index(Box::new(by_index)),
            by_index => {
                let by_ends = if query.kind == Kind::Edge { ends() } else { None };
                by_ends.or(by_index.map(|by_index| Self::Index(Box::new(by_index)))).unwrap_or(Self::All)
            }
        }
    }

    /// The plan as [`Store::explain`](wayfare_graph::Store::explain) tells it; `stored` is how many documents of
    /// the kind and entity there are.
    pub(crate) fn explain(&self, query: &Query, stored: u64) -> Explanation {
        let (access, candidates) = match self {
            Self::Ids(ids) => (AccessPath::Ids { ids: ids.len() }, Some(ids.len() as u64)),
            Self::Index(by_index) => by_index.explain(),
            Self::EdgesOf(nodes, direction) => {
                let access = AccessPath::EdgesOf { nodes: nodes.len(), direction: *direction };
                (access, nodes.is_empty().then_some(0))
            }
            Self::All => match query.entity {
                Some(entity) => (AccessPath::EntityScan { entity }, Some(stored)),
                None => (AccessPath::KindScan, Some(stored)),
            },
        };
        let mut explanation = Explanation::new(access);
        // Whatever the path, every candidate is held against the whole filter.
        explanation.decodes_fields = query.filter.decodes_fields();
        explanation.sorts_in_memory = !query.sort.is_empty();
        explanation.examined = candidates.map(|candidates| candidates.min(most_in_order(query)));
        explanation
    }
}

impl<I> IndexUse<I> {
    /// `None` when the filter says nothing about the first field, or may want documents that are not in the index.
    fn of(filter: &Filter, usable: Usable<'_, I>) -> Option<Self> {
        let Usable { key, index, lists } = usable;
        if !filter.implies(&index.partial) {
            return None;
        }
        let mut used = Self { key, index: index.clone(), equal: Vec::new(), range: None, combinations: 1 };
        for field in &index.fields {
            let path = format!("context.{field}");
            // The narrower bounds hold only where no document has a list.
            let bounds = if lists { filter.bounds(&path) } else { filter.scalar_bounds(&path) };
            match bounds {
                Some(Bounds::Equal(values))
                    if used.combinations.saturating_mul(values.len()) <= MAX_COMBINATIONS =>
                {
                    used.combinations *= values.len();
                    used.equal.push(values);
                }
                Some(Bounds::Range { from, to }) => {
                    used.range = Some((from, to));
                    return Some(used);
                }
                _ => break,
            }
        }
        if used.equal.is_empty() { None } else { Some(used) }
    }

    /// Whether each combination of values belongs to one document.
    fn is_unique(&self) -> bool {
        self.index.unique && self.equal.len() == self.index.fields.len()
    }

    fn rank(&self) -> impl Ord + use<I> {
        let ends = self
            .range
            .as_ref()
            .map_or(0, |(from, to)| usize::from(from.is_some()) + usize::from(to.is_some()));
        (self.is_unique(), self.equal.len(), ends, Reverse(self.combinations))
    }

    fn explain(&self) -> (AccessPath, Option<u64>) {
        let access = AccessPath::Index {
            entity: self.index.entity,
            fields: self.index.fields.clone(),
            equal_fields: self.equal.len(),
            range: self.range.as_ref().is_some_and(|(from, to)| from.is_some() || to.is_some()),
        };
        // In a unique index each combination of values belongs to one document, unless values are cut.
        let known = self.is_unique() || self.combinations == 0;
        (access, known.then_some(self.combinations as u64))
    }
}

/// The ids that a path must be one of. Texts that are no ids match no document.
fn ids_at(filter: &Filter, path: &str) -> Option<Vec<Id>> {
    match filter.bounds(path)? {
        Bounds::Equal(values) => {
            Some(values.iter().filter_map(|value| value.as_str()?.parse().ok()).collect())
        }
        Bounds::Range { .. } => None,
    }
}

/// The nodes that a path must be one of: an edge ends nowhere else.
fn nodes_at(filter: &Filter, path: &str) -> Option<Vec<Id>> {
    let mut ids = ids_at(filter, path)?;
    ids.retain(|id| id.kind() == Kind::Node);
    Some(ids)
}

/// How many documents are looked at where each one matches and none has to be sorted.
fn most_in_order(query: &Query) -> u64 {
    match query.limit {
        Some(0) if query.sort.is_empty() => 0,
        Some(limit) if query.sort.is_empty() && query.filter.is_all() => {
            query.skip.saturating_add(limit) as u64
        }
        _ => u64::MAX,
    }
}
