//! What is durable: documents in memory that outlive every kill, under the rules that all stores keep.

use std::collections::BTreeMap;

use wayfare_graph::{
    Adjacency, Body, Direction, Document, Ends, Id, Kind, Link, Loaded, Need, Version, Write, WriteBatch,
    WriteError, WriteResult, Written,
};

/// What the fields of a simulated document say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Mark {
    /// Which attempt to write has made them; no two make the same.
    pub(super) token: u64,
    /// The token of what that attempt was based on, 0 where it did not look.
    pub(super) base: u64,
}

impl Mark {
    /// The fields that say so.
    pub(super) fn body(self) -> Body {
        Body::encode(&self).unwrap()
    }

    /// What a document says.
    pub(super) fn of(document: &Document) -> Self {
        document.body().decode().unwrap()
    }
}

/// What one write did to one document.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    pub(super) id: Id,
    /// What is stored now, `None` when it is gone.
    pub(super) stored: Option<(Version, u64)>,
    /// The token that was stored before, if the write claims to know it.
    pub(super) over: Option<(u64, u64)>,
}

/// The documents.
#[derive(Debug, Default, Clone)]
pub(super) struct Disk {
    documents: BTreeMap<Id, Document>,
}

impl Disk {
    /// A document by its id.
    pub(super) fn get(&self, id: &Id) -> Option<&Document> {
        self.documents.get(id)
    }

    /// Nodes with what is needed of them.
    pub(super) fn load(&self, ids: &[Id], need: Need) -> Loaded {
        let documents = ids.iter().map(|id| self.get(id).cloned()).collect();
        let adjacency = Direction::ALL.map(|direction| match need.wants_links(direction) {
            true => self.adjacency(ids, direction, need.wants_edges(direction)),
            false => Adjacency::default(),
        });
        Loaded { documents, adjacency }
    }

    fn adjacency(&self, ids: &[Id], direction: Direction, with_edges: bool) -> Adjacency {
        let mut adjacency = Adjacency::default();
        for id in ids {
            if self.documents.contains_key(id) {
                adjacency.links.extend(self.links(id, direction));
            }
            adjacency.ends.push(adjacency.links.len());
        }
        if with_edges {
            let edges = adjacency.links.iter().filter_map(|link| self.get(&link.edge).cloned());
            adjacency.edges = edges.collect();
        }
        adjacency
    }

    /// The neighbours of a node, in the order of their edges.
    pub(super) fn links(&self, id: &Id, direction: Direction) -> Vec<Link> {
        let mut links = Vec::new();
        for edge in self.documents.values() {
            let Some(Ends { source, target, bidirectional }) = edge.ends() else { continue };
            let mut lead = |other: &Id| links.push(Link { edge: edge.id().clone(), other: other.clone() });
            if *bidirectional {
                match id {
                    id if id == source => lead(target),
                    id if id == target => lead(source),
                    _ => {}
                }
                continue;
            }
            if id == source && direction != Direction::In {
                lead(target);
            }
            if id == target && direction != Direction::Out {
                lead(source);
            }
        }
        links.sort_by(|a, b| a.edge.cmp_by_key(&b.edge));
        links
    }

    /// Applies batches; what each write did to which document besides.
    pub(super) fn apply(&mut self, batches: &[WriteBatch]) -> (Vec<Vec<WriteResult>>, Vec<Effect>) {
        let mut effects = Vec::new();
        let results = batches.iter().map(|batch| self.apply_batch(batch, &mut effects)).collect();
        (results, effects)
    }

    fn apply_batch(&mut self, batch: &WriteBatch, effects: &mut Vec<Effect>) -> Vec<WriteResult> {
        let before = batch.all_or_nothing.then(|| (self.documents.clone(), effects.len()));
        let results: Vec<WriteResult> =
            batch.writes.iter().map(|write| self.change(write, effects)).collect();
        let refused = results.iter().position(Result::is_err);
        let (Some((documents, done)), Some(position)) = (before, refused) else { return results };
        self.documents = documents;
        effects.truncate(done);
        let refused = |(at, result): (usize, WriteResult)| match result {
            Err(error) if at == position => Err(error),
            _ => Err(WriteError::BatchRefused { position }),
        };
        results.into_iter().enumerate().map(refused).collect()
    }

    fn change(&mut self, write: &Write, effects: &mut Vec<Effect>) -> WriteResult {
        match write {
            Write::Create { document, multi } => self.create(document, *multi, effects),
            Write::Save { document } => self.save(document, effects),
            Write::Upsert { document } => match self.get(document.id()).cloned() {
                Some(stored) => self.merge(&stored, document, effects),
                None => self.create(document, false, effects),
            },
            Write::Connect { edge, parallel } => {
                let ends = edge.ends().unwrap();
                let nth = parallel.map_or(0, |nth| nth as usize);
                match self.parallel_edges(ends, edge.id()).get(nth).cloned() {
                    Some(stored) => self.merge(&stored, edge, effects),
                    None => self.create(edge, true, effects),
                }
            }
            Write::Delete { id, expected } => self.delete(id, *expected, effects),
            other => unreachable!("the simulation does not {other:?}"),
        }
    }

    fn parallel_edges(&self, ends: &Ends, like: &Id) -> Vec<Document> {
        let joins = |edge: &&Document| {
            edge.id().entity() == like.entity()
                && edge.ends().is_some_and(|own| (&own.source, &own.target) == (&ends.source, &ends.target))
        };
        let mut edges: Vec<Document> = self.documents.values().filter(joins).cloned().collect();
        edges.sort_by(|a, b| a.id().cmp_by_key(b.id()));
        edges
    }

    fn create(&mut self, document: &Document, multi: bool, effects: &mut Vec<Effect>) -> WriteResult {
        let id = document.id();
        if self.documents.contains_key(id) {
            return Err(WriteError::AlreadyExists { id: id.clone() });
        }
        if let Some(ends) = document.ends() {
            for end in [&ends.source, &ends.target] {
                if end.kind() != Kind::Node || !self.documents.contains_key(end) {
                    return Err(WriteError::UnknownEnd {
                        source_id: ends.source.clone(),
                        target_id: ends.target.clone(),
                        missing: end.clone(),
                    });
                }
            }
            if let (false, Some(twin)) = (multi, self.parallel_edges(ends, id).first()) {
                return Err(WriteError::AlreadyExists { id: twin.id().clone() });
            }
        }
        self.put(document.clone().with_version(Version::FIRST), None, effects);
        Ok(Written::Created { id: id.clone() })
    }

    fn save(&mut self, document: &Document, effects: &mut Vec<Effect>) -> WriteResult {
        let id = document.id();
        let stored = self.get(id).ok_or_else(|| WriteError::NotFound { id: id.clone() })?;
        check_version(id, document.version(), stored)?;
        let over = Some((Mark::of(stored).token, Mark::of(document).base));
        let version = stored.version().next();
        self.put(document.clone().with_version(version), over, effects);
        Ok(Written::Changed { id: id.clone(), version })
    }

    fn merge(&mut self, stored: &Document, document: &Document, effects: &mut Vec<Effect>) -> WriteResult {
        let id = stored.id().clone();
        if stored.ends() != document.ends() {
            let reason = "it is stored with other ends or another direction: delete it and create another";
            return Err(WriteError::Unsuitable { id, reason: reason.into() });
        }
        if stored.body() == document.body() {
            return Ok(Written::Unchanged { id, version: stored.version() });
        }
        let version = stored.version().next();
        // All documents here have the same fields, so that the new ones are all there is.
        self.put(stored.clone().with_body(document.body().clone()).with_version(version), None, effects);
        Ok(Written::Changed { id, version })
    }

    fn delete(&mut self, id: &Id, expected: Option<Version>, effects: &mut Vec<Effect>) -> WriteResult {
        let stored = self.get(id).ok_or_else(|| WriteError::NotFound { id: id.clone() })?.clone();
        if let Some(expected) = expected {
            check_version(id, expected, &stored)?;
        }
        let (mut edges, mut neighbours) = (Vec::new(), Vec::new());
        match stored.ends() {
            Some(ends) => neighbours.extend([ends.source.clone(), ends.target.clone()]),
            None => {
                let mut links = self.links(id, Direction::Both);
                links.dedup_by(|a, b| a.edge == b.edge);
                for link in links {
                    self.take(&link.edge, effects);
                    edges.push(link.edge);
                    neighbours.push(link.other);
                }
            }
        }
        self.take(id, effects);
        let mut seen = std::collections::BTreeSet::new();
        neighbours.retain(|node| node != id && seen.insert(node.clone()));
        Ok(Written::Deleted { id: id.clone(), edges, neighbours })
    }

    fn put(&mut self, document: Document, over: Option<(u64, u64)>, effects: &mut Vec<Effect>) {
        let stored = Some((document.version(), Mark::of(&document).token));
        effects.push(Effect { id: document.id().clone(), stored, over });
        self.documents.insert(document.id().clone(), document);
    }

    fn take(&mut self, id: &Id, effects: &mut Vec<Effect>) {
        self.documents.remove(id);
        effects.push(Effect { id: id.clone(), stored: None, over: None });
    }
}

fn check_version(id: &Id, expected: Version, stored: &Document) -> Result<(), WriteError> {
    match stored.version() {
        found if found == expected => Ok(()),
        found => Err(WriteError::Conflict { id: id.clone(), expected, found }),
    }
}

/// The rules are those of a store: random batches come to the same here as in the embedded one.
#[tokio::test]
async fn the_simulated_disk_keeps_the_rules_of_the_embedded_store() {
    use wayfare_graph::{EntityName, Key, Random, Store};
    use wayfare_stores::{EmbeddedOptions, EmbeddedStore};

    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path(), EmbeddedOptions::default()).unwrap();
    let mut disk = Disk::default();
    let mut random = Random::new(5);
    let id = |kind, entity: &str, number: u64| {
        Id::new(kind, EntityName::new(entity).unwrap(), &Key::new(&format!("k{number}")).unwrap())
    };
    let nodes: Vec<Id> = (0..5).map(|number| id(Kind::Node, "DiskNode", number)).collect();
    for step in 0..3_000 {
        let writes = (0..1 + random.below(3)).map(|_| {
            let mark = Mark { token: random.below(3), base: 0 };
            let node = nodes[random.below(5) as usize].clone();
            let ends = Ends {
                source: nodes[random.below(5) as usize].clone(),
                target: nodes[random.below(5) as usize].clone(),
                bidirectional: random.below(3) == 0,
            };
            let edge = Document::edge(id(Kind::Edge, "DiskEdge", random.below(6)), ends, mark.body());
            let document = Document::new(node.clone(), mark.body());
            match random.below(8) {
                0 => Write::Create { document, multi: false },
                1 | 2 => Write::Save { document: document.with_version(Version(1 + random.below(4))) },
                3 => Write::Upsert { document },
                4 => Write::Create { document: edge, multi: random.below(2) == 0 },
                5 => Write::Connect { edge, parallel: [None, Some(1)][random.below(2) as usize] },
                6 => Write::Delete { id: edge.id().clone(), expected: None },
                _ => Write::Delete { id: node, expected: Some(Version(1 + random.below(3))) },
            }
        });
        let batch = WriteBatch { writes: writes.collect(), all_or_nothing: random.below(3) == 0 };
        let batches = [batch];
        let expected = store.apply(&batches).await.unwrap();
        let (results, effects) = disk.apply(&batches);
        assert_eq!(results, expected, "step {step}: {batches:?}");
        for effect in effects {
            let stored = store.get_many(std::slice::from_ref(&effect.id)).await.unwrap().pop().flatten();
            assert_eq!(disk.get(&effect.id), stored.as_ref(), "step {step}: {batches:?}");
        }
        let need = Direction::ALL.into_iter().fold(Need::DOCUMENT, Need::edges);
        let (here, there) = (disk.load(&nodes, need), store.load(&nodes, need).await.unwrap());
        assert_eq!(format!("{here:?}"), format!("{there:?}"), "step {step}: {batches:?}");
    }
}
