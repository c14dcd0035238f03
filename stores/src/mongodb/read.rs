//! Documents by id, and nodes with their neighbours.

use bson::{Bson, Document as BsonDocument, doc};
use futures_util::{StreamExt, TryStreamExt, stream};
use rustc_hash::FxHashMap;
use wayfare_graph::{Adjacency, Direction, Document, Id, Kind, Link, Loaded, Need, StoreError};

use super::document::decode;
use super::server::Server;

/// Ids in one question: from here on, more of them no longer make reading a document cheaper (57,000 a second).
pub(super) const IDS_A_QUERY: usize = 500;

/// Questions of one call that are under way at once.
const QUERIES_IN_FLIGHT: usize = 4;

impl Server {
    /// Documents by id, in the order of the ids.
    pub(super) async fn get_many(&self, ids: &[Id]) -> Result<Vec<Option<Document>>, StoreError> {
        let mut found = self.documents(ids).await?;
        let mut left = FxHashMap::<&Id, usize>::default();
        for id in ids {
            *left.entry(id).or_default() += 1;
        }
        // The last one asked for an id gets the document itself, those before it copies.
        let take = |id: &Id| {
            let left = left.get_mut(id)?;
            *left -= 1;
            if *left == 0 { found.remove(id) } else { found.get(id).cloned() }
        };
        Ok(ids.iter().map(take).collect())
    }

    /// The documents that there are of some ids.
    pub(super) async fn documents(&self, ids: &[Id]) -> Result<FxHashMap<Id, Document>, StoreError> {
        let stored = self.stored(ids, BsonDocument::new()).await?;
        let decoded = stored.into_iter().map(|stored| {
            let document = decode(stored)?;
            Ok((document.id().clone(), document))
        });
        decoded.collect()
    }

    /// What is stored under some ids, of any kind, with only the members of a projection unless it is empty.
    pub(super) async fn stored(
        &self,
        ids: &[Id],
        projection: BsonDocument,
    ) -> Result<Vec<BsonDocument>, StoreError> {
        let mut questions = Vec::new();
        for kind in [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker] {
            let mut texts: Vec<Bson> =
                ids.iter().filter(|id| id.kind() == kind).map(|id| Bson::from(id.to_string())).collect();
            texts.sort_unstable_by(|a, b| a.as_str().cmp(&b.as_str()));
            texts.dedup();
            let chunks = texts.chunks(IDS_A_QUERY);
            questions.extend(chunks.map(|ids| (kind, doc! { "_id": { "$in": ids.to_vec() } })));
        }
        self.ask_all(questions, projection).await
    }

    /// Asks several questions at once and puts the answers together, in no order.
    async fn ask_all(
        &self,
        questions: Vec<(Kind, BsonDocument)>,
        projection: BsonDocument,
    ) -> Result<Vec<BsonDocument>, StoreError> {
        let projection = &projection;
        let asked = stream::iter(questions)
            .map(|(kind, filter)| async move { self.fetch(kind, filter, projection.clone()).await });
        let answers: Vec<Vec<BsonDocument>> = asked.buffer_unordered(QUERIES_IN_FLIGHT).try_collect().await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Asks one question.
    pub(super) async fn fetch(
        &self,
        kind: Kind,
        filter: BsonDocument,
        projection: BsonDocument,
    ) -> Result<Vec<BsonDocument>, StoreError> {
        self.read_all(|| async {
            let collection = self.safe_collection(kind);
            let mut find = collection.find(filter.clone());
            if !projection.is_empty() {
                find = find.projection(projection.clone());
            }
            find.await
        })
        .await
    }

    /// Nodes and their neighbours, and edges.
    pub(super) async fn load(&self, ids: &[Id], need: Need) -> Result<Loaded, StoreError> {
        let wanted: Vec<Direction> =
            Direction::ALL.into_iter().filter(|&direction| need.wants_links(direction)).collect();
        let loadable: Vec<Id> =
            ids.iter().filter(|id| matches!(id.kind(), Kind::Node | Kind::Edge)).cloned().collect();
        let edges = async {
            match wanted.is_empty() {
                true => Ok(Vec::new()),
                false => self.edges_of(&loadable, &wanted, need).await,
            }
        };
        let (documents, edges) = futures_util::try_join!(self.get_many(&loadable), edges)?;
        let mut loaded = Loaded::default();
        let mut documents = documents.into_iter();
        for id in ids {
            let is_loadable = matches!(id.kind(), Kind::Node | Kind::Edge);
            loaded.documents.push(if is_loadable { documents.next().flatten() } else { None });
        }
        for direction in wanted {
            let with_edges = need.wants_edges(direction);
            loaded.adjacency[direction as usize] =
                adjacency(ids, &loaded.documents, &edges, direction, with_edges);
        }
        Ok(loaded)
    }

    /// The edges that can be followed from nodes in some directions, in the order of [`Id::cmp_by_key`].
    async fn edges_of(
        &self,
        nodes: &[Id],
        directions: &[Direction],
        need: Need,
    ) -> Result<Vec<Document>, StoreError> {
        let leaving = directions.iter().any(|&direction| direction != Direction::In);
        let entering = directions.iter().any(|&direction| direction != Direction::Out);
        let texts: Vec<Bson> =
            nodes.iter().filter(|id| id.kind() == Kind::Node).map(|id| Bson::from(id.to_string())).collect();
        let mut questions = Vec::new();
        for chunk in texts.chunks(IDS_A_QUERY) {
            for (end, directed) in [("source", leaving), ("target", entering)] {
                let mut filter = doc! { end: { "$in": chunk.to_vec() } };
                if !directed {
                    // From this end, only those can be followed that can be from either.
                    filter.insert("bidirectional", true);
                }
                questions.push((Kind::Edge, filter));
            }
        }
        let fields_wanted = directions.iter().any(|&direction| need.wants_edges(direction));
        let projection = match fields_wanted {
            true => BsonDocument::new(),
            false => doc! { "source": 1, "target": 1, "bidirectional": 1 },
        };
        let stored = self.ask_all(questions, projection).await?;
        let mut edges = stored.into_iter().map(decode).collect::<Result<Vec<Document>, StoreError>>()?;
        edges.sort_unstable_by(|a, b| a.id().cmp_by_key(b.id()));
        // An edge between two of the nodes was found from both ends.
        edges.dedup_by(|a, b| a.id() == b.id());
        Ok(edges)
    }
}

/// The neighbours of nodes in one direction, of all edges at them.
fn adjacency(
    ids: &[Id],
    documents: &[Option<Document>],
    edges: &[Document],
    direction: Direction,
    with_edges: bool,
) -> Adjacency {
    let mut at = FxHashMap::<&Id, Vec<(usize, &Id)>>::default();
    for (number, edge) in edges.iter().enumerate() {
        for (node, other) in followed(edge, direction) {
            at.entry(node).or_default().push((number, other));
        }
    }
    let mut adjacency = Adjacency::default();
    for (id, document) in ids.iter().zip(documents) {
        if document.is_some() && id.kind() == Kind::Node {
            for &(number, other) in at.get(id).into_iter().flatten() {
                let edge = &edges[number];
                adjacency.links.push(Link { edge: edge.id().clone(), other: other.clone() });
                if with_edges {
                    adjacency.edges.push(edge.clone());
                }
            }
        }
        adjacency.ends.push(adjacency.links.len());
    }
    adjacency
}

/// The nodes from which an edge can be followed in a direction, each with the node it leads to.
fn followed(edge: &Document, direction: Direction) -> impl Iterator<Item = (&Id, &Id)> {
    let ends = edge.ends();
    let leaves = ends.filter(|ends| direction != Direction::In || ends.bidirectional);
    let enters = ends.filter(|ends| direction != Direction::Out || ends.bidirectional);
    // A bidirectional self loop leads to the same node whichever way it is taken, so it counts once.
    let enters = enters.filter(|ends| leaves.is_none() || ends.source != ends.target || !ends.bidirectional);
    let leaves = leaves.map(|ends| (&ends.source, &ends.target));
    leaves.into_iter().chain(enters.map(|ends| (&ends.target, &ends.source)))
}
