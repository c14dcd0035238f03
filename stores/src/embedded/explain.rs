//! Saying how a query would be answered, from the plan by which it is answered.

use wayfare_graph::{AccessPath, Explanation, Query};

use super::fault::Fault;
use super::plan::{IndexUse, Plan};
use super::read::View;

impl View<'_> {
    /// How [`find`](Self::find) would answer a query.
    pub(super) fn explain(&self, query: &Query) -> Result<Explanation, Fault> {
        let (access, candidates) = self.explain_plan(&Plan::of(query, self.catalog), query)?;
        let mut explanation = Explanation::new(access);
        // Whatever the path, every candidate is held against the whole filter.
        explanation.decodes_fields = query.filter.decodes_fields();
        explanation.sorts_in_memory = !query.sort.is_empty();
        explanation.examined = candidates.map(|candidates| candidates.min(most_in_order(query)));
        Ok(explanation)
    }

    /// The path of a plan, and how many documents are on it.
    fn explain_plan(&self, plan: &Plan, query: &Query) -> Result<(AccessPath, Option<u64>), Fault> {
        Ok(match plan {
            Plan::Ids(ids) => (AccessPath::Ids { ids: ids.len() }, Some(ids.len() as u64)),
            Plan::Rows(by_index) => explain_index(by_index),
            Plan::EdgesOf(nodes, direction) => {
                let access = AccessPath::EdgesOf { nodes: nodes.len(), direction: *direction };
                (access, nodes.is_empty().then_some(0))
            }
            Plan::All => match query.entity {
                Some(entity) => {
                    (AccessPath::EntityScan { entity }, Some(self.count_entity(query.kind, entity)?))
                }
                None => (AccessPath::KindScan, Some(self.count_kind(query.kind)?)),
            },
        })
    }
}

fn explain_index(by_index: &IndexUse) -> (AccessPath, Option<u64>) {
    let IndexUse { index, ranges, equal_fields, range_ends, unique } = by_index;
    let access = AccessPath::Index {
        entity: index.index.entity,
        fields: index.index.fields.clone(),
        equal_fields: *equal_fields,
        range: *range_ends > 0,
    };
    // In a unique index each combination of values belongs to one document, unless values are cut.
    let candidates = (*unique || ranges.is_empty()).then_some(ranges.len() as u64);
    (access, candidates)
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
