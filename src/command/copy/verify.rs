//! Comparing two stores by the numbers and the checksums of their documents.

use std::collections::BTreeSet;

use wayfare::{EntityName, Id, Kind, Query};

use super::{Copy, PAGE, TOLD, in_order, is_bare_root};
use crate::command::checksum::{Checksum, hash_of};
use crate::command::exit::Failure;
use crate::command::progress::Progress;

/// How an entity compares.
pub(super) struct Verified {
    pub(super) kind: Kind,
    pub(super) entity: EntityName,
    /// Documents of the source.
    pub(super) documents: u64,
    /// Documents of the target; when merging, only those that the source has too.
    pub(super) target_documents: u64,
    pub(super) checksum: Checksum,
    pub(super) target_checksum: Checksum,
    /// The first ids that are not the same in both, and how they differ.
    differing: Vec<String>,
}

impl Verified {
    pub(super) fn is_same(&self) -> bool {
        self.documents == self.target_documents
            && self.checksum == self.target_checksum
            && self.differing.is_empty()
    }

    /// What differs, in words.
    pub(super) fn difference(&self) -> Option<String> {
        let Self { kind, entity, documents, target_documents, differing, .. } = self;
        let kind = kind.collection();
        (!self.is_same()).then(|| {
            format!(
                "{kind}s of entity {entity} ({documents} in the source, {target_documents} in the target): {}",
                differing.join(", ")
            )
        })
    }

    fn note(&mut self, id: &Id, how: &str) {
        if self.differing.len() < TOLD {
            self.differing.push(format!("`{id}` {how}"));
        }
    }
}

impl Copy {
    /// Compares every document of the source, and unless merging also what the target has beside them.
    pub(super) async fn verify(
        &self,
        walks: bool,
        progress: &mut Progress,
    ) -> Result<Vec<Verified>, Failure> {
        let mut done = 0;
        let mut all = Vec::new();
        let mut entities: Vec<(Kind, EntityName)> =
            self.entities.iter().map(|(kind, entity, _)| (*kind, *entity)).collect();
        if !self.merge {
            let held = in_order(self.target.stats().await?.entities, walks);
            let own: BTreeSet<_> =
                entities.iter().map(|(kind, entity)| (kind.letter(), entity.as_str())).collect();
            let others = held.into_iter().map(|(kind, entity, _)| (kind, entity));
            entities.extend(others.filter(|(kind, entity)| !own.contains(&(kind.letter(), entity.as_str()))));
        }
        for (kind, entity) in entities {
            all.push(self.verify_entity(kind, entity, &mut done, progress).await?);
        }
        Ok(all)
    }

    async fn verify_entity(
        &self,
        kind: Kind,
        entity: EntityName,
        done: &mut u64,
        progress: &mut Progress,
    ) -> Result<Verified, Failure> {
        let mut verified = Verified {
            kind,
            entity,
            documents: 0,
            target_documents: 0,
            checksum: Checksum::default(),
            target_checksum: Checksum::default(),
            differing: Vec::new(),
        };
        let mut after: Option<Id> = None;
        loop {
            let page = self.source.scan(kind, Some(entity), after.as_ref(), PAGE).await?;
            let ids: Vec<Id> = page.documents.iter().map(|document| document.id().clone()).collect();
            let held = self.target.get_many(&ids).await?;
            for (document, held) in page.documents.iter().zip(held) {
                let hash = hash_of(document)?;
                verified.documents += 1;
                verified.checksum.add(hash);
                let Some(held) = held else {
                    verified.note(document.id(), "is missing in the target");
                    continue;
                };
                let held = hash_of(&held)?;
                verified.target_documents += 1;
                verified.target_checksum.add(held);
                if held != hash {
                    verified.note(document.id(), "differs");
                }
            }
            *done += page.documents.len() as u64;
            progress.set(*done);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if !self.merge {
            let count = self.target.count(&Query::entity(kind, entity)).await?;
            if count > verified.target_documents {
                self.find_others(&mut verified).await?;
            }
        }
        Ok(verified)
    }

    /// Counts in what only the target has, and names the first of it.
    async fn find_others(&self, verified: &mut Verified) -> Result<(), Failure> {
        let mut after: Option<Id> = None;
        loop {
            let page = self.target.scan(verified.kind, Some(verified.entity), after.as_ref(), PAGE).await?;
            let ids: Vec<Id> = page.documents.iter().map(|document| document.id().clone()).collect();
            let own = self.source.get_many(&ids).await?;
            let only_there = page.documents.iter().zip(own).filter(|(_, own)| own.is_none());
            for (document, _) in only_there.filter(|(document, _)| !is_bare_root(document)) {
                verified.target_documents += 1;
                verified.target_checksum.add(hash_of(document)?);
                verified.note(document.id(), "is only in the target");
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
