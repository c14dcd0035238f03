//! Loading nodes from the store and making resident records of them.

use std::sync::Arc;

use wayfare_graph::{
    Adjacency, Direction, EdgeLink, EdgeLinks, Id, Links, Loaded, Need, Slot, Store, StoreError, record_of,
};

use crate::directory::Directory;
use crate::messages::Found;

/// Reads nodes; used by shards from whichever thread may wait for a disk.
#[derive(Clone)]
pub(crate) struct Loader {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directory: Arc<Directory>,
}

impl Loader {
    /// Reads nodes with their neighbours in one call to the store.
    pub(crate) async fn load(
        &self,
        slots: Vec<Slot>,
        need: Need,
    ) -> Result<Vec<(Slot, Found)>, Arc<StoreError>> {
        let ids: Vec<Id> = slots.iter().filter_map(|&slot| self.directory.id_of(slot).cloned()).collect();
        let mut loaded = self.store.load(&ids, need).await.map_err(Arc::new)?;
        let documents = std::mem::take(&mut loaded.documents);
        let found = documents.into_iter().enumerate().map(|(at, document)| {
            let Some(document) = document else { return Found::Missing };
            let record = record_of(document);
            for direction in Direction::ALL {
                if need.wants_links(direction) {
                    record.head.set_links(direction, self.links(&loaded, direction, at));
                }
                if need.wants_edges(direction) {
                    record.head.set_edges(direction, self.edges(&loaded, direction, at));
                }
            }
            Found::Record(record)
        });
        Ok(slots.into_iter().zip(found).collect())
    }

    fn links(&self, loaded: &Loaded, direction: Direction, at: usize) -> Links {
        let adjacency = &loaded.adjacency[direction as usize];
        let links = &adjacency.links[adjacency.range(at)];
        Links::pack(links.iter().map(|link| (link.edge.entity(), self.directory.slot_of(&link.other))))
    }

    fn edges(&self, loaded: &Loaded, direction: Direction, at: usize) -> EdgeLinks {
        let Adjacency { links, edges, .. } = &loaded.adjacency[direction as usize];
        let range = loaded.adjacency[direction as usize].range(at);
        let pairs = links[range.clone()].iter().zip(&edges[range]);
        EdgeLinks(
            pairs
                .map(|(link, edge)| EdgeLink {
                    edge: edge.clone(),
                    other: self.directory.slot_of(&link.other),
                })
                .collect(),
        )
    }
}

/// Whether a record holds what is needed.
#[inline]
pub(crate) fn satisfies(head: &wayfare_graph::Head, need: Need) -> bool {
    need == Need::DOCUMENT
        || Direction::ALL.into_iter().all(|direction| {
            (!need.wants_links(direction) || head.links(direction).is_some())
                && (!need.wants_edges(direction) || head.edges(direction).is_some())
        })
}
