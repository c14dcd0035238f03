//! What a store holds: `counts` and `degree_top20`.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};
use wayfare::{Direction, Document, Ends, EntityName, Graph, Id, Kind, Runtime};

use super::check::Check;
use super::command::Command;
use super::subject::{Subject, whole};
use super::walkers::Look;

/// Edges read from the store at a time.
const PAGE: usize = 10_000;

pub async fn through_library(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    let graph = runtime.graph();
    let expected = &subject.reference["counts"];
    let stats = graph.stats().await.unwrap();
    let root = Id::root().entity();
    let counted = |kind: Kind| {
        let entities = stats.entities.iter().filter(move |(of, entity, _)| *of == kind && *entity != root);
        entities.map(|(_, entity, count)| (entity.to_string(), json!(count))).collect::<Map<_, _>>()
    };
    check.same("counts", "", "node_types", &expected["node_types"], &Value::Object(counted(Kind::Node)));
    check.same("counts", "", "edge_types", &expected["edge_types"], &Value::Object(counted(Kind::Edge)));

    let mut tally = Tally { is_directed: subject.is_directed(), ..Tally::default() };
    for entity in counted(Kind::Edge).keys() {
        tally.add_all(&graph, EntityName::new(entity).unwrap()).await;
    }
    let isolated = subject.nodes().filter(|id| !tally.with_edges.contains(*id)).count();
    let found = [
        ("nodes", subject.nodes().count()),
        ("edges", tally.edges),
        ("self_loops", tally.loops),
        ("distinct_pairs", tally.pairs.len()),
        ("distinct_typed_edges", tally.typed.len()),
        ("isolated_nodes", isolated),
    ];
    for (part, found) in found {
        check.same("counts", "", part, &expected[part], &json!(found));
    }
    for row in expected["schema"].as_array().into_iter().flatten() {
        let name = |at: usize| row[at].as_str().expect("the schema names types").to_owned();
        let count = tally.schema.get(&[name(0), name(1), name(2)]).copied().unwrap_or_default();
        check.same("counts", row, "schema", &row[3], &json!(count));
    }
    degrees(subject, runtime, check).await;
}

/// What all edges say together.
#[derive(Default)]
struct Tally {
    is_directed: bool,
    edges: usize,
    loops: usize,
    pairs: HashSet<(Id, Id)>,
    typed: HashSet<(Id, Id, EntityName)>,
    with_edges: HashSet<Id>,
    schema: HashMap<[String; 3], u64>,
}

impl Tally {
    async fn add_all(&mut self, graph: &Graph, entity: EntityName) {
        let mut after = None;
        loop {
            let page = graph.scan(Kind::Edge, Some(entity), after, PAGE).await.unwrap();
            page.documents.iter().for_each(|edge| self.add(edge));
            after = page.next;
            if after.is_none() {
                return;
            }
        }
    }

    fn add(&mut self, edge: &Document) {
        let Ends { source, target, bidirectional } =
            edge.ends().expect("a scan of edges gives edges").clone();
        assert_eq!(bidirectional, !self.is_directed, "{}", edge.id());
        let entity = edge.id().entity();
        self.edges += 1;
        self.loops += usize::from(source == target);
        let kinds = [source.entity().to_string(), entity.to_string(), target.entity().to_string()];
        *self.schema.entry(kinds).or_default() += 1;
        self.with_edges.extend([source.clone(), target.clone()]);
        let turned = !self.is_directed && target < source;
        let pair = if turned { (target, source) } else { (source, target) };
        self.typed.insert((pair.0.clone(), pair.1.clone(), entity));
        self.pairs.insert(pair);
    }
}

async fn degrees(subject: &Subject, runtime: &Runtime, check: &mut Check) {
    for (way, rows) in subject.reference["degree_top20"].as_object().expect("degrees are stated") {
        let direction: Direction = way.parse().unwrap();
        let rows = rows.as_array().expect("degrees are a list");
        let look = |row: &Value| (Look { direction, edges: Vec::new() }, subject.id(&row[0]), None);
        let looks = subject.walk(runtime, rows.iter().map(look).collect()).await;
        for (row, look) in rows.iter().zip(looks) {
            let own = subject.id(&row[0]);
            // An undirected loop is one edge at its node, which the reference counts at both ends.
            let loops =
                look.edges.iter().filter(|(other, _, _)| !subject.is_directed() && *other == own).count();
            let found = look.edges.len() + loops;
            check.same("degrees", format!("of {} {way}", row[0]), "edges", &row[1], &json!(found));
        }
    }
}

/// `wayfare stats` and `wayfare count`.
pub fn through_command(subject: &Subject, command: &Command, check: &mut Check) {
    let expected = &subject.reference["counts"];
    let stats = command.run(&["stats"]);
    let nodes = whole(&stats["nodes"]) - 1;
    check.same("counts", "stats", "nodes without the root", &expected["nodes"], &json!(nodes));
    check.same("counts", "stats", "edges", &expected["edges"], &stats["edges"]);
    let entities = stats["entities"].as_array().expect("stats list entities");
    for (kind, part) in [("node", "node_types"), ("edge", "edge_types")] {
        let found = entities.iter().filter(|row| row["kind"] == kind && row["entity"] != "Root");
        let found =
            found.map(|row| (row["entity"].as_str().expect("a name").to_owned(), whole(&row["count"])));
        let found: BTreeMap<String, u64> = found.collect();
        check.same("counts", "stats", part, &expected[part], &json!(found));
    }
    let entity = expected["node_types"].as_object().and_then(|types| types.iter().next());
    let (entity, count) = entity.expect("there are nodes");
    let counted = command.run(&["count", entity]);
    check.same("counts", "count", entity, count, &counted["count"]);
    // Undirected edges lead both ways, and a loop counts once each way.
    if subject.is_directed() {
        for way in ["out", "in"] {
            let most = &subject.reference["degree_top20"][way][0];
            check.same("counts", "stats", "highest degree", &most[1], &stats["degrees"][way]["max"]);
        }
    }
}
