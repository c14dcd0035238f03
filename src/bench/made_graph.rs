//! A store that makes its graph up as it is asked, so that the benches measure the runtime and not the
//! memory of a store.
//!
//! `benches/budgets` has this file too, with entity types of its own.

use std::sync::Arc;

use wayfare::__private::{Adjacency, Explanation, Link, Loaded, StoreFuture};
use wayfare::{
    Body, Direction, Document, Entity, EntityName, Id, Index, Kind, Need, Page, Query, Random, Store,
    StoreError, StoreStats, Version, WriteBatch, WriteResult,
};

use super::{City, Road};

/// How the nodes are joined: the neighbours of the n-th of so many nodes.
pub type Shape = fn(nodes: u64, n: u64) -> Vec<u64>;

/// Out-edges of every node in [`random`].
pub const DEGREE: u64 = 8;

/// Every node has eight out-edges to nodes chosen at random.
pub fn random(nodes: u64, n: u64) -> Vec<u64> {
    let mut random = Random::stream(42, n);
    (0..DEGREE).map(|_| random.below(nodes)).collect()
}

/// Every node leads to the next.
pub fn chain(nodes: u64, n: u64) -> Vec<u64> {
    (n + 1 < nodes).then_some(n + 1).into_iter().collect()
}

/// A graph of `nodes` cities. Reading only.
#[derive(Debug)]
pub struct MadeGraph {
    pub nodes: u64,
    pub shape: Shape,
    road: EntityName,
    city: EntityName,
}

impl MadeGraph {
    pub fn new(nodes: u64, shape: Shape) -> Arc<Self> {
        Arc::new(Self { nodes, shape, road: Road::entity_name(), city: City::entity_name() })
    }

    /// The id of the n-th node: a generated key, as in a real graph.
    pub fn id(&self, n: u64) -> Id {
        Id::generated(Kind::Node, self.city, key(1, n))
    }

    fn number(&self, id: &Id) -> Option<u64> {
        let bits = id.key_bits()?;
        let mut number = [0; 8];
        number.copy_from_slice(&bits[4..]);
        Some(u64::from_be_bytes(number)).filter(|number| *number < self.nodes)
    }

    /// The neighbours of the n-th node.
    pub fn neighbours(&self, n: u64) -> Vec<u64> {
        (self.shape)(self.nodes, n)
    }

    pub fn payload(&self, n: u64) -> City {
        City { name: format!("city {n}") }
    }
}

fn key(tag: u32, number: u64) -> [u8; 12] {
    let mut bits = [0; 12];
    bits[..4].copy_from_slice(&tag.to_be_bytes());
    bits[4..].copy_from_slice(&number.to_be_bytes());
    bits
}

impl Store for MadeGraph {
    fn describe(&self) -> String {
        "made:graph".into()
    }

    fn get_many<'a>(&'a self, ids: &'a [Id]) -> StoreFuture<'a, Vec<Option<Document>>> {
        Box::pin(async move {
            let document = |id: &Id| {
                let body = Body::encode(&self.payload(self.number(id)?)).ok()?;
                Some(Document::new(id.clone(), body).with_version(Version::FIRST))
            };
            Ok(ids.iter().map(document).collect())
        })
    }

    fn load<'a>(&'a self, ids: &'a [Id], need: Need) -> StoreFuture<'a, Loaded> {
        Box::pin(async move {
            let documents = self.get_many(ids).await?;
            let mut out = Adjacency::default();
            for id in ids {
                let number = self.number(id).filter(|_| need.wants_links(Direction::Out));
                for (at, other) in
                    number.map(|n| self.neighbours(n)).unwrap_or_default().into_iter().enumerate()
                {
                    let edge = key(2, number.unwrap_or(0) << 8 | at as u64);
                    out.links.push(Link {
                        edge: Id::generated(Kind::Edge, self.road, edge),
                        other: self.id(other),
                    });
                }
                out.ends.push(out.links.len());
            }
            Ok(Loaded { documents, adjacency: [out, Adjacency::default(), Adjacency::default()] })
        })
    }

    fn find<'a>(&'a self, _: &'a Query) -> StoreFuture<'a, Vec<Document>> {
        reading_only()
    }

    fn count<'a>(&'a self, _: &'a Query) -> StoreFuture<'a, u64> {
        Box::pin(async { Ok(self.nodes) })
    }

    fn explain<'a>(&'a self, _: &'a Query) -> StoreFuture<'a, Explanation> {
        reading_only()
    }

    fn scan<'a>(
        &'a self,
        _: Kind,
        _: Option<EntityName>,
        _: Option<&'a Id>,
        _: usize,
    ) -> StoreFuture<'a, Page> {
        reading_only()
    }

    fn apply<'a>(&'a self, _: &'a [WriteBatch]) -> StoreFuture<'a, Vec<Vec<WriteResult>>> {
        reading_only()
    }

    fn create_index<'a>(&'a self, _: &'a Index) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn drop_index<'a>(&'a self, _: Kind, _: EntityName, _: &'a str) -> StoreFuture<'a, bool> {
        reading_only()
    }

    fn rename_index<'a>(&'a self, _: Kind, _: EntityName, _: &'a str, _: &'a str) -> StoreFuture<'a, bool> {
        reading_only()
    }

    fn stats(&self) -> StoreFuture<'_, StoreStats> {
        reading_only()
    }
}

fn reading_only<'a, T: 'a>() -> StoreFuture<'a, T> {
    Box::pin(async { Err(StoreError::Poisoned { reason: "a made-up graph can only be walked".into() }) })
}
