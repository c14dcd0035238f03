//! What writes have to know of what is stored.

use bson::{Bson, Document as BsonDocument, doc};
use rustc_hash::{FxHashMap, FxHashSet};
use wayfare_graph::{Document, Ends, EntityName, Id, Kind, Write};

use super::document::{PARALLEL, decode};
use super::fault::Tried;
use super::read::IDS_A_QUERY;
use super::writing::Writing;

/// Source, target and entity of edges.
pub(super) type Pair = (Id, Id, EntityName);

/// An edge of a pair.
#[derive(Debug, Clone)]
pub(super) struct PairEdge {
    pub(super) document: Document,
    /// What tells it from others of the pair.
    pub(super) parallel: Option<Bson>,
}

/// What was stored when it was looked at.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) documents: FxHashMap<Id, Document>,
    /// Nodes that exist, of those that edges need.
    pub(super) nodes: FxHashSet<Id>,
    /// The edges of pairs, in the order of their ids.
    pub(super) pairs: FxHashMap<Pair, Vec<PairEdge>>,
}

impl Look {
    /// The end of an edge that does not exist.
    pub(super) fn missing_end<'e>(&self, ends: &'e Ends) -> Option<&'e Id> {
        [&ends.source, &ends.target].into_iter().find(|end| !self.nodes.contains(end))
    }

    /// The edges that join the ends of an edge as it does.
    pub(super) fn pair(&self, edge: &Id, ends: &Ends) -> &[PairEdge] {
        self.pairs.get(&pair_of(edge, ends)).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn pair_of(edge: &Id, ends: &Ends) -> Pair {
    (ends.source.clone(), ends.target.clone(), edge.entity())
}

/// What has to be looked at.
#[derive(Debug, Default)]
struct Wanted {
    documents: Vec<Id>,
    nodes: FxHashSet<Id>,
    pairs: FxHashSet<Pair>,
}

impl Wanted {
    fn add(&mut self, write: &Write, parallel_edges: bool) {
        match write {
            Write::Create { document, multi } => {
                if let (Kind::Edge, Some(ends)) = (document.id().kind(), document.ends()) {
                    self.add_edge(document.id(), ends, !multi || !parallel_edges);
                }
            }
            Write::Upsert { document } => match document.ends() {
                Some(ends) => self.add_edge(document.id(), ends, true),
                None => self.documents.push(document.id().clone()),
            },
            Write::Connect { edge, .. } => {
                if let Some(ends) = edge.ends() {
                    self.add_edge(edge.id(), ends, true);
                }
            }
            Write::Put { document } => {
                self.documents.push(document.id().clone());
                self.pairs.extend(document.ends().map(|ends| pair_of(document.id(), ends)));
            }
            Write::Delete { id, .. } => self.documents.push(id.clone()),
            _ => {}
        }
    }

    fn add_edge(&mut self, edge: &Id, ends: &Ends, pair: bool) {
        self.documents.push(edge.clone());
        self.nodes.extend([ends.source.clone(), ends.target.clone()]);
        if pair {
            self.pairs.insert(pair_of(edge, ends));
        }
    }
}

impl Writing<'_> {
    /// Looks at what some writes have to know.
    pub(super) async fn look<'w>(&self, writes: impl Iterator<Item = &'w Write>) -> Tried<Look> {
        let mut wanted = Wanted::default();
        writes.for_each(|write| wanted.add(write, self.server.parallel_edges));
        let documents = async {
            match wanted.documents.is_empty() {
                true => Ok(FxHashMap::default()),
                false => self.documents(&wanted.documents).await,
            }
        };
        let (documents, nodes, pairs) =
            futures_util::try_join!(documents, self.existing(&wanted.nodes), self.pairs(&wanted.pairs))?;
        Ok(Look { documents, nodes, pairs })
    }

    /// The nodes that exist among some.
    pub(super) async fn existing(&self, nodes: &FxHashSet<Id>) -> Tried<FxHashSet<Id>> {
        let ids: Vec<Id> = nodes.iter().filter(|id| id.kind() == Kind::Node).cloned().collect();
        if ids.is_empty() {
            return Ok(FxHashSet::default());
        }
        let stored = self.stored(Kind::Node, &ids, doc! { "_id": 1 }).await?;
        Ok(stored.iter().filter_map(|stored| stored.get_str("_id").ok()?.parse().ok()).collect())
    }

    async fn pairs(&self, pairs: &FxHashSet<Pair>) -> Tried<FxHashMap<Pair, Vec<PairEdge>>> {
        let mut found = FxHashMap::<Pair, Vec<PairEdge>>::default();
        let pairs: Vec<&Pair> = pairs.iter().collect();
        for chunk in pairs.chunks(IDS_A_QUERY) {
            for stored in self.ask(Kind::Edge, edges_of(chunk), BsonDocument::new()).await? {
                let parallel = stored.get(PARALLEL).cloned();
                let document = decode(stored)?;
                if let Some(pair) = document.ends().map(|ends| pair_of(document.id(), ends)) {
                    found.entry(pair).or_default().push(PairEdge { document, parallel });
                }
            }
        }
        for edges in found.values_mut() {
            edges.sort_by(|a, b| a.document.id().cmp_by_key(b.document.id()));
        }
        Ok(found)
    }
}

/// The edges of some pairs, and perhaps a few more: those of one's source with another's target.
///
/// The server walks through the index of ends from one wanted pair to the next, which is quicker than a question of
/// its own for each pair.
fn edges_of(pairs: &[&Pair]) -> BsonDocument {
    let texts = |ids: FxHashSet<&Id>| ids.into_iter().map(ToString::to_string).collect::<Vec<_>>();
    let sources = texts(pairs.iter().map(|(source, ..)| source).collect());
    let targets = texts(pairs.iter().map(|(_, target, _)| target).collect());
    doc! { "source": { "$in": sources }, "target": { "$in": targets } }
}
