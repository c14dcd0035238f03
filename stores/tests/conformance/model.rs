//! Random writes against a plain map.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wayfare_graph::{
    Direction, Document, Ends, Id, Kind, Need, Random, Store, Version, Write, WriteBatch, WriteError,
    WriteResult, Written,
};

use crate::harness::*;

const STEPS: usize = 700;
const NODES: u64 = 12;
const EDGES: u64 = 30;

type Fields = Map<String, Value>;

/// A document as the model has it.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    version: u64,
    fields: Fields,
    ends: Option<Ends>,
}

/// The graph as a map, with the rules of the port and nothing else.
#[derive(Debug, Clone, Default)]
struct Model(BTreeMap<Id, Entry>);

impl Model {
    fn holder(&self, id: &Id, fields: &Fields) -> Option<Id> {
        let code = fields.get("code")?;
        let has_it = |(other, entry): &(&Id, &Entry)| {
            *other != id
                && other.kind() == Kind::Node
                && other.entity() == name("City")
                && entry.fields.get("code") == Some(code)
        };
        let unique = id.kind() == Kind::Node && id.entity() == name("City");
        unique.then(|| self.0.iter().find(has_it))?.map(|(other, _)| other.clone())
    }

    fn put(&mut self, id: &Id, entry: Entry) -> Result<(), WriteError> {
        if let Some(holder) = self.holder(id, &entry.fields) {
            let values = json!([entry.fields["code"]]);
            return Err(WriteError::UniqueViolation {
                entity: id.entity(),
                fields: vec!["code".into()],
                values,
                holder,
            });
        }
        self.0.insert(id.clone(), entry);
        Ok(())
    }

    /// The edges of an entity between two nodes, in the order of their ids.
    fn parallel(&self, id: &Id, ends: &Ends) -> Vec<Id> {
        let same = |entry: &Entry| {
            entry.ends.as_ref().is_some_and(|e| (&e.source, &e.target) == (&ends.source, &ends.target))
        };
        let edges = self.0.iter().filter(|(other, entry)| other.entity() == id.entity() && same(entry));
        edges.map(|(other, _)| other.clone()).collect()
    }

    fn create(&mut self, document: &Document, multi: bool) -> WriteResult {
        let id = document.id();
        if self.0.contains_key(id) {
            return Err(WriteError::AlreadyExists { id: id.clone() });
        }
        if let Some(ends) = document.ends() {
            if let Some(missing) =
                [&ends.source, &ends.target].into_iter().find(|end| !self.0.contains_key(end))
            {
                let (source_id, target_id) = (ends.source.clone(), ends.target.clone());
                return Err(WriteError::UnknownEnd { source_id, target_id, missing: missing.clone() });
            }
            if let (false, Some(twin)) = (multi, self.parallel(id, ends).into_iter().next()) {
                return Err(WriteError::AlreadyExists { id: twin });
            }
        }
        let fields = document.context().unwrap();
        self.put(id, Entry { version: 1, fields, ends: document.ends().cloned() })?;
        Ok(Written::Created { id: id.clone() })
    }

    fn save(&mut self, document: &Document) -> WriteResult {
        let id = document.id();
        let stored = self.0.get(id).ok_or_else(|| WriteError::NotFound { id: id.clone() })?.clone();
        if stored.version != document.version().0 {
            return Err(WriteError::Conflict {
                id: id.clone(),
                expected: document.version(),
                found: Version(stored.version),
            });
        }
        check_ends(id, &stored, document)?;
        let version = stored.version + 1;
        self.put(id, Entry { version, fields: document.context().unwrap(), ..stored })?;
        Ok(Written::Changed { id: id.clone(), version: Version(version) })
    }

    fn merge(&mut self, id: &Id, document: &Document) -> WriteResult {
        let mut entry = self.0[id].clone();
        check_ends(id, &entry, document)?;
        entry.fields.extend(document.context().unwrap());
        if entry == self.0[id] {
            return Ok(Written::Unchanged { id: id.clone(), version: Version(entry.version) });
        }
        entry.version += 1;
        let version = Version(entry.version);
        self.put(id, entry)?;
        Ok(Written::Changed { id: id.clone(), version })
    }

    fn delete(&mut self, id: &Id, expected: Option<Version>) -> WriteResult {
        let stored = self.0.get(id).ok_or_else(|| WriteError::NotFound { id: id.clone() })?;
        if let Some(expected) = expected.filter(|expected| expected.0 != stored.version) {
            return Err(WriteError::Conflict { id: id.clone(), expected, found: Version(stored.version) });
        }
        let stored = self.0.remove(id).unwrap();
        let touches =
            |entry: &Entry| entry.ends.as_ref().is_some_and(|ends| ends.source == *id || ends.target == *id);
        let mut edges: Vec<Id> =
            self.0.iter().filter(|(_, entry)| touches(entry)).map(|(edge, _)| edge.clone()).collect();
        edges.sort_by(Id::cmp_by_key);
        let mut ends: Vec<Ends> = stored.ends.into_iter().collect();
        ends.extend(edges.iter().map(|edge| self.0.remove(edge).unwrap().ends.unwrap()));
        let mut neighbours: Vec<Id> = ends.into_iter().flat_map(|ends| [ends.source, ends.target]).collect();
        neighbours.retain(|node| node != id);
        neighbours.sort();
        neighbours.dedup();
        Ok(Written::Deleted { id: id.clone(), edges, neighbours })
    }

    fn write(&mut self, write: &Write) -> WriteResult {
        match write {
            Write::Create { document, multi } => self.create(document, *multi),
            Write::Save { document } => self.save(document),
            Write::Upsert { document } if self.0.contains_key(document.id()) => {
                self.merge(document.id(), document)
            }
            Write::Upsert { document } => self.create(document, false),
            Write::Connect { edge, parallel } => {
                let nth = parallel.unwrap_or(0) as usize;
                match self.parallel(edge.id(), edge.ends().unwrap()).get(nth) {
                    Some(found) => self.merge(&found.clone(), edge),
                    None => self.create(edge, true),
                }
            }
            Write::Delete { id, expected } => self.delete(id, *expected),
            other => panic!("{other:?}"),
        }
    }

    fn apply(&mut self, batch: &WriteBatch) -> Vec<WriteResult> {
        let before = self.clone();
        let mut results: Vec<WriteResult> = Vec::new();
        for write in &batch.writes {
            results.push(self.write(write));
            if batch.all_or_nothing && results.last().is_some_and(Result::is_err) {
                *self = before;
                let position = results.len() - 1;
                let refused = results.pop().unwrap();
                results = vec![Err(WriteError::BatchRefused { position }); batch.writes.len()];
                results[position] = refused;
                break;
            }
        }
        results
    }

    /// The neighbours of a node as (edge, other end).
    fn links(&self, node: &Id, direction: Direction) -> Vec<(Id, Id)> {
        let mut links = Vec::new();
        for (edge, entry) in &self.0 {
            let Some(Ends { source, target, bidirectional }) = &entry.ends else { continue };
            let leaves = source == node || (*bidirectional && target == node);
            let enters = target == node || (*bidirectional && source == node);
            let other = if source == node { target } else { source };
            let times = match direction {
                Direction::Out => usize::from(leaves),
                Direction::In => usize::from(enters),
                Direction::Both if *bidirectional => usize::from(leaves),
                Direction::Both => usize::from(leaves) + usize::from(enters),
            };
            links.extend(std::iter::repeat_n((edge.clone(), other.clone()), times));
        }
        links.sort_by(|a, b| a.0.cmp_by_key(&b.0));
        links
    }
}

/// Why a write is unsuitable is the store's to say, so results are compared without the reason.
fn unsuitable(id: &Id) -> WriteError {
    WriteError::Unsuitable { id: id.clone(), reason: String::new() }
}

fn check_ends(id: &Id, stored: &Entry, document: &Document) -> Result<(), WriteError> {
    if stored.ends.as_ref() == document.ends() { Ok(()) } else { Err(unsuitable(id)) }
}

struct Script(Random);

impl Script {
    fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }

    fn node_id(&mut self) -> Id {
        self.id_of(Kind::Node)
    }

    /// Objects and walkers have the entities and keys of nodes, which must not mix them up.
    fn id_of(&mut self, kind: Kind) -> Id {
        let entity = ["City", "Town"][self.below(2) as usize];
        let n = self.below(NODES);
        let kind = kind.letter();
        id(&match n % 2 {
            0 => format!("{kind}.{entity}.given-{n}"),
            _ => format!("{kind}.{entity}.{n:024x}"),
        })
    }

    /// Mostly a node.
    fn endless_id(&mut self) -> Id {
        let kind = match self.below(8) {
            0 => Kind::Object,
            1 | 2 => Kind::Walker,
            _ => Kind::Node,
        };
        self.id_of(kind)
    }

    fn edge_id(&mut self) -> Id {
        let entity = ["Road", "Rail"][self.below(2) as usize];
        let n = self.below(EDGES);
        id(&if n.is_multiple_of(3) { format!("e.{entity}.e{n}") } else { format!("e.{entity}.{n:024x}") })
    }

    fn fields(&mut self) -> Value {
        let mut fields = Map::new();
        for name in ["a", "b"] {
            if self.below(2) == 0 {
                fields.insert(name.into(), json!(self.below(3)));
            }
        }
        if self.below(3) == 0 {
            fields.insert("code".into(), json!(format!("code {}", self.below(9))));
        }
        Value::Object(fields)
    }

    fn document(&mut self, model: &Model, edge: bool) -> Document {
        let id = if edge { self.edge_id() } else { self.endless_id() };
        let mut json = json!({"id": id, "context": self.fields()});
        if edge {
            // An edge that is stored mostly keeps its ends.
            let moved = self.below(12) == 0;
            let stored = model.0.get(&id).and_then(|entry| entry.ends.clone()).filter(|_| !moved);
            let ends = stored.unwrap_or_else(|| {
                let (source, target) = (self.node_id(), self.node_id());
                // Whether a road is bidirectional hangs on its ends, so that parallel ones agree.
                let bidirectional = source < target;
                Ends { source, target, bidirectional }
            });
            json["source"] = json!(ends.source);
            json["target"] = json!(ends.target);
            json["bidirectional"] = json!(ends.bidirectional);
        }
        let version = model.0.get(&id).map_or(1, |entry| entry.version);
        let version = if self.below(6) == 0 { version + 1 } else { version };
        document(json).with_version(Version(version))
    }

    fn write(&mut self, model: &Model) -> Write {
        let edge = self.below(3) > 0;
        let document = self.document(model, edge);
        match self.below(if edge { 10 } else { 12 }) {
            0..=2 => Write::Create { document, multi: self.below(2) == 0 },
            3 | 4 => Write::Save { document },
            5 | 6 => Write::Upsert { document },
            7..=8 if edge => Write::Connect {
                edge: document,
                parallel: [None, Some(0), Some(1), Some(2)][self.below(4) as usize],
            },
            7..=10 => Write::Create { document, multi: false },
            _ => {
                let expected = [None, Some(document.version())][self.below(2) as usize];
                Write::Delete { id: document.id().clone(), expected }
            }
        }
    }
}

/// Leaves out what stores may do each in its way.
fn normalize(results: &mut [Vec<WriteResult>]) {
    for result in results.iter_mut().flatten() {
        match result {
            Ok(Written::Deleted { neighbours, .. }) => neighbours.sort(),
            Err(WriteError::Unsuitable { id, .. }) => *result = Err(unsuitable(&id.clone())),
            _ => {}
        }
    }
}

/// Compares everything that can be read.
async fn compare(store: &dyn Store, model: &Model) {
    let mut all = BTreeMap::new();
    for kind in [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker] {
        for document in store.scan(kind, None, None, usize::MAX).await.unwrap().documents {
            let fields = document.context().unwrap();
            let entry = Entry { version: document.version().0, fields, ends: document.ends().cloned() };
            all.insert(document.id().clone(), entry);
        }
    }
    all.remove(&Id::root());
    assert_eq!(all, model.0);
    let nodes: Vec<Id> = model.0.keys().filter(|id| id.kind() == Kind::Node).cloned().collect();
    let need = Direction::ALL.into_iter().fold(Need::DOCUMENT, Need::edges);
    let loaded = store.load(&nodes, need).await.unwrap();
    for (n, node) in nodes.iter().enumerate() {
        for direction in Direction::ALL {
            let adjacency = &loaded.adjacency[direction as usize];
            let range = adjacency.range(n);
            let links: Vec<_> = adjacency.links[range.clone()]
                .iter()
                .map(|link| (link.edge.clone(), link.other.clone()))
                .collect();
            assert_eq!(links, model.links(node, direction), "{node} {direction}");
            for (link, edge) in adjacency.links[range.clone()].iter().zip(&adjacency.edges[range]) {
                assert_eq!((edge.id(), edge.version().0), (&link.edge, model.0[&link.edge].version));
            }
        }
    }
    for n in 0..9 {
        let code = format!("code {n}");
        let by_code = query(Kind::Node, "City", json!({"context.code": code}));
        let wanted = model.0.iter().filter(|(id, entry)| {
            id.kind() == Kind::Node
                && id.entity() == name("City")
                && entry.fields.get("code") == Some(&json!(code))
        });
        assert_eq!(store.count(&by_code).await.unwrap(), wanted.count() as u64);
    }
}

/// Runs the same random writes on a fresh store and on the model, opening the store again in between.
pub fn check<P: Place>() {
    let seed = std::env::var("MODEL_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("MODEL_SEED={seed}");
    let Some(place) = P::new() else { return };
    let mut store = place.open();
    block_on(store.create_index(&index("City", &["code"], true))).unwrap();
    let mut script = Script(Random::new(seed));
    let mut model = Model::default();
    let mut done = BTreeMap::<&str, usize>::new();
    for step in 0..STEPS {
        if step % 100 == 99 {
            drop(store);
            store = place.open();
        }
        let batches: Vec<WriteBatch> = (0..1 + script.below(3))
            .map(|_| {
                let writes = (0..1 + script.below(5)).map(|_| script.write(&model)).collect();
                WriteBatch { writes, all_or_nothing: script.below(3) == 0 }
            })
            .collect();
        let wanted: Vec<_> = batches.iter().map(|batch| model.apply(batch)).collect();
        let mut got = block_on(store.apply(&batches)).unwrap();
        normalize(&mut got);
        assert_eq!(got, wanted, "step {step}: {batches:#?}");
        for result in got.iter().flatten() {
            *done.entry(sort_of(result)).or_default() += 1;
        }
        if step % 20 == 0 {
            block_on(compare(&*store, &model));
        }
    }
    block_on(compare(&*store, &model));
    // A script that never comes to one of these would show nothing about it.
    assert_eq!(done.len(), 11, "{done:?}");
    assert!(done.values().all(|&times| times > 3), "{done:?}");
}

fn sort_of(result: &WriteResult) -> &'static str {
    match result {
        Ok(Written::Created { .. }) => "created",
        Ok(Written::Changed { .. }) => "changed",
        Ok(Written::Unchanged { .. }) => "unchanged",
        Ok(Written::Deleted { .. }) => "deleted",
        Err(WriteError::AlreadyExists { .. }) => "already exists",
        Err(WriteError::Conflict { .. }) => "conflict",
        Err(WriteError::NotFound { .. }) => "not found",
        Err(WriteError::UnknownEnd { .. }) => "unknown end",
        Err(WriteError::UniqueViolation { .. }) => "unique violation",
        Err(WriteError::BatchRefused { .. }) => "batch refused",
        Err(WriteError::Unsuitable { .. }) => "unsuitable",
        other => panic!("{other:?}"),
    }
}
