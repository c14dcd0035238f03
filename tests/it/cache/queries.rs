//! Results that depend on entities.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use tempfile::TempDir;
use wayfare::cache::{Cache, CacheSource};
use wayfare::{
    CacheError, Config, Error, Graph, Here, Result, Runtime, Stored, Walk, cached_query, edge, node, walker,
};

use wayfare_testkit::{Mongod, Redis, ReplicaSet, unique_database, unique_prefix};

use super::stage::{MINUTE, ok, until};

#[node]
#[derive(Debug, Clone, PartialEq)]
struct Member {
    name: String,
    age: u32,
    active: bool,
}

#[node]
#[derive(Debug, Clone, PartialEq)]
struct Club {
    name: String,
}

#[edge]
#[derive(Debug, Clone, PartialEq)]
struct Belongs;

/// How often each sort of query was run for real.
static RUNS: AtomicU32 = AtomicU32::new(0);

#[cached_query(ttl = "5m", invalidate_on(Member), tags = [format!("age:{min_age}")])]
async fn active_members(graph: &Graph, runs: Runs, min_age: u32) -> Result<Vec<String>> {
    runs.count();
    let members = graph.find(Member::active().eq(true).and(Member::age().gte(min_age))).await?;
    Ok(members.into_iter().map(|member| member.into_value().name).collect())
}

/// Counts runs; as an argument it tells tests apart.
#[derive(Clone, Debug, serde::Serialize)]
struct Runs {
    test: u32,
    #[serde(skip)]
    runs: Arc<AtomicU32>,
}

impl Runs {
    fn new() -> Self {
        Self { test: RUNS.fetch_add(1, SeqCst), runs: Arc::default() }
    }

    fn count(&self) {
        self.runs.fetch_add(1, SeqCst);
    }

    fn get(&self) -> u32 {
        self.runs.load(SeqCst)
    }
}

struct Town {
    runtime: Runtime,
    graph: Graph,
    _folder: TempDir,
}

impl Town {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("embedded:{}", folder.path().join("store").display());
        let config = Config::builder().store_url(url).workers_count(2).shards_count(2).build().unwrap();
        let runtime = Runtime::start(&config).unwrap();
        Self { graph: runtime.graph(), runtime, _folder: folder }
    }

    async fn member(&self, key: &str, age: u32) {
        let member = Member { name: key.into(), age, active: true };
        self.graph.create_as(key, member).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cached_query_runs_again_as_soon_as_an_entity_of_its_types_changes() {
    let (town, runs) = (Town::new(), Runs::new());
    let active = async |min_age| active_members(&town.graph, runs.clone(), min_age).await.unwrap();
    town.member("ann", 40).await;
    assert_eq!(active(30).await, ["ann"]);
    assert_eq!(active(30).await, ["ann"]);
    assert_eq!(runs.get(), 1);
    // Other arguments are another result.
    assert!(active(50).await.is_empty());
    assert_eq!(runs.get(), 2);
    // What it does not depend on leaves it.
    town.graph.create_as("chess", Club { name: "Chess".into() }).await.unwrap();
    town.graph.connect("n.Member.ann", "n.Club.chess", Belongs {}).await.unwrap();
    active(30).await;
    assert_eq!(runs.get(), 2);
    // Creating, updating, saving, deleting, in bulk and by hand.
    town.member("bob", 60).await;
    assert_eq!(active(50).await, ["bob"]);
    let ann = town.graph.update("n.Member.ann", |member: &mut Member| member.age = 70).await.unwrap();
    assert_eq!(active(50).await.len(), 2);
    let mut ann = ann;
    ann.active = false;
    town.graph.save(&mut ann).await.unwrap();
    assert_eq!(active(50).await, ["bob"]);
    let ids = [ann.id().clone()];
    town.graph.update_many(&ids, |member: &mut Member| member.active = true).await.unwrap();
    assert_eq!(active(50).await.len(), 2);
    town.graph.delete("n.Member.bob").await.unwrap();
    assert_eq!(active(50).await, ["ann"]);
    let before = runs.get();
    town.runtime.cache().invalidate_tag("age:50").await.unwrap();
    active(50).await;
    active(30).await;
    active(30).await;
    assert_eq!(runs.get(), before + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_goes_with_its_node_counts_as_changed() {
    #[cached_query(ttl = 300, invalidate_on(Belongs))]
    async fn memberships(graph: &Graph, runs: Runs) -> Result<u64> {
        runs.count();
        graph.query::<Belongs>().count().await
    }
    let (town, runs) = (Town::new(), Runs::new());
    town.member("ann", 40).await;
    town.graph.create_as("chess", Club { name: "Chess".into() }).await.unwrap();
    town.graph.connect("n.Member.ann", "n.Club.chess", Belongs {}).await.unwrap();
    assert_eq!(memberships(&town.graph, runs.clone()).await.unwrap(), 1);
    town.graph.delete("n.Club.chess").await.unwrap();
    assert_eq!(memberships(&town.graph, runs.clone()).await.unwrap(), 0);
    assert_eq!(runs.get(), 2);
}

/// What was read before a change became durable is not kept beyond it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_has_made_a_change_sees_no_result_from_before_it() {
    let (town, runs) = (Town::new(), Runs::new());
    town.member("ann", 0).await;
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (graph, runs) = (town.graph.clone(), runs.clone());
            tokio::spawn(async move {
                loop {
                    active_members(&graph, runs.clone(), 0).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 1..300 {
        let name = number.to_string();
        if number % 3 == 0 {
            town.graph.create(Member { name: name.clone(), age: 1, active: true }).await.unwrap();
        } else {
            let rename = |member: &mut Member| member.name.clone_from(&name);
            town.graph.update("n.Member.ann", rename).await.unwrap();
        }
        assert!(active_members(&town.graph, runs.clone(), 0).await.unwrap().contains(&name), "{number}");
    }
    readers.into_iter().for_each(|reader| reader.abort());
}

struct Repository {
    graph: Graph,
    region: &'static str,
    runs: Runs,
}

impl CacheSource for Repository {
    fn cache_source(&self) -> Cache {
        self.graph.cache()
    }
}

impl Repository {
    #[cached_query(ttl = "1h", key = format!("{}/{page}", self.region))]
    async fn page(&self, page: u32) -> Result<String> {
        self.runs.count();
        Ok(format!("{} {page}", self.region))
    }

    #[cached_query(ttl = "1h", cache = self.graph)]
    async fn fails(&self, runs: Runs) -> Result<u32> {
        runs.count();
        Err(CacheError::Closed.into())
    }

    #[cached_query(ttl = "1h")]
    async fn of_type<T: Default + std::fmt::Debug>(&self) -> Result<String> {
        self.runs.count();
        Ok(format!("{:?}", T::default()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_have_keys_of_their_own_and_errors_are_not_kept() {
    let town = Town::new();
    let runs = Runs::new();
    let north = Repository { graph: town.graph.clone(), region: "north", runs: runs.clone() };
    let south = Repository { graph: town.graph.clone(), region: "south", runs: runs.clone() };
    for _ in 0..2 {
        assert_eq!(north.page(1).await.unwrap(), "north 1");
        assert_eq!(south.page(1).await.unwrap(), "south 1");
        assert_eq!(south.page(2).await.unwrap(), "south 2");
    }
    assert_eq!(runs.get(), 3);
    for _ in 0..2 {
        assert_eq!(north.of_type::<u32>().await.unwrap(), "0");
        assert_eq!(north.of_type::<bool>().await.unwrap(), "false");
    }
    assert_eq!(runs.get(), 5);
    let failing = Runs::new();
    for times in 1..3 {
        let failed = north.fails(failing.clone()).await;
        assert!(matches!(failed, Err(Error::Cache(CacheError::Closed))), "{failed:?}");
        assert_eq!(failing.get(), times);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_can_be_kept_by_itself() {
    let town = Town::new();
    for number in 0..20 {
        town.member(&format!("m{number:02}"), number).await;
    }
    let young = || town.graph.query::<Member>().filter(Member::age().lt(5)).sort_descending("age");
    let found = young().cached(MINUTE).all().await.unwrap();
    let documents =
        |found: &[Stored<Member>]| found.iter().map(|stored| stored.document().clone()).collect::<Vec<_>>();
    assert_eq!(documents(&found), documents(&young().all().await.unwrap()));
    let computed = town.runtime.cache().figures().computed;
    assert_eq!(documents(&young().cached(MINUTE).all().await.unwrap()), documents(&found));
    assert_eq!(town.runtime.cache().figures().computed, computed);
    assert_eq!(young().cached(MINUTE).one().await.unwrap().unwrap().name, "m04");
    assert_eq!(young().cached(MINUTE).count().await.unwrap(), 5);
    let seniors = || town.graph.find::<Member>(Member::age().gte(15)).cached(MINUTE);
    assert_eq!((seniors().await.unwrap().len(), seniors().count().await.unwrap()), (5, 5));
    // What is given out can be changed and saved.
    let mut youngest = young().cached(MINUTE).all().await.unwrap().pop().unwrap();
    youngest.age = 100;
    town.graph.save(&mut youngest).await.unwrap();
    assert_eq!(young().cached(MINUTE).all().await.unwrap().len(), 4);
    assert_eq!(young().cached(MINUTE).count().await.unwrap(), 4);
    let refused = young().cached(Duration::ZERO).all().await;
    assert!(matches!(refused, Err(Error::Cache(CacheError::Ttl { .. }))));
    assert!(matches!(young().sort("nothing").cached(MINUTE).all().await, Err(Error::UnknownField { .. })));
}

#[derive(Default)]
struct Analyst {
    seen: Vec<String>,
}

static ANALYSES: AtomicU32 = AtomicU32::new(0);

#[walker]
impl Analyst {
    #[on_visit]
    async fn member(&mut self, here: &Here<Member>, walk: &mut Walk) -> Result<()> {
        let key = format!("analysis:{}", here.id());
        let analysis = walk
            .cached(&key, MINUTE, async || {
                ANALYSES.fetch_add(1, SeqCst);
                ok(format!("{} is {}", here.name, here.age))
            })
            .await?;
        self.seen.push(analysis.to_string());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walkers_keep_results_in_their_runtime_and_share_them() {
    let town = Town::new();
    town.member("ann", 40).await;
    let walks = (0..20).map(|_| async {
        let walk = town.runtime.spawn(Analyst::default()).at("n.Member.ann").await.unwrap();
        walk.finish().await.unwrap().seen
    });
    for seen in futures_util::future::join_all(walks).await {
        assert_eq!(seen, ["ann is 40"]);
    }
    assert_eq!(ANALYSES.load(SeqCst), 1);
    let kept = town.runtime.cache().get::<String>("analysis:n.Member.ann").await.unwrap();
    assert_eq!(*kept.unwrap(), "ann is 40");
}

/// Two processes, as far as runtimes go, on one MongoDB.
fn pair(url: &str, redis: Option<&Redis>) -> [Graph; 2] {
    let prefix = unique_prefix("pair");
    let start = || {
        let mut config =
            Config::builder().store_url(url).cache_prefix(prefix.as_str()).workers_count(2).shards_count(2);
        if let Some(redis) = redis {
            config = config.cache_redis(redis.url());
        }
        Runtime::start(&config.build().unwrap()).unwrap().graph()
    };
    [start(), start()]
}

async fn changes_reach_the_other(pair: [Graph; 2]) {
    let [ours, theirs] = pair;
    let runs = Runs::new();
    let active = async |graph: &Graph| active_members(graph, runs.clone(), 0).await.unwrap().len();
    for number in 0..20 {
        // Both keep the result, or share it.
        assert_eq!((active(&ours).await, active(&theirs).await), (number, number));
        let member = Member { name: number.to_string(), age: 1, active: true };
        let (writer, reader) = if number % 2 == 0 { (&ours, &theirs) } else { (&theirs, &ours) };
        writer.create(member).await.unwrap();
        assert_eq!(active(writer).await, number + 1);
        until("the other one is told", async || active(reader).await == number + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_another_process_is_told_by_redis() {
    let (Some(mongod), Some(redis)) = (Mongod::shared(), Redis::shared()) else { return };
    changes_reach_the_other(pair(&mongod.url(&unique_database("told")), Some(redis))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_another_process_is_told_by_the_store() {
    let Some(set) = ReplicaSet::shared_single() else { return };
    changes_reach_the_other(pair(&set.url(&unique_database("told")), None)).await;
}
