//! What writes have to know of what is stored.

use bson::{Bson, Document as BsonDocument, doc};
use rustc_hash::{FxHashMap, FxHashSet};
use wayfare_graph::{Document, Ends, EntityName, Id, Kind, StoreError, Write};

use super::document::{PARALLEL, decode};
use super::fault::Tried;
use super::read::IDS_A_QUERY;
use super::writing::Writing;

/// Sources that are asked for with each other's targets, measured: 500 pairs of as many sources take 3.5 ms so, 9 ms
/// with each source by itself.
const SOURCES_A_WAY: usize = 4;

/// Source, target and entity of edges.
pub(super) type Pair = (Id, Id, EntityName);

/// What is stored under an id: a document, or why it is none.
pub(super) type Stored = Result<Document, String>;

/// An edge of a pair.
#[derive(Debug, Clone)]
pub(super) struct PairEdge {
    pub(super) id: Id,
    pub(super) stored: Stored,
    /// What tells it from others of the pair.
    pub(super) parallel: Option<Bson>,
}

/// What was stored when it was looked at.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) documents: FxHashMap<Id, Stored>,
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

/// Reads a stored document for a write, which is all that is refused if it is damaged.
pub(super) fn stored_of(stored: BsonDocument) -> Stored {
    decode(stored).map_err(|error| match error {
        StoreError::Damaged { reason, .. } => reason,
        other => other.to_string(),
    })
}

/// The id and the ends of a stored edge, as far as they can be read, whatever else is wrong with it.
pub(super) fn raw_pair(stored: &BsonDocument) -> Option<(Id, Id, Id)> {
    let id = |member: &str| stored.get_str(member).ok()?.parse::<Id>().ok();
    Some((id("_id")?, id("source")?, id("target")?))
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
        let wanted: Vec<&Pair> = pairs.iter().collect();
        for chunk in wanted.chunks(IDS_A_QUERY) {
            for stored in self.ask(Kind::Edge, edges_of(chunk), BsonDocument::new()).await? {
                let Some((id, source, target)) = raw_pair(&stored) else { continue };
                let pair = (source, target, id.entity());
                if pairs.contains(&pair) {
                    let parallel = stored.get(PARALLEL).cloned();
                    let edge = PairEdge { id, stored: stored_of(stored), parallel };
                    found.entry(pair).or_default().push(edge);
                }
            }
        }
        for edges in found.values_mut() {
            edges.sort_by(|a, b| a.id.cmp_by_key(&b.id));
        }
        Ok(found)
    }
}

/// The edges of some pairs, and perhaps a few more: those of one's source with another's target or entity, a few times
/// as many as there are pairs.
///
/// The server walks through the index of ends from one wanted pair to the next, which is quicker than a question of
/// its own for each pair. Asked for all sources with all targets at once, it would send the whole of a dense graph.
fn edges_of(pairs: &[&Pair]) -> BsonDocument {
    let mut targets_of = FxHashMap::<&Id, Vec<String>>::default();
    for (source, target, _) in pairs {
        targets_of.entry(source).or_default().push(target.to_string());
    }
    let entities: FxHashSet<EntityName> = pairs.iter().map(|(.., entity)| *entity).collect();
    let names = entities.into_iter().map(|entity| Bson::from(entity.as_str()));
    // Null also matches where the member is missing: the entity is that of the id then.
    let names: Vec<Bson> = names.chain([Bson::Null]).collect();
    let targets_of: Vec<(&Id, Vec<String>)> = targets_of.into_iter().collect();
    let ways = targets_of.chunks(SOURCES_A_WAY).map(|some| {
        let sources: Vec<String> = some.iter().map(|(source, _)| source.to_string()).collect();
        let targets: FxHashSet<&str> = some.iter().flat_map(|(_, targets)| targets).map(String::as_str).collect();
        let targets: Vec<&str> = targets.into_iter().collect();
        doc! { "source": { "$in": sources }, "target": { "$in": targets }, "entity": { "$in": names.clone() } }
    });
    doc! { "$or": ways.collect::<Vec<_>>() }
}
