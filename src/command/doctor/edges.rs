//! Edges that lead nowhere, and edges that are there twice.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use wayfare::{Direction, Document, EntityName, EntityType, Id, Kind, Need, StoreError, Write, WriteBatch};

use super::Doctor;
use crate::command::exit::Failure;
use crate::command::progress::Progress;

/// Documents read from the store at a time.
const PAGE: usize = 1_000;

/// What there is of an id.
enum Found {
    Document(Document),
    /// Something, of which only the store itself can say more.
    Unreadable,
    Nothing,
}

/// What the rules of an entity say about several edges from one node to another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parallel {
    Allowed,
    Forbidden,
    /// The program has no type for it.
    Unknown,
}

impl Doctor<'_> {
    /// Finds edges whose ends do not exist.
    pub(super) async fn orphans(&mut self) -> Result<(), Failure> {
        let total = self.total(Kind::Edge).await?;
        let mut progress = Progress::count(self.session.quiet, Some(total), "looking at edges");
        let mut after: Option<Id> = None;
        loop {
            let page = self.store.scan(Kind::Edge, None, after.as_ref(), PAGE).await?;
            let ends = page.documents.iter().filter_map(Document::ends);
            let ends: FxHashSet<&Id> = ends.flat_map(|ends| [&ends.source, &ends.target]).collect();
            let ends: Vec<Id> = ends.into_iter().filter(|id| id.kind() == Kind::Node).cloned().collect();
            let found = self.read(&ends).await?;
            let is_there = |found: &Found| !matches!(found, Found::Nothing);
            let nodes: FxHashSet<&Id> =
                ends.iter().zip(&found).filter(|(_, found)| is_there(found)).map(|(id, _)| id).collect();
            let leads = |edge: &&Document| {
                edge.ends().is_some_and(|ends| nodes.contains(&ends.source) && nodes.contains(&ends.target))
            };
            let orphans: Vec<&Document> = page.documents.iter().filter(|edge| !leads(edge)).collect();
            self.delete("orphan_edge", &orphans).await?;
            self.examined += page.documents.len() as u64;
            progress.set(self.examined);
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Finds edges of one entity that lead from the same node to the same node.
    ///
    /// From node to node, so that only the edges of a page of nodes are in memory.
    pub(super) async fn duplicates(&mut self) -> Result<(), Failure> {
        let total = self.total(Kind::Node).await?;
        let mut progress = Progress::count(self.session.quiet, Some(total), "looking for duplicates");
        let mut after: Option<Id> = None;
        let mut done = 0;
        loop {
            let page = self.store.scan(Kind::Node, None, after.as_ref(), PAGE).await?;
            let nodes: Vec<Id> = page.documents.iter().map(|document| document.id().clone()).collect();
            let twins = self.twins(&nodes).await?;
            let mut extra = Vec::new();
            for (entity, edges) in &twins {
                match self.parallel(*entity) {
                    Parallel::Allowed => {}
                    Parallel::Forbidden => extra.extend(edges),
                    Parallel::Unknown => {
                        edges.iter().for_each(|edge| self.faults.note("parallel_edges", *entity, edge.id()));
                    }
                }
            }
            self.delete("duplicate_edge", &extra).await?;
            done += nodes.len() as u64;
            progress.set(done);
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Edges that leave these nodes and have an older twin, by entity.
    async fn twins(&self, nodes: &[Id]) -> Result<Vec<(EntityName, Vec<Document>)>, Failure> {
        let loaded = self.store.load(nodes, Need::DOCUMENT.links(Direction::Out)).await?;
        let adjacency = &loaded.adjacency[Direction::Out as usize];
        let mut candidates: Vec<Id> = Vec::new();
        for at in 0..nodes.len() {
            let mut by_end: FxHashMap<(EntityName, &Id), Vec<&Id>> = FxHashMap::default();
            for link in &adjacency.links[adjacency.range(at)] {
                by_end.entry((link.edge.entity(), &link.other)).or_default().push(&link.edge);
            }
            candidates.extend(by_end.into_values().filter(|edges| edges.len() > 1).flatten().cloned());
        }
        // An edge that can be followed both ways is listed at both ends.
        candidates.sort_unstable_by(Id::cmp_by_key);
        candidates.dedup();
        let of_page: FxHashSet<&Id> = nodes.iter().collect();
        let mut seen: FxHashSet<(EntityName, Id, Id)> = FxHashSet::default();
        let mut twins: BTreeMap<&'static str, (EntityName, Vec<Document>)> = BTreeMap::new();
        // In the order of their keys, which is that of creation: the first of each pair of nodes is the oldest.
        for found in self.read(&candidates).await? {
            let Found::Document(edge) = found else { continue };
            let Some(ends) = edge.ends().filter(|ends| of_page.contains(&ends.source)) else { continue };
            let entity = edge.id().entity();
            if !seen.insert((entity, ends.source.clone(), ends.target.clone())) {
                twins.entry(entity.as_str()).or_insert_with(|| (entity, Vec::new())).1.push(edge);
            }
        }
        Ok(twins.into_values().collect())
    }

    /// Reads documents, also where some cannot be read.
    async fn read(&self, ids: &[Id]) -> Result<Vec<Found>, Failure> {
        let found = |document: Option<Document>| document.map_or(Found::Nothing, Found::Document);
        match self.store.get_many(ids).await {
            Ok(documents) => return Ok(documents.into_iter().map(found).collect()),
            Err(StoreError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            all.push(match self.store.get_many(std::slice::from_ref(id)).await {
                Ok(documents) => documents.into_iter().next().map_or(Found::Nothing, found),
                Err(StoreError::Damaged { .. }) => Found::Unreadable,
                Err(error) => return Err(error.into()),
            });
        }
        Ok(all)
    }

    fn parallel(&self, entity: EntityName) -> Parallel {
        if self.single.contains(&entity) {
            return Parallel::Forbidden;
        }
        match EntityType::find(Kind::Edge, entity) {
            Some(known) if known.multi => Parallel::Allowed,
            Some(_) => Parallel::Forbidden,
            None => Parallel::Unknown,
        }
    }

    /// Notes faulty edges, and removes them if that is wanted and they are as they were read.
    async fn delete(&mut self, fault: &'static str, edges: &[&Document]) -> Result<(), Failure> {
        if edges.is_empty() {
            return Ok(());
        }
        let mut gone = vec![false; edges.len()];
        if self.repair {
            let delete =
                |edge: &&Document| Write::Delete { id: edge.id().clone(), expected: Some(edge.version()) };
            let batch = WriteBatch { writes: edges.iter().map(delete).collect(), all_or_nothing: false };
            let results = self.store.apply(&[batch]).await?;
            for (gone, result) in gone.iter_mut().zip(results.into_iter().flatten()) {
                *gone = result.is_ok();
            }
        }
        for (edge, gone) in edges.iter().zip(gone) {
            self.faults.at(fault, edge.id(), gone);
        }
        Ok(())
    }

    async fn total(&self, wanted: Kind) -> Result<u64, Failure> {
        let entities = self.store.stats().await?.entities;
        Ok(entities.iter().filter(|(kind, _, _)| *kind == wanted).map(|(_, _, count)| count).sum())
    }
}
