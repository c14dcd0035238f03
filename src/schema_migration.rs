//! Bringing everything that is stored to the schemas of this program's types.

use std::collections::BTreeMap;

use wayfare_graph::{Document, EntityName, EntityType, Id, Kind, Write, WriteBatch, WriteError, WriteResult};

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::runtime::Runtime;

/// Ids and reasons that a report holds at most of each entity.
const TOLD: usize = 10;

/// Kinds that have entity types.
const KINDS: [Kind; 3] = [Kind::Node, Kind::Object, Kind::Edge];

/// How to bring stored documents to the schemas of their types.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaMigration {
    /// Documents that are read and written at a time, from 1; 1,000 by default.
    pub batch: usize,
    /// Whether to write nothing, and only tell what would be done; `false` by default.
    pub dry_run: bool,
}

impl Default for SchemaMigration {
    fn default() -> Self {
        Self { batch: 1_000, dry_run: false }
    }
}

impl SchemaMigration {
    /// Reads and writes so many documents at a time; 0 counts as 1.
    #[must_use]
    pub fn batch(mut self, documents: usize) -> Self {
        self.batch = documents;
        self
    }

    /// Writes nothing, and only tells what would be done.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }
}

/// What a migration found and did.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SchemaReport {
    /// Each entity of the store, nodes before objects before edges, by name.
    pub entities: Vec<EntitySchemas>,
    /// Documents that were looked at so far.
    pub examined: u64,
    /// Documents that there were at the start.
    pub total: u64,
}

/// What a migration found and did of one entity.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EntitySchemas {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub entity: EntityName,
    /// The schema of its type, `None` where this program has no type for it.
    pub schema: Option<u32>,
    /// How many documents were found in each schema; 0 stands for those whose `_v` is no schema version.
    pub found: BTreeMap<u32, u64>,
    /// Documents that were upgraded, or would be in a dry run.
    pub upgraded: u64,
    /// Documents of a newer schema than the type's, which were left as they are.
    pub newer: u64,
    /// Documents that could not be upgraded, which were left as they are.
    pub failed: u64,
    /// The first of those, with the reason.
    pub first_failed: Vec<(Id, String)>,
}

impl SchemaReport {
    /// Whether every document of a known type is of its type's schema now, or would be after a dry run.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.entities.iter().all(|entity| entity.newer == 0 && entity.failed == 0)
    }
}

impl EntitySchemas {
    fn new(kind: Kind, entity: EntityName, schema: Option<u32>) -> Self {
        let (found, first_failed) = (BTreeMap::new(), Vec::new());
        Self { kind, entity, schema, found, upgraded: 0, newer: 0, failed: 0, first_failed }
    }

    fn fail(&mut self, id: &Id, reason: String) {
        self.failed += 1;
        if self.first_failed.len() < TOLD {
            self.first_failed.push((id.clone(), reason));
        }
    }
}

impl Runtime {
    /// Brings stored documents to the schemas of this program's entity types, by the functions under
    /// `#[upgrade]`; `on_progress` is called after each batch.
    ///
    /// It may run beside writers: each document is saved over the version that was read, and read again when
    /// somebody else was faster. It may be broken off and begun again: what is of its type's schema is only read.
    /// A document of a newer schema, or one whose upgrade fails or gives fields that do not fit the type, is left
    /// as it is and told.
    ///
    /// # Errors
    /// [`Error::Store`] when the store failed as a whole; what was saved before stays.
    pub async fn migrate_schema(
        &self,
        migration: &SchemaMigration,
        mut on_progress: impl FnMut(&SchemaReport),
    ) -> Result<SchemaReport> {
        let graph = self.graph();
        let mut entities = graph.stats().await?.entities;
        entities.retain(|(kind, _, count)| KINDS.contains(kind) && *count > 0);
        entities.sort_by_key(|(kind, name, _)| (KINDS.iter().position(|known| known == kind), name.as_str()));
        let total = entities.iter().map(|(_, _, count)| count).sum();
        let mut report = SchemaReport { total, ..SchemaReport::default() };
        for (kind, entity, _) in entities {
            let of = EntityType::find(kind, entity);
            report.entities.push(EntitySchemas::new(kind, entity, of.map(|of| of.schema)));
            let mut after = None;
            loop {
                let page = graph.scan(kind, Some(entity), after, migration.batch.max(1)).await?;
                report.examined += page.documents.len() as u64;
                if let Some(into) = report.entities.last_mut() {
                    self.migrate_batch(&graph, page.documents, of, migration.dry_run, into).await?;
                }
                on_progress(&report);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(report)
    }

    async fn migrate_batch(
        &self,
        graph: &Graph,
        documents: Vec<Document>,
        of: Option<&EntityType>,
        dry_run: bool,
        into: &mut EntitySchemas,
    ) -> Result<()> {
        for document in &documents {
            *into.found.entry(document.schema().unwrap_or(0)).or_default() += 1;
        }
        let Some(of) = of else { return Ok(()) };
        let mut documents = documents;
        let mut attempts = 0;
        while !documents.is_empty() {
            let changed = changed(&documents, of, into);
            if dry_run {
                into.upgraded += changed.len() as u64;
                return Ok(());
            }
            attempts += 1;
            let results = self.save(of.kind, changed.clone()).await?;
            let mut lost: Vec<Id> = Vec::new();
            for (document, result) in changed.iter().zip(results) {
                match result {
                    Ok(_) => into.upgraded += 1,
                    Err(WriteError::Conflict { .. }) if attempts < self.running.update_retries() => {
                        lost.push(document.id().clone());
                    }
                    // Deleted meanwhile.
                    Err(WriteError::NotFound { .. }) => {}
                    Err(error) => into.fail(document.id(), error.to_string()),
                }
            }
            // What the store has, and not a resident record, which would be upgraded already.
            documents = match lost.is_empty() {
                true => Vec::new(),
                false => graph.documents(&lost).await?.into_iter().flatten().collect(),
            };
        }
        Ok(())
    }

    async fn save(&self, kind: Kind, documents: Vec<Document>) -> Result<Vec<WriteResult>> {
        if documents.is_empty() {
            return Ok(Vec::new());
        }
        if kind == Kind::Node {
            return Ok(self.handle().save_nodes(documents).await?);
        }
        let writes = documents.into_iter().map(|document| Write::Save { document }).collect();
        self.handle().apply(WriteBatch { writes, all_or_nothing: false }).await.map_err(Error::from)
    }
}

/// The new forms of those documents that are of an older schema.
fn changed(documents: &[Document], of: &EntityType, into: &mut EntitySchemas) -> Vec<Document> {
    let mut changed = Vec::new();
    for document in documents {
        match document.schema() {
            Ok(schema) if schema == of.schema => {}
            Ok(schema) if schema > of.schema => into.newer += 1,
            Ok(_) => match (of.current)(document) {
                Ok((upgraded, _)) => changed.push(upgraded),
                Err(error) => into.fail(document.id(), error.to_string()),
            },
            Err(error) => into.fail(document.id(), error.to_string()),
        }
    }
    changed
}
