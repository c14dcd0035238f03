//! Writing records that the command does not read, through the public API.

use std::collections::HashMap;

use serde_json::{Map, Value};
use wayfare::{Body, Document, Ends, Graph, Id, Kind, Write, WriteBatch, Written};

/// Writes in one commit.
const BATCH: usize = 2_000;

/// A graph in memory, in the order of its records.
#[derive(Default)]
pub struct Records {
    pub nodes: Vec<(Id, Map<String, Value>)>,
    pub edges: Vec<Edge>,
}

/// One record of an edge.
pub struct Edge {
    pub entity: &'static str,
    pub source: Id,
    pub target: Id,
    pub fields: Map<String, Value>,
}

impl Records {
    pub fn node(&mut self, id: Id, fields: Value) {
        self.nodes.push((id, object(fields)));
    }

    pub fn edge(&mut self, entity: &'static str, source: &Id, target: &Id, fields: Value) {
        let edge = Edge { entity, source: source.clone(), target: target.clone(), fields: object(fields) };
        self.edges.push(edge);
    }

    /// Writes everything in order. Each write must make something new.
    pub async fn write_to(self, graph: &Graph, undirected: bool) {
        let mut batch = Batch { graph, writes: Vec::new() };
        for (id, fields) in self.nodes {
            let document = Document::new(id, Body::encode(&fields).unwrap());
            batch.add(Write::Upsert { document }).await;
        }
        let mut occurrences: HashMap<(&str, Id, Id), u32> = HashMap::new();
        for edge in self.edges {
            let number =
                occurrences.entry((edge.entity, edge.source.clone(), edge.target.clone())).or_default();
            let parallel = Some(*number);
            *number += 1;
            let id = graph.new_id(Kind::Edge, edge.entity).unwrap();
            let ends = Ends { source: edge.source, target: edge.target, bidirectional: undirected };
            let edge = Document::edge(id, ends, Body::encode(&edge.fields).unwrap());
            batch.add(Write::Connect { edge, parallel }).await;
        }
        batch.write().await;
    }
}

/// Writes that wait for a commit.
struct Batch<'a> {
    graph: &'a Graph,
    writes: Vec<Write>,
}

impl Batch<'_> {
    async fn add(&mut self, write: Write) {
        self.writes.push(write);
        if self.writes.len() == BATCH {
            self.write().await;
        }
    }

    async fn write(&mut self) {
        let writes = std::mem::take(&mut self.writes);
        let results = self.graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
        for result in results {
            assert!(matches!(result, Ok(Written::Created { .. })), "{result:?}");
        }
    }
}

fn object(fields: Value) -> Map<String, Value> {
    match fields {
        Value::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}

/// The id of a node.
pub fn node(entity: &str, key: impl ToString) -> Id {
    Id::node(entity, &key.to_string()).unwrap()
}
