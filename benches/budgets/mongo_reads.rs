//! Reads from MongoDB. Mostly the rival is Wayfare itself, used the way that costs more.

use futures_util::future::join_all;
use serde::Deserialize;
use wayfare::{Body, Document, Id, Kind, Runtime, Selection, Store, Stored, Write, node};
use wayfare_stores::{MongoOptions, MongoStore};
use wayfare_testkit::{ReplicaSet, unique_database};

use crate::driver::Driver;
use crate::measure::{Line, all_in_turn, in_turn, timed};
use crate::resident::block_on;
use crate::stored::{id, write_all};

const RUNS: usize = 5;
const ARTICLES: u64 = 5_000;

/// Articles of one section.
const IN_SECTION: u64 = 10;

/// Readers at once, and what each reads one after another.
const READERS: usize = 32;
const READS: usize = 50;

/// About 3 KB.
#[node]
struct Article {
    title: String,
    /// Indexed.
    section: u64,
    /// The same number, not indexed.
    shelf: u64,
    text: String,
}

#[derive(Deserialize)]
struct Title {
    title: String,
}

struct Articles {
    runtime: Runtime,
    ids: Vec<Id>,
    url: String,
}

fn make() -> Option<Articles> {
    let url = ReplicaSet::shared_single()?.url(&unique_database("articles"));
    let runtime = Runtime::open(&url).unwrap();
    let ids: Vec<Id> = (0..ARTICLES).map(|n| id(Kind::Node, "Article", n)).collect();
    let article = |n: u64| Article {
        title: format!("article {n}"),
        section: n % (ARTICLES / IN_SECTION),
        shelf: n % (ARTICLES / IN_SECTION),
        text: "text ".repeat(600),
    };
    let writes = (0..).zip(&ids).map(|(n, id)| {
        let document = Document::new(id.clone(), Body::encode(&article(n)).unwrap());
        Write::Create { document, multi: false }
    });
    block_on(write_all(&runtime.graph(), writes));
    block_on(runtime.graph().create_index::<Article>().keys(["section"]).into_future()).unwrap();
    Some(Articles { runtime, ids, url })
}

pub fn lines() -> Vec<Line> {
    let Some(articles) = make() else { return Vec::new() };
    let mut lines = by_id(&articles);
    lines.push(projected(&articles));
    lines.push(indexed(&articles));
    lines.push(counted(&articles));
    lines.push(pooled(&articles));
    lines
}

fn by_id(articles: &Articles) -> Vec<Line> {
    let graph = articles.runtime.graph();
    let driver = Driver::new(&articles.url);
    let ids: Vec<Id> = articles.ids.iter().step_by(5).cloned().collect();
    let mut gets = || {
        let read = async |id: &Id| assert!(graph.get::<Article>(id).await.unwrap().is_some());
        timed(|| {
            block_on(async {
                for id in &ids {
                    read(id).await;
                }
            })
        })
        .1
    };
    let mut get_many = || {
        let (found, elapsed) = timed(|| block_on(graph.get_many::<Article>(&ids)).unwrap());
        assert!(found.iter().all(Option::is_some));
        elapsed
    };
    let mut by_hand = || {
        let (found, elapsed) = timed(|| driver.find_by_ids(&ids));
        assert_eq!(found, ids.len());
        elapsed
    };
    let [gets, get_many, by_hand] = all_in_turn(RUNS, [&mut gets, &mut get_many, &mut by_hand]);
    let each = |seconds: f64| seconds / ids.len() as f64 * 1e6;
    vec![
        Line::compared("MongoDB, get_many of 1,000, each (rival: gets)", each(gets), each(get_many), "us"),
        Line::compared("the same (rival: the driver, $in)", each(by_hand), each(get_many), "us"),
    ]
}

fn projected(articles: &Articles) -> Line {
    let graph = articles.runtime.graph();
    let whole = || {
        let (found, elapsed) = timed(|| block_on(graph.query::<Article>().all()).unwrap());
        assert_eq!(found.len() as u64, ARTICLES);
        elapsed
    };
    let part = || {
        let (found, elapsed) = timed(|| block_on(graph.query::<Article>().project::<Title>().all()).unwrap());
        assert!(found.len() as u64 == ARTICLES && found.iter().all(|part| part.title.starts_with("art")));
        elapsed
    };
    let (theirs, own) = in_turn(RUNS, whole, part);
    let each = |seconds: f64| seconds / ARTICLES as f64 * 1e6;
    Line::compared("one field of 3 KB, each (rival: all fields)", each(theirs), each(own), "us")
}

fn indexed(articles: &Articles) -> Line {
    const FINDS: u64 = 20;
    let graph = articles.runtime.graph();
    let find = |what: &dyn Fn(u64) -> Selection<Article, Stored<Article>>| {
        timed(|| {
            block_on(async {
                for n in 0..FINDS {
                    assert_eq!(what(n).all().await.unwrap().len() as u64, IN_SECTION);
                }
            })
        })
        .1
    };
    let by_shelf = || find(&|n| graph.query().filter(Article::shelf().eq(n)));
    let by_section = || find(&|n| graph.query().filter(Article::section().eq(n)));
    let (theirs, own) = in_turn(RUNS, by_shelf, by_section);
    let each = |seconds: f64| seconds / FINDS as f64 * 1e3;
    Line::compared("find 10 of 5,000, indexed (rival: not)", each(theirs), each(own), "ms")
}

fn counted(articles: &Articles) -> Line {
    let graph = articles.runtime.graph();
    let half = || graph.query::<Article>().filter(Article::section().lt(ARTICLES / IN_SECTION / 2));
    let found = || timed(|| assert_eq!(block_on(half().all()).unwrap().len() as u64, ARTICLES / 2)).1;
    let counted = || timed(|| assert_eq!(block_on(half().count()).unwrap(), ARTICLES / 2)).1;
    let (theirs, own) = in_turn(RUNS, found, counted);
    Line::compared("count of 2,500 (rival: find().len())", theirs * 1e3, own * 1e3, "ms")
}

/// Past the runtime, whose change stream would have the only connection for itself most of the time.
fn pooled(articles: &Articles) -> Line {
    let open = |connections: u32| {
        let mut options = MongoOptions::default();
        options.max_size = connections;
        MongoStore::open(&articles.url, options).unwrap()
    };
    let (one, many) = (open(1), open(20));
    let read = |store: &MongoStore| {
        let reader = async |n: usize| {
            for at in 0..READS {
                let id = &articles.ids[(n * READS + at) % articles.ids.len()];
                assert!(store.get_many(std::slice::from_ref(id)).await.unwrap()[0].is_some());
            }
        };
        timed(|| block_on(join_all((0..READERS).map(reader)))).1
    };
    let (theirs, own) = in_turn(RUNS, || read(&one), || read(&many));
    let each = |seconds: f64| seconds / (READERS * READS) as f64 * 1e6;
    Line::compared("a read, 32 readers, pool of 20 (rival: of 1)", each(theirs), each(own), "us")
}
