//! Documents that do not fit the types of the program.

use wayfare::{EntityType, Id};

use super::Doctor;
use crate::command::exit::Failure;
use crate::command::progress::Progress;

/// Documents read from the store at a time.
const PAGE: usize = 1_000;

impl Doctor<'_> {
    /// Finds documents that cannot be read as the type of their entity. Those without a type are fine as they are.
    pub(super) async fn shapes(&mut self) -> Result<(), Failure> {
        let mut entities = self.store.stats().await?.entities;
        entities.retain(|(kind, entity, _)| EntityType::find(*kind, *entity).is_some());
        let total = entities.iter().map(|(_, _, count)| count).sum();
        let mut progress = Progress::count(self.session.quiet, Some(total), "reading documents");
        let mut done = 0;
        for (kind, entity, _) in entities {
            let Some(of) = EntityType::find(kind, entity) else { continue };
            let mut after: Option<Id> = None;
            loop {
                let page = self.store.scan(kind, Some(entity), after.as_ref(), PAGE).await?;
                for document in &page.documents {
                    if let Err(error) = (of.current)(document) {
                        self.faults.unfit(document.id(), &error.to_string());
                    }
                }
                done += page.documents.len() as u64;
                progress.set(done);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}
