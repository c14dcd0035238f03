//! Writing what the target does not have yet.

use wayfare::{EntityName, Id, Kind, Write, WriteBatch, Written};

use super::{Copy, PAGE, TOLD, same};
use crate::command::exit::{Exit, Failure};
use crate::command::progress::Progress;

/// What became of the documents of an entity.
pub(super) struct Transferred {
    pub(super) kind: Kind,
    pub(super) entity: EntityName,
    /// Those that were written.
    pub(super) written: u64,
    /// Those that the target had already.
    pub(super) unchanged: u64,
    /// Those that the target did not take.
    pub(super) refused: u64,
    /// Why, of the first.
    pub(super) reasons: Vec<String>,
}

impl Copy {
    /// Copies all documents, their versions kept.
    pub(super) async fn transfer(&self, progress: &mut Progress) -> Result<Vec<Transferred>, Failure> {
        let mut done = 0;
        let mut all = Vec::new();
        for &(kind, entity, _) in &self.entities {
            let mut one =
                Transferred { kind, entity, written: 0, unchanged: 0, refused: 0, reasons: Vec::new() };
            // What the target had before a copy began is read first, so that taking a copy up again costs reads
            // and no commits.
            let taken_up = !self.target.scan(kind, Some(entity), None, 1).await?.documents.is_empty();
            let mut after: Option<Id> = None;
            loop {
                let page = self.source.scan(kind, Some(entity), after.as_ref(), PAGE).await?;
                done += page.documents.len() as u64;
                self.write(page.documents, taken_up, &mut one).await?;
                progress.set(done);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            all.push(one);
        }
        Ok(all)
    }

    async fn write(
        &self,
        mut documents: Vec<wayfare::Document>,
        taken_up: bool,
        into: &mut Transferred,
    ) -> Result<(), Failure> {
        if taken_up {
            let ids: Vec<Id> = documents.iter().map(|document| document.id().clone()).collect();
            let held = self.target.get_many(&ids).await?;
            let before = documents.len();
            let mut missing = Vec::with_capacity(before);
            for (document, held) in documents.into_iter().zip(held) {
                match held {
                    Some(held) if same(&document, &held)? => {}
                    _ => missing.push(document),
                }
            }
            into.unchanged += (before - missing.len()) as u64;
            documents = missing;
        }
        if documents.is_empty() {
            return Ok(());
        }
        let ids: Vec<Id> = documents.iter().map(|document| document.id().clone()).collect();
        let writes = documents.into_iter().map(|document| Write::Put { document }).collect();
        let results = self.target.apply(&[WriteBatch { writes, all_or_nothing: false }]).await?;
        let results = results.into_iter().next().unwrap_or_default();
        if results.len() != ids.len() {
            let what = "the target did not tell what became of all documents: give the command again";
            return Err(Failure::new(Exit::Failed, what));
        }
        for (id, result) in ids.iter().zip(results) {
            match result {
                Ok(Written::Unchanged { .. }) => into.unchanged += 1,
                Ok(_) => into.written += 1,
                Err(error) => {
                    into.refused += 1;
                    if into.reasons.len() < TOLD {
                        into.reasons.push(format!("`{id}` was refused: {error}"));
                    }
                }
            }
        }
        Ok(())
    }
}
