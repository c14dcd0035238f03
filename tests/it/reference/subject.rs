//! One reference graph: its answers, and how its ids are written there and here.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest, Sha256};
use wayfare::{Direction, Filter, Graph, Id, Kind, Runtime, WalkError, Walker};

/// Nodes read from the store at a time.
const PAGE: usize = 10_000;

/// A graph with its answers.
pub struct Subject {
    pub name: String,
    pub reference: Value,
    /// Rows of each measurement that are looked at.
    rows: usize,
    /// By the id in the reference.
    ids: HashMap<String, Id>,
    names: HashMap<Id, String>,
    /// Places in the order of ids that breaks ties.
    ranks: HashMap<Id, usize>,
}

/// A walk to make: the walker, where it starts, which nodes it may visit.
pub type Asked<W> = (W, Id, Option<Filter>);

impl Subject {
    /// Reads the nodes of a store; `typed_ids` tells whether the reference writes `person:123`.
    pub async fn of(name: &str, reference: Value, rows: usize, typed_ids: bool, graph: &Graph) -> Self {
        let mut ids = HashMap::new();
        let mut after = None;
        loop {
            let page = graph.scan(Kind::Node, None, after, PAGE).await.unwrap();
            for id in page.documents.iter().map(|document| document.id()).filter(|id| **id != Id::root()) {
                let key = id.with_key(str::to_owned);
                let name = if typed_ids { format!("{}:{key}", id.entity()) } else { key };
                let before = ids.insert(name, id.clone());
                assert!(before.is_none(), "{id} and {before:?} have one name in the reference");
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let names = ids.iter().map(|(name, id)| (id.clone(), name.clone())).collect();
        let ranks = ranks(&ids, &reference["id_order"]);
        Self { name: name.to_owned(), reference, rows, ids, names, ranks }
    }

    pub fn is_directed(&self) -> bool {
        self.reference["directed"] == true
    }

    /// The rows of a measurement, as many as are looked at.
    pub fn rows(&self, family: &str) -> impl Iterator<Item = &Value> + Clone {
        self.reference[family].as_array().into_iter().flatten().take(self.rows)
    }

    /// The id of a node that the reference names.
    pub fn id(&self, name: &Value) -> Id {
        let name = name.as_str().expect("ids are text in the reference");
        self.ids.get(name).unwrap_or_else(|| panic!("{}: no node `{name}` was imported", self.name)).clone()
    }

    /// What the reference calls a node.
    pub fn name_of(&self, id: &Id) -> &str {
        &self.names[id]
    }

    /// The place of a node in the order that breaks ties.
    pub fn rank(&self, id: &Id) -> usize {
        self.ranks[id]
    }

    /// Every node.
    pub fn nodes(&self) -> impl Iterator<Item = &Id> {
        self.names.keys()
    }

    /// Makes walks, all under way at once, and gives the walkers back in order.
    pub async fn walk<W: Walker>(&self, runtime: &Runtime, asked: Vec<Asked<W>>) -> Vec<W> {
        let mut walks = Vec::new();
        for (walker, at, only) in asked {
            let mut spawning = runtime.spawn(walker).at(&at);
            if let Some(only) = only {
                spawning = spawning.only(only);
            }
            walks.push((spawning.await.unwrap(), at));
        }
        let mut walkers = Vec::new();
        for (walk, at) in walks {
            let fail = |error: WalkError| panic!("{}: {} from {at}: {error}", self.name, W::NAME);
            walkers.push(walk.finish().await.unwrap_or_else(fail));
        }
        walkers
    }

    /// The digest of what was visited at which depth or distance, as the reference makes it.
    pub fn digest<'a, N: ToString>(&self, visited: impl IntoIterator<Item = (&'a Id, N)>) -> String {
        let line = |(id, number): (&Id, N)| format!("{}\t{}", self.name_of(id), number.to_string());
        let mut lines: Vec<String> = visited.into_iter().map(line).collect();
        lines.sort_unstable();
        hex(lines.iter().map(String::as_str))
    }

    /// The digest of ids in the order of visits.
    pub fn digest_in_order<'a>(&self, ids: impl IntoIterator<Item = &'a Id>) -> String {
        hex(ids.into_iter().map(|id| self.name_of(id)))
    }
}

/// The direction of a row.
pub fn direction(row: &Value) -> Direction {
    row["direction"].as_str().expect("the row has a direction").parse().unwrap()
}

/// A whole number of a row.
pub fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

fn ranks(ids: &HashMap<String, Id>, order: &Value) -> HashMap<Id, usize> {
    let mut names: Vec<&String> = ids.keys().collect();
    match order.as_str() {
        Some("integer") => names.sort_by_key(|name| name.parse::<u64>().unwrap()),
        Some("utf8") => names.sort(),
        other => panic!("unknown order of ids: {other:?}"),
    }
    names.into_iter().enumerate().map(|(rank, name)| (ids[name].clone(), rank)).collect()
}

fn hex<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line);
        hash.update("\n");
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
