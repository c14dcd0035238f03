//! Loading entities at the start, before walks ask for them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::oneshot;
use wayfare_graph::{EntityName, Id, Kind, StoreError};

use crate::access::shared_error;
use crate::core::Core;
use crate::messages::{Records, VisitReply};
use crate::resident_figures::WarmFigures;
use crate::shard::eager_need;

/// How far it has come. Relaxed, as nothing else is read because of it.
#[derive(Debug, Default)]
pub(crate) struct WarmTally {
    nodes: AtomicU64,
    is_done: AtomicBool,
}

impl WarmTally {
    pub(crate) fn figures(&self, entities: usize) -> WarmFigures {
        WarmFigures {
            entities: entities as u64,
            nodes: self.nodes.load(Ordering::Relaxed),
            is_done: self.is_done.load(Ordering::Relaxed),
        }
    }
}

/// Begins to load the nodes of the entities that the settings name, on the current thread's executor.
pub(crate) fn start(core: &Arc<Core>) {
    actix_rt::spawn(warm_up(Arc::downgrade(core)));
}

async fn warm_up(core: Weak<Core>) {
    let entities = core.upgrade().map(|core| core.settings.warm.clone()).unwrap_or_default();
    for entity in entities {
        match warm_entity(&core, entity).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                tracing::warn!(%entity, %error, "the entities of `[cache] warm` are not loaded any further");
                break;
            }
        }
    }
    if let Some(core) = core.upgrade() {
        core.warm.is_done.store(true, Ordering::Relaxed);
    }
}

/// Loads the nodes of one entity page by page; `false` when there is no more room, or the runtime has ended.
async fn warm_entity(core: &Weak<Core>, entity: EntityName) -> Result<bool, StoreError> {
    let mut after: Option<Id> = None;
    loop {
        // Not held from page to page: a runtime that nobody holds has to end.
        let Some(core) = core.upgrade().filter(|core| !core.is_closed()) else { return Ok(false) };
        let used: u64 = core.slabs.iter().map(|slab| slab.tally.bytes()).sum();
        if used >= core.settings.resident_bytes / 2 {
            tracing::info!(%entity, "half of `[cache] resident_bytes` is used: no more is loaded at the start");
            return Ok(false);
        }
        let is_first = after.is_none();
        let page = core.scan(Kind::Node, Some(entity), after, core.settings.visit_batch).await?;
        let ids: Vec<Id> = page.documents.iter().map(|document| document.id().clone()).collect();
        if is_first && ids.is_empty() {
            tracing::warn!(%entity, "`[cache] warm` names an entity of which the store has no node");
        }
        // The shards read them again, with their links: these are not in a page.
        drop(page.documents);
        core.warm_up(&ids).await?;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(true),
        }
    }
}

impl Core {
    /// Lets shards load nodes that nobody has asked for yet; returns when they have.
    async fn warm_up(&self, ids: &[Id]) -> Result<(), StoreError> {
        let mut under_way = Vec::new();
        for (at, slots) in self.parts(ids) {
            let (reply, records) = oneshot::channel();
            let visit = self.visit(at, slots, eager_need(), VisitReply::WarmUp(reply), None);
            self.send_visit(visit).await?;
            under_way.push(records);
        }
        for records in under_way {
            let Records { result, .. } = records.await.map_err(|_| StoreError::Stopped)?;
            result.map_err(|error| shared_error(&error))?;
        }
        self.warm.nodes.fetch_add(ids.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}
