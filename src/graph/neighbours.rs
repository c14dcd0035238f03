//! The neighbours of many nodes at once.

use wayfare_graph::{Direction, Document, EdgeEntity, Id, Kind, Need, NodeEntity};

use super::Graph;
use crate::error::{Error, Result};
use crate::stored::Stored;

/// A neighbour of a node: the edge that leads there, and the node at its other end.
///
/// `N` is the node's id, or the node itself as a [`Stored`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Neighbour<E, N = Id> {
    /// The edge.
    pub edge: Stored<E>,
    /// The node at its other end; the node itself for a self loop.
    pub node: N,
}

impl Graph {
    /// The neighbours of nodes along edges of an entity, for each node in the order of creation of its edges.
    /// One call to the store, however many nodes.
    ///
    /// A node that does not exist has none. Walks go on their own way, which reads nothing twice; this is for
    /// services.
    ///
    /// ```
    /// # use wayfare::{Direction, Runtime, edge, node};
    /// # #[node] struct City { name: String }
    /// # #[edge] struct Road { km: f64 }
    /// # #[tokio::main]
    /// # async fn main() -> wayfare::Result<()> {
    /// # let folder = tempfile::tempdir().expect("a folder for the example");
    /// # let runtime = Runtime::open(&format!("embedded:{}", folder.path().display()))?;
    /// # let graph = runtime.graph();
    /// # let oslo = graph.create(City { name: "Oslo".into() }).await?.id().clone();
    /// # let bergen = graph.create(City { name: "Bergen".into() }).await?.id().clone();
    /// # graph.connect(&oslo, &bergen, Road { km: 463.0 }).await?;
    /// let roads = graph.neighbours_of::<Road>(&[oslo.clone(), bergen.clone()], Direction::Out).await?;
    /// assert_eq!((roads[0][0].edge.km, &roads[0][0].node), (463.0, &bergen));
    /// assert!(roads[1].is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::WrongEntity`] for an id that is no node's, [`Error::Body`] when the fields of an edge do not fit,
    /// [`Error::Store`].
    pub async fn neighbours_of<E: EdgeEntity>(
        &self,
        nodes: &[Id],
        direction: Direction,
    ) -> Result<Vec<Vec<Neighbour<E>>>> {
        if let Some(id) = nodes.iter().find(|id| id.kind() != Kind::Node) {
            return Err(Error::WrongEntity { id: id.clone(), wanted: "node".into() });
        }
        let loaded = self.handle.load(nodes.to_vec(), Need::DOCUMENT.edges(direction)).await?;
        let adjacency = &loaded.adjacency[direction as usize];
        let neighbours_at = |at: usize| -> Result<Vec<Neighbour<E>>> {
            let range = adjacency.range(at);
            let pairs = adjacency.links[range.clone()].iter().zip(&adjacency.edges[range]);
            let wanted = pairs.filter(|(link, _)| link.edge.entity() == E::entity_name());
            let neighbours = wanted.map(|(link, edge)| {
                Ok(Neighbour { edge: Stored::from_document(edge.clone())?, node: link.other.clone() })
            });
            neighbours.collect()
        };
        (0..nodes.len()).map(neighbours_at).collect()
    }

    /// The same with the nodes themselves. Neighbours of another entity than `N` are left out. Two calls to the
    /// store, however many nodes.
    ///
    /// # Errors
    /// As [`neighbours_of`](Self::neighbours_of), [`Error::Body`] also when the fields of a node do not fit.
    pub async fn neighbour_nodes_of<E: EdgeEntity, N: NodeEntity>(
        &self,
        nodes: &[Id],
        direction: Direction,
    ) -> Result<Vec<Vec<Neighbour<E, Stored<N>>>>> {
        let neighbours = self.neighbours_of::<E>(nodes, direction).await?;
        let all = neighbours.iter().flatten().map(|neighbour| &neighbour.node);
        let mut ids: Vec<Id> = all.filter(|id| id.entity() == N::entity_name()).cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.documents(&ids).await?;
        let with_node = |neighbour: Neighbour<E>| -> Option<Result<Neighbour<E, Stored<N>>>> {
            let at = ids.binary_search(&neighbour.node).ok()?;
            // Deleted between the two calls.
            let document: &Document = found[at].as_ref()?;
            let node = Stored::from_document(document.clone()).map_err(Error::from);
            Some(node.map(|node| Neighbour { edge: neighbour.edge, node }))
        };
        neighbours.into_iter().map(|of_one| of_one.into_iter().filter_map(with_node).collect()).collect()
    }
}
