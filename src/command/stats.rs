//! `wayfare stats`: what the store holds.

use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use wayfare::{Ends, EntityName, Graph, Id, Index, Kind, StoreStats};

use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::session::Session;
use super::subject::KINDS;

/// Edges read from the store at a time.
const PAGE: usize = 8_192;

/// Prints entities, edges by entity, degrees, bytes and indexes.
pub(crate) async fn run(session: &Session) -> Result<Exit, Failure> {
    let runtime = session.open_existing()?;
    let graph = runtime.graph();
    let mut stats = graph.stats().await?;
    stats
        .entities
        .sort_by_key(|(kind, entity, _)| (KINDS.iter().position(|known| known == kind), entity.as_str()));
    let nodes = total(&stats, Kind::Node);
    let edges = total(&stats, Kind::Edge);
    let mut progress = Progress::count(session.quiet, Some(edges), "counting degrees");
    let mut all = Degrees::default();
    let mut by_entity = Vec::new();
    for (_, entity, count) in stats.entities.iter().filter(|(kind, _, _)| *kind == Kind::Edge) {
        let degrees = degrees_of(&graph, *entity, all.edges, &mut progress).await?;
        let mut row = json!({"entity": entity.as_str(), "count": count});
        degrees.describe(nodes, &mut row);
        by_entity.push(row);
        all.add(degrees);
    }
    drop(progress);
    let mut overall = json!({});
    all.describe(nodes, &mut overall);
    let entities: Vec<Value> = stats
        .entities
        .iter()
        .map(|(kind, entity, count)| json!({"kind": kind.collection(), "entity": entity.as_str(), "count": count}))
        .collect();
    session.output.one(&json!({
        "store": session.config.store.url.to_string(),
        "nodes": nodes,
        "edges": edges,
        "objects": total(&stats, Kind::Object),
        "walkers": total(&stats, Kind::Walker),
        "degrees": overall,
        "used_bytes": stats.used_bytes,
        "file_bytes": stats.file_bytes,
        "entities": entities,
        "edges_by_entity": by_entity,
        "indexes": stats.indexes.iter().map(described).collect::<Vec<_>>(),
    }))?;
    runtime.shutdown().await;
    Ok(Exit::Done)
}

fn total(stats: &StoreStats, wanted: Kind) -> u64 {
    stats.entities.iter().filter(|(kind, _, _)| *kind == wanted).map(|(_, _, count)| count).sum()
}

fn described(index: &Index) -> Value {
    json!({
        "kind": index.kind.collection(),
        "entity": index.entity.as_str(),
        "fields": index.fields,
        "unique": index.unique,
    })
}

async fn degrees_of(
    graph: &Graph,
    entity: EntityName,
    done: u64,
    progress: &mut Progress,
) -> Result<Degrees, Failure> {
    let mut degrees = Degrees::default();
    let mut after = None;
    loop {
        let page = graph.scan(Kind::Edge, Some(entity), after, PAGE).await?;
        for ends in page.documents.iter().filter_map(|edge| edge.ends()) {
            degrees.count(ends);
        }
        progress.set(done + degrees.edges);
        after = page.next;
        if after.is_none() {
            return Ok(degrees);
        }
    }
}

/// How many edges leave and enter each node. An edge that can be followed from either end counts at both
/// ends both ways, a self loop once each way.
#[derive(Debug, Default)]
struct Degrees {
    edges: u64,
    nodes: FxHashMap<Id, [u64; 2]>,
}

/// Ways of an edge at a node, as places of a count.
const OUT: usize = 0;
const IN: usize = 1;

impl Degrees {
    fn count(&mut self, ends: &Ends) {
        self.edges += 1;
        self.add_one(&ends.source, OUT);
        self.add_one(&ends.target, IN);
        if ends.bidirectional && ends.source != ends.target {
            self.add_one(&ends.target, OUT);
            self.add_one(&ends.source, IN);
        }
    }

    fn add_one(&mut self, node: &Id, way: usize) {
        match self.nodes.get_mut(node) {
            Some(counts) => counts[way] += 1,
            None => {
                let mut counts = [0; 2];
                counts[way] = 1;
                self.nodes.insert(node.clone(), counts);
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.edges += other.edges;
        for (node, [out, into]) in other.nodes {
            let counts = self.nodes.entry(node).or_default();
            counts[OUT] += out;
            counts[IN] += into;
        }
    }

    /// Adds `out` and `in` to an object: mean over all nodes, maximum, and the first node that has it.
    fn describe(&self, nodes: u64, into: &mut Value) {
        for (name, way) in [("out", OUT), ("in", IN)] {
            let total: u64 = self.nodes.values().map(|counts| counts[way]).sum();
            let with_edges = self.nodes.iter().filter(|(_, counts)| counts[way] > 0);
            let most = with_edges.max_by(|(a, x), (b, y)| x[way].cmp(&y[way]).then_with(|| b.cmp(a)));
            into[name] = json!({
                "mean": if nodes == 0 { 0.0 } else { total as f64 / nodes as f64 },
                "max": most.map_or(0, |(_, counts)| counts[way]),
                "max_id": most.map(|(id, _)| id),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(source: &str, target: &str, bidirectional: bool) -> Ends {
        Ends { source: source.parse().unwrap(), target: target.parse().unwrap(), bidirectional }
    }

    #[test]
    fn degrees_count_each_way_and_both_ways_for_undirected_edges() {
        let mut degrees = Degrees::default();
        degrees.count(&ends("n.A.x", "n.A.y", false));
        degrees.count(&ends("n.A.x", "n.A.x", true));
        degrees.count(&ends("n.A.z", "n.A.y", true));
        let of = |id: &str| degrees.nodes[&id.parse::<Id>().unwrap()];
        assert_eq!([of("n.A.x"), of("n.A.y"), of("n.A.z")], [[2, 1], [1, 2], [1, 1]]);
        let mut described = json!({});
        degrees.describe(4, &mut described);
        assert_eq!(described["out"], json!({"mean": 1.0, "max": 2, "max_id": "n.A.x"}));
        assert_eq!(described["in"], json!({"mean": 1.0, "max": 2, "max_id": "n.A.y"}));
    }

    #[test]
    fn ties_go_to_the_smaller_id() {
        let mut degrees = Degrees::default();
        degrees.count(&ends("n.A.b", "n.A.d", false));
        degrees.count(&ends("n.A.a", "n.A.c", false));
        let mut described = json!({});
        degrees.describe(4, &mut described);
        assert_eq!(
            (&described["out"]["max_id"], &described["in"]["max_id"]),
            (&json!("n.A.a"), &json!("n.A.c"))
        );
    }
}
