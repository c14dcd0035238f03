//! Following what others do to the store, so that resident records do not grow old.

use std::sync::{Arc, Weak};

use rustc_hash::FxHashSet;
use wayfare_graph::{ChangeFeed, Slot, StoreChange, StoreError, WalkError};

use crate::core::Core;
use crate::patience::patiently;

/// Slots that one message names at most.
const EVICT_BATCH: usize = 65_536;

/// Drops resident records that others have changed, for as long as the runtime lives and the store tells.
pub(crate) async fn follow(core: Weak<Core>) {
    let opened = patiently(&core, &"the feed of changes", |core| Box::pin(open(core)));
    let ended = match opened.await {
        Ok(None) | Err(WalkError::Stopped) => return,
        Ok(Some(feed)) => follow_feed(&core, feed).await.map_err(WalkError::from),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::error!(%error, "changes of others are no longer followed: resident records may grow old");
    }
}

async fn open(core: Arc<Core>) -> Result<Option<Box<dyn ChangeFeed>>, WalkError> {
    Ok(core.store.changes().await?)
}

async fn follow_feed(core: &Weak<Core>, mut feed: Box<dyn ChangeFeed>) -> Result<(), StoreError> {
    // What was loaded before the feed was open may have changed since.
    let mut changes = vec![StoreChange::Anything];
    loop {
        let Some(core) = core.upgrade() else { return Ok(()) };
        let stale = core.stale(&changes);
        for slots in stale.chunks(EVICT_BATCH) {
            core.evict(slots.to_vec()).await;
        }
        drop(core);
        changes = feed.next().await?;
    }
}

impl Core {
    /// The slots whose records may be older than some changes.
    fn stale(&self, changes: &[StoreChange]) -> Vec<Slot> {
        let mut slots = Vec::new();
        let mut changed = FxHashSet::default();
        for change in changes {
            let StoreChange::Document { id, version, ends } = change else {
                self.cache.any_entity_changed();
                return self.directory.slots().collect();
            };
            let slot = self.directory.known(id);
            // Our own writes come back too. Others may know nothing of versions and begin again at 0.
            let is_own = match (version, slot.and_then(|slot| self.resident(slot))) {
                (Some(version), Some(resident)) => version.0 > 0 && resident.head.version() == *version,
                _ => false,
            };
            if !is_own {
                slots.extend(slot);
                changed.insert((id.kind(), id.entity()));
            }
            slots.extend(ends.iter().filter_map(|end| self.directory.known(end)));
        }
        self.cache.entities_changed(changed);
        slots.sort_unstable();
        slots.dedup();
        slots
    }
}

/// Starts following on the current thread.
pub(crate) fn start(core: &Arc<Core>) {
    actix_rt::spawn(follow(Arc::downgrade(core)));
}
