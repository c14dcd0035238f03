//! What the tests of the graph's calls stand on: a runtime in a folder of its own, and people who know each other.

use tempfile::TempDir;
use wayfare::{Config, ConfigBuilder, Graph, Id, Runtime, Stored, edge, node, object};

#[node]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Person {
    pub(super) name: String,
    #[field(unique)]
    pub(super) email: String,
    pub(super) age: u32,
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

#[edge]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Knows {
    pub(super) since: u32,
}

#[edge]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Owes {
    pub(super) amount: u32,
}

#[object]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Note {
    pub(super) text: String,
}

/// A runtime on a store of its own.
pub(super) struct Town {
    pub(super) runtime: Runtime,
    pub(super) graph: Graph,
    pub(super) folder: TempDir,
}

impl Town {
    pub(super) fn new() -> Self {
        Self::with(|config| config)
    }

    pub(super) fn with(set: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::start(&config(&folder, set)).unwrap();
        Self { graph: runtime.graph(), runtime, folder }
    }

    /// The same store in another runtime.
    pub(super) async fn reopened_with(self, set: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        let Self { runtime, graph, folder } = self;
        drop(graph);
        runtime.shutdown().await;
        let runtime = Runtime::start(&config(&folder, set)).unwrap();
        Self { graph: runtime.graph(), runtime, folder }
    }

    /// The folder, with nobody on the store.
    pub(super) async fn closed(self) -> TempDir {
        let Self { runtime, graph, folder } = self;
        drop(graph);
        runtime.shutdown().await;
        folder
    }

    /// People `p0`, `p1` and so on; their ages go round from 20 to 29.
    pub(super) async fn people(&self, count: u32) -> Vec<Stored<Person>> {
        let mut people = Vec::new();
        for number in 0..count {
            people.push(self.graph.create_as(&format!("p{number}"), person(number)).await.unwrap());
        }
        people
    }
}

fn config(folder: &TempDir, set: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Config {
    let builder = Config::builder().store_url(format!("embedded:{}", folder.path().join("store").display()));
    // As in the stage of walks.
    set(builder.workers_count(2).shards_count(2)).build().unwrap()
}

pub(super) fn person(number: u32) -> Person {
    let tags =
        if number.is_multiple_of(2) { vec!["even".into(), format!("t{}", number % 3)] } else { Vec::new() };
    let age = 20 + number % 10;
    Person { name: format!("P{number}"), email: format!("p{number}@example.com"), age, tags }
}

pub(super) fn id(key: &str) -> Id {
    Id::node("Person", key).unwrap()
}
