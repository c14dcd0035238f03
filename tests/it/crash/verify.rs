//! Holding a store against what was said about it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use wayfare::{Direction, Document, EntityName, Filter, Id, Kind, Need, Query, Store};
use wayfare_stores::OpenOptions;

use super::entities::{COUNTERS, Counter, MIRRORS, PARTS, counter, mirror, note};
use super::said::Said;
use super::work::{BATCHING, MOST_UNDER_WAY};

/// Stamps that are counted through the index as well.
const COUNTED: usize = 5;

/// What must be true of a store, by what was said and by what was found before.
#[derive(Default)]
pub struct Known {
    /// The least that each counter must hold.
    counters: Vec<u64>,
    /// Batches that are there.
    stamps: HashSet<u64>,
    /// Batches that must never be there.
    refused: HashSet<u64>,
    /// Edges that are there, with their ends.
    edges: HashMap<Id, (Id, Id)>,
    /// Edges that are not there any more.
    parted: HashSet<Id>,
}

impl Known {
    /// Checks the store after a kill, and goes on from what was found. `what` names the kill.
    pub fn check(&mut self, url: &str, said: &[Said], what: &str) {
        if let Some(path) = url.strip_prefix("json:") {
            check_files_are_whole(Path::new(path), what);
        }
        let store = wayfare_stores::open(url, &OpenOptions::default());
        let store = store.unwrap_or_else(|error| panic!("{what}: the store does not open: {error}"));
        let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
        executor.block_on(async {
            let nodes = scan(&*store, Kind::Node).await;
            let edges = scan(&*store, Kind::Edge).await;
            self.check_counters(&nodes, said, what);
            let stamps = self.check_batches(&nodes, said, what);
            check_index(&*store, &stamps, what).await;
            self.check_edges(&nodes, &edges, said, what);
            check_adjacency(&*store, &nodes, &edges, what).await;
            self.stamps = stamps;
            if let Some(path) = url.strip_prefix("json:") {
                check_files_follow(&store, Path::new(path), nodes.values().chain(edges.values()), what).await;
            }
        });
    }

    fn check_counters(&mut self, nodes: &BTreeMap<Id, Document>, said: &[Said], what: &str) {
        self.counters.resize(COUNTERS, 0);
        let before: u64 = self.counters.iter().sum();
        let mut acknowledged = HashSet::new();
        let mut least = self.counters.clone();
        for said in said {
            match *said {
                Said::Counted { counter, value, version } => {
                    assert_eq!(version, value + 1, "{what}: {said:?}");
                    assert!(acknowledged.insert((counter, value)), "{what}: acknowledged twice: {said:?}");
                    assert!(value > self.counters[counter], "{what}: {said:?} was there before");
                    least[counter] = least[counter].max(value);
                }
                Said::Saw { counter, value } => least[counter] = least[counter].max(value),
                _ => {}
            }
        }
        for (number, least) in least.iter().enumerate() {
            let document =
                nodes.get(&counter(number)).unwrap_or_else(|| panic!("{what}: counter {number} is gone"));
            let found: Counter = document.decode().unwrap();
            assert!(found.value >= *least, "{what}: counter {number} is {}, {least} was told", found.value);
            assert_eq!(document.version().0, found.value + 1, "{what}: counter {number}");
            assert_eq!(found.note, note(found.value), "{what}: counter {number} is torn");
            self.counters[number] = found.value;
        }
        let (after, told) = (self.counters.iter().sum::<u64>(), acknowledged.len() as u64);
        let most = before + told + MOST_UNDER_WAY;
        assert!(after <= most, "{what}: counters grew from {before} to {after} by {told} increments");
    }

    /// The stamps of the batches that are there, each as a whole.
    fn check_batches(&mut self, nodes: &BTreeMap<Id, Document>, said: &[Said], what: &str) -> HashSet<u64> {
        let mut parts: HashMap<u64, u64> = HashMap::new();
        for part in nodes.values().filter(|node| node.id().entity().as_str() == "CrashPart") {
            *parts.entry(stamp_of(part)).or_default() += 1;
        }
        for (stamp, count) in &parts {
            assert_eq!(*count, PARTS, "{what}: batch {stamp} is half there");
        }
        let stamps: HashSet<u64> = parts.into_keys().collect();
        let mut last = [0; BATCHING];
        for said in said {
            match *said {
                Said::Wrote { writer, stamp } => {
                    assert!(stamps.contains(&stamp), "{what}: batch {stamp} was acknowledged and is gone");
                    last[writer] = stamp;
                }
                Said::Refused { stamp } => drop(self.refused.insert(stamp)),
                _ => {}
            }
        }
        for stamp in &self.refused {
            assert!(!stamps.contains(stamp), "{what}: batch {stamp} was refused and is there");
        }
        for stamp in &self.stamps {
            assert!(stamps.contains(stamp), "{what}: batch {stamp} was there and is gone");
        }
        for (writer, last) in last.into_iter().enumerate() {
            let mirrors = (0..MIRRORS).map(|number| &nodes[&mirror(writer, number)]);
            let found: HashSet<(u64, u64)> = mirrors.map(|m| (stamp_of(m), m.version().0)).collect();
            let [(stamp, _)] = found.iter().copied().collect::<Vec<_>>()[..] else {
                panic!("{what}: the mirrors of writer {writer} differ: {found:?}")
            };
            assert!(
                stamp >= last,
                "{what}: the mirrors of writer {writer} are at {stamp}, {last} was acknowledged"
            );
            assert!(
                stamp == 0 || stamps.contains(&stamp),
                "{what}: mirrors of batch {stamp} without its parts"
            );
        }
        stamps
    }

    fn check_edges(
        &mut self,
        nodes: &BTreeMap<Id, Document>,
        edges: &BTreeMap<Id, Document>,
        said: &[Said],
        what: &str,
    ) {
        for edge in edges.values() {
            let ends = edge.ends().expect("edges have ends");
            for end in [&ends.source, &ends.target] {
                assert!(nodes.contains_key(end), "{what}: {} leads to {end}, which is not there", edge.id());
            }
        }
        for said in said {
            match said {
                Said::Joined { edge, source, target } => {
                    self.edges.insert(edge.clone(), (source.clone(), target.clone()));
                }
                Said::Parting { edge } => drop(self.edges.remove(edge)),
                Said::Parted { edge } => drop(self.parted.insert(edge.clone())),
                _ => {}
            }
        }
        for (id, (source, target)) in &self.edges {
            let edge =
                edges.get(id).unwrap_or_else(|| panic!("{what}: edge {id} was acknowledged and is gone"));
            let ends = edge.ends().expect("edges have ends");
            assert_eq!((&ends.source, &ends.target), (source, target), "{what}: {id}");
        }
        for id in &self.parted {
            assert!(!edges.contains_key(id), "{what}: edge {id} was deleted and is there");
        }
    }
}

fn stamp_of(document: &Document) -> u64 {
    document.body().field("stamp").and_then(|stamp| stamp.as_u64()).expect("it has a stamp")
}

/// Every file holds a whole document at any time, also right after a kill.
fn check_files_are_whole(path: &Path, what: &str) {
    for kind in [Kind::Node, Kind::Edge] {
        for entry in std::fs::read_dir(path.join(kind.collection())).unwrap() {
            let file = entry.unwrap().path();
            let json = serde_json::from_slice(&std::fs::read(&file).unwrap());
            let json = json.unwrap_or_else(|error| panic!("{what}: {} is torn: {error}", file.display()));
            Document::from_json(json).unwrap_or_else(|error| panic!("{what}: {}: {error}", file.display()));
        }
    }
}

/// Once written out, the files hold just the documents of the store.
async fn check_files_follow(
    store: &Arc<dyn Store>,
    path: &Path,
    documents: impl Iterator<Item = &Document>,
    what: &str,
) {
    store.flush().await.unwrap();
    let mut files: HashSet<_> = [Kind::Node, Kind::Edge]
        .into_iter()
        .flat_map(|kind| std::fs::read_dir(path.join(kind.collection())).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    for document in documents {
        let id = document.id();
        let file = path.join(id.kind().collection()).join(format!("{id}.json"));
        let json = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(&Document::from_json(json).unwrap(), document, "{what}: {}", file.display());
        files.remove(&file);
    }
    assert!(files.is_empty(), "{what}: files of nothing: {files:?}");
}

async fn scan(store: &dyn Store, kind: Kind) -> BTreeMap<Id, Document> {
    let page = store.scan(kind, None, None, usize::MAX).await.unwrap();
    assert!(page.next.is_none());
    page.documents.into_iter().map(|document| (document.id().clone(), document)).collect()
}

/// The index on stamps must agree with the documents, also for a stamp that is not there.
async fn check_index(store: &dyn Store, stamps: &HashSet<u64>, what: &str) {
    let absent = stamps.iter().max().map_or(1, |most| most + 1);
    for stamp in stamps.iter().copied().take(COUNTED).chain([absent]) {
        let filter = Filter::parse(&json!({"context.stamp": stamp})).unwrap();
        let query = Query { filter, ..Query::entity(Kind::Node, EntityName::new("CrashPart").unwrap()) };
        let expected = if stamp == absent { 0 } else { PARTS };
        assert_eq!(store.count(&query).await.unwrap(), expected, "{what}: index on stamp {stamp}");
    }
}

/// The neighbours of every node must be those that the documents of the edges tell, in the order of the edges.
async fn check_adjacency(
    store: &dyn Store,
    nodes: &BTreeMap<Id, Document>,
    edges: &BTreeMap<Id, Document>,
    what: &str,
) {
    let mut expected: HashMap<(Direction, &Id), Vec<(&Id, &Id)>> = HashMap::new();
    for (id, edge) in edges {
        let ends = edge.ends().expect("edges have ends");
        let (source, target) = (&ends.source, &ends.target);
        for (direction, node, other) in [
            (Direction::Out, source, target),
            (Direction::In, target, source),
            (Direction::Both, source, target),
            (Direction::Both, target, source),
        ] {
            expected.entry((direction, node)).or_default().push((id, other));
        }
    }
    expected.values_mut().for_each(|links| links.sort_by(|(a, _), (b, _)| a.cmp_by_key(b)));
    let ids: Vec<Id> = nodes.keys().cloned().collect();
    let need = Direction::ALL.into_iter().fold(Need::DOCUMENT, Need::edges);
    let loaded = store.load(&ids, need).await.unwrap();
    for direction in Direction::ALL {
        let adjacency = &loaded.adjacency[direction as usize];
        for (at, id) in ids.iter().enumerate() {
            let range = adjacency.range(at);
            let found: Vec<(&Id, &Id)> =
                adjacency.links[range.clone()].iter().map(|link| (&link.edge, &link.other)).collect();
            let expected = expected.get(&(direction, id)).map(Vec::as_slice).unwrap_or_default();
            assert_eq!(found, expected, "{what}: neighbours of {id} {direction}");
            for (link, edge) in adjacency.links[range.clone()].iter().zip(&adjacency.edges[range]) {
                assert_eq!(edges.get(&link.edge), Some(edge), "{what}: edge read with {id}");
            }
        }
    }
}
