//! Entities that stay resident for as long as somebody wants them to.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix::prelude::*;
use wayfare_graph::{Direction, Need, Slot, StoreError};

use super::residents::bytes_of;
use super::{Shard, ShardActor};
use crate::messages::{Found, Pin, PinRefusal, Unpin};
#[cfg(test)]
use crate::simulation::{Bug, is_planted};

/// What is loaded of an entity before anybody walks there: out-links are the most walked.
pub(crate) fn eager_need() -> Need {
    Need::DOCUMENT.links(Direction::Out)
}

impl Handler<Pin> for ShardActor {
    type Result = ResponseFuture<Result<Vec<Slot>, PinRefusal>>;

    fn handle(&mut self, pin: Pin, _: &mut Context<Self>) -> Self::Result {
        let (life, state) = (self.life.clone(), Rc::clone(&self.state));
        Box::pin(async move {
            let pinned = life.while_alive(Shard::pin(&state, pin.slots)).await;
            pinned.unwrap_or_else(|| {
                let error = StoreError::Interrupted { part: "shard".into() };
                Err(PinRefusal::Store(Arc::new(error)))
            })
        })
    }
}

impl Handler<Unpin> for ShardActor {
    type Result = ();

    fn handle(&mut self, unpin: Unpin, cx: &mut Context<Self>) {
        self.life.within(|| self.state.borrow_mut().unpin(&unpin.slots));
        self.end_if_dead(cx);
    }
}

impl Shard {
    async fn pin(state: &Rc<RefCell<Self>>, slots: Vec<Slot>) -> Result<Vec<Slot>, PinRefusal> {
        // Before the load, so that what comes is not evicted at once.
        let fresh = state.borrow_mut().mark_pinned(&slots);
        let refusal = Self::load_pinned(state, &slots).await;
        let mut shard = state.borrow_mut();
        match refusal.or_else(|| shard.over_pinned()) {
            None => {
                shard.parts.pins.lock().extend(&fresh);
                shard.tell();
                Ok(fresh)
            }
            Some(refusal) => {
                shard.unpin(&fresh);
                Err(refusal)
            }
        }
    }

    /// Pins what the shard before this one had pinned, and begins to load it.
    pub(super) fn restore_pins(state: &Rc<RefCell<Self>>) {
        let slots: Vec<Slot> = state.borrow().parts.pins.lock().iter().copied().collect();
        #[cfg(test)]
        let slots = if is_planted(Bug::ForgetPins) { Vec::new() } else { slots };
        if slots.is_empty() {
            return;
        }
        state.borrow_mut().mark_pinned(&slots);
        let (life, state) = (state.borrow().life.clone(), Rc::clone(state));
        life.spawn("load of what is pinned", async move {
            if let Some(refusal) = Self::load_pinned(&state, &slots).await {
                tracing::warn!(?refusal, "what is pinned is loaded only when it is asked for");
            }
        });
    }

    /// Marks entities as pinned; gives those that were not.
    fn mark_pinned(&mut self, slots: &[Slot]) -> Vec<Slot> {
        let mut fresh = Vec::new();
        for &slot in slots {
            if !self.pinned.contains_key(&slot) {
                let resident = self.parts.slab.get(self.directory().place_of(slot));
                let bytes = resident.map_or(0, |record| bytes_of(&record));
                self.pinned.insert(slot, bytes);
                self.pinned_bytes += bytes;
                fresh.push(slot);
            }
        }
        fresh
    }

    fn unpin(&mut self, slots: &[Slot]) {
        for slot in slots {
            self.pinned_bytes -= self.pinned.remove(slot).unwrap_or(0);
            self.parts.pins.lock().remove(slot);
        }
        self.evict_cold();
    }

    /// Loads pinned entities that are not resident; why that could not be done.
    async fn load_pinned(state: &Rc<RefCell<Self>>, slots: &[Slot]) -> Option<PinRefusal> {
        let (_, missing) = state.borrow().look_up(slots, eager_need());
        if missing.is_empty() {
            return None;
        }
        match Self::load(state, missing, eager_need()).await {
            Err(error) => Some(PinRefusal::Store(error)),
            Ok(loaded) => loaded.into_iter().find_map(|(slot, found)| match found {
                Found::Missing => Some(PinRefusal::Missing(slot)),
                Found::Record(_) => None,
            }),
        }
    }

    /// More than half may not be pinned: the rest is for what walks come across.
    fn over_pinned(&self) -> Option<PinRefusal> {
        let (bytes, bound) = (self.pinned_bytes, self.parts.resident_bytes);
        (bytes > bound / 2).then_some(PinRefusal::OverBound { bytes, bound })
    }
}
