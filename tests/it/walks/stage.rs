//! What the tests of walks stand on: a runtime on a store in a folder that is gone afterwards, graphs drawn as
//! text, and a walker that writes down where it was.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;
use wayfare::{
    Body, Config, ConfigBuilder, Direction, Document, Ends, Graph, Here, Id, KeySource, Kind, Runtime,
    Spawning, Store, Walk, WalkOptions, Write, WriteBatch, edge, node, walker,
};

use super::trick_store::TrickStore;

/// Longer than anything here takes: a test that hangs fails.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits for a future, but not for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it ends within 30 s")
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(mut reached: impl AsyncFnMut() -> bool) {
    within(async {
        while !reached().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[node]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hamlet {
    pub(crate) name: String,
}

#[node]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Harbour {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) berths: u32,
}

#[edge]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {}

#[edge]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ferry {}

#[edge(multi)]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Track {}

/// A runtime on a store of its own.
pub(crate) struct Stage {
    /// Opened before the runtime is dropped, so that a test which fails half-way does not keep it.
    trick: Option<Opened>,
    pub(crate) runtime: Runtime,
    folder: TempDir,
}

/// A store that holds nothing up any more when this is dropped.
struct Opened(Arc<TrickStore>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.applies.open();
        self.0.answers.open();
        self.0.loads.open();
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(|config| config)
    }

    /// With settings of its own.
    pub(crate) fn with(set: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::start(&config(folder.path(), set)).unwrap();
        Self { trick: None, runtime, folder }
    }

    /// On a store that the test can hold up and make fail.
    pub(crate) fn on_trick_store(
        set: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
    ) -> (Self, Arc<TrickStore>) {
        Self::on_trick_store_of(1, set)
    }

    /// The same; the store takes so many commits at once.
    pub(crate) fn on_trick_store_of(
        writers: usize,
        set: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
    ) -> (Self, Arc<TrickStore>) {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), set);
        let inner = wayfare_stores::open(config.store.url.as_str(), &Default::default()).unwrap();
        let store = Arc::new(TrickStore::new(inner, writers));
        let runtime =
            Runtime::with_store(Arc::clone(&store) as Arc<dyn Store>, KeySource::system(), &config).unwrap();
        (Self { trick: Some(Opened(Arc::clone(&store))), runtime, folder }, store)
    }

    /// The same store in a runtime in which nothing is resident.
    pub(crate) async fn reopened(self) -> Self {
        self.reopened_with(|config| config).await
    }

    pub(crate) async fn reopened_with(self, set: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        let Self { trick, runtime, folder } = self;
        within(runtime.shutdown()).await;
        drop(trick);
        let runtime = Runtime::start(&config(folder.path(), set)).unwrap();
        Self { trick: None, runtime, folder }
    }

    /// The folder of the store.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the runtime's handle up, and keeps the store.
    pub(crate) fn into_folder(self) -> TempDir {
        self.folder
    }

    pub(crate) fn graph(&self) -> Graph {
        self.runtime.graph()
    }

    /// Stores hamlets and what joins them, in the order of the text, such as `a>b b=c a~c a#c`: `>` is a `Lane`,
    /// `=` one both ways, `~` a `Ferry`, `#` a `Track`.
    pub(crate) async fn draw(&self, text: &str) {
        let graph = self.graph();
        let mut writes = Vec::new();
        for token in text.split_whitespace() {
            let (from, rest) = token.split_at(token.find(['>', '=', '~', '#']).unwrap_or(token.len()));
            let to = rest.get(1..).filter(|to| !to.is_empty());
            for key in [Some(from), to].into_iter().flatten() {
                let document = Document::new(hamlet(key), Body::encode(&json!({ "name": key })).unwrap());
                writes.push(Write::Upsert { document });
            }
            let (Some(to), Some(sign)) = (to, rest.chars().next()) else { continue };
            let entity = match sign {
                '~' => "Ferry",
                '#' => "Track",
                _ => "Lane",
            };
            let ends = Ends { source: hamlet(from), target: hamlet(to), bidirectional: sign == '=' };
            let id = graph.new_id(Kind::Edge, entity).unwrap();
            let document = Document::edge(id, ends, Body::empty());
            writes.push(Write::Create { document, multi: sign == '#' });
        }
        let results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await.unwrap();
        results.into_iter().for_each(|result| drop(result.unwrap()));
    }

    /// Walks everything that can be reached from a hamlet, and tells the keys in the order of the visits.
    pub(crate) async fn trail(&self, from: &str) -> String {
        self.trail_with(Trail::default(), from, |spawning| spawning).await
    }

    /// The same, with a trail and options of its own.
    pub(crate) async fn trail_with(
        &self,
        trail: Trail,
        from: &str,
        set: impl FnOnce(Spawning<Trail>) -> Spawning<Trail>,
    ) -> String {
        let walk = set(self.runtime.spawn(trail).at(hamlet(from))).await.unwrap();
        within(walk.finish()).await.unwrap().keys.join(" ")
    }
}

pub(crate) fn config(folder: &Path, set: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Config {
    let builder = Config::builder()
        .store_url(format!("embedded:{}", folder.join("store").display()))
        // As for shards.
        .workers_count(2);
    set(for_tests(builder)).build().unwrap()
}

/// What does not depend on the machine.
pub(crate) fn for_tests(builder: ConfigBuilder) -> ConfigBuilder {
    builder
        // A runtime whose test has failed is not waited for long.
        .supervision_drain_timeout_ms(3_000)
        // Each thread has files open, and as many tests run at once as there are cores.
        .shards_count(2)
        // What other programs leave of the memory is not what is tested.
        .admission_reserve_bytes(0_u64)
}

/// The id of a hamlet.
pub(crate) fn hamlet(key: &str) -> Id {
    Id::node("Hamlet", key).unwrap()
}

/// The key of an id.
pub(crate) fn key(id: &Id) -> String {
    id.with_key(str::to_owned)
}

/// A document as its JSON would be read.
pub(crate) fn document(json: Value) -> Document {
    Document::from_json(json).unwrap()
}

/// Writes down where it was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Trail {
    pub(crate) hops: Option<u32>,
    pub(crate) direction: Direction,
    pub(crate) keys: Vec<String>,
    pub(crate) depths: Vec<u32>,
}

#[walker(options = Trail::options)]
impl Trail {
    fn options(&self) -> WalkOptions {
        WalkOptions::default().links(self.direction)
    }

    #[on_visit]
    fn node(&mut self, here: &Here, walk: &mut Walk) {
        self.keys.push(key(here.id()));
        self.depths.push(walk.depth());
        if self.hops.is_none_or(|hops| walk.depth() < hops) {
            walk.visit(here.neighbours(self.direction));
        }
    }
}
