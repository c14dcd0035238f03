//! Ending walks: exit hooks, durability, the answer to the caller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wayfare_graph::WalkError;

use crate::engine::Engine;
use crate::engine::hooks::Ran;
use crate::hosted::{Hosted, State};
use crate::spawn::all_settled;
use crate::walk_actor::End;
use crate::walk_shared::{Finished, Outcome};

impl Engine {
    /// Forgets what waits and ends the walk.
    pub(super) fn disengage(&mut self, seat: usize, hosted: &mut Hosted) -> bool {
        hosted.frontier.clear();
        hosted.suspended = None;
        if let Err(error) = self.send_outbox(seat, hosted) {
            self.end(hosted, Err(error));
            return false;
        }
        self.exit(seat, hosted)
    }

    /// Runs the exit hooks, then ends the walk; `true` while it must stay hosted.
    pub(super) fn exit(&mut self, seat: usize, hosted: &mut Hosted) -> bool {
        if hosted.state == State::Emitting {
            // The stream is full. The queue is empty, so the walk comes back here.
            return true;
        }
        if hosted.exited || hosted.table.exits().is_empty() {
            return self.finish(seat, hosted);
        }
        let batch = hosted.batch();
        match self.drive(seat, hosted, batch) {
            Ok(Ran::Pending) => {
                hosted.exiting = true;
                true
            }
            Ok(Ran::Done(_)) => {
                hosted.exited = true;
                self.finish(seat, hosted)
            }
            Err(error) => {
                self.end(hosted, Err(error));
                false
            }
        }
    }

    /// Gives the walk's result to the caller once all it can have seen is durable.
    fn finish(&mut self, seat: usize, hosted: &mut Hosted) -> bool {
        if let Err(error) = self.send_outbox(seat, hosted) {
            self.end(hosted, Err(error));
            return false;
        }
        if hosted.state == State::Emitting {
            // The exit hooks filled the stream; as above, the walk comes back.
            return true;
        }
        hosted.profile.elapsed = hosted.shared.spawned.elapsed();
        hosted.profile.resident = hosted.profile.visits.saturating_sub(hosted.profile.loaded);
        hosted.profile.longest_queue = hosted.frontier.longest() as u64;
        if hosted.unsettled.is_empty() && self.core.durability.is_settled() {
            let outcome = finished(hosted);
            self.end(hosted, outcome);
            return false;
        }
        // Writes are under way that this walk may have seen.
        hosted.state = State::Ending;
        let (core, engine, walk) = (Arc::clone(&self.core), self.this.clone(), hosted.shared.id);
        tokio::task::spawn_local(async move {
            core.settle().await;
            if let Some(engine) = engine.upgrade() {
                engine.borrow_mut().settled(seat, walk);
            }
        });
        true
    }

    fn settled(&mut self, seat: usize, walk: u64) {
        let same = self.seats[seat].as_ref().is_some_and(|hosted| hosted.shared.id == walk);
        let Some(mut hosted) = same.then(|| self.seats[seat].take()).flatten() else { return };
        let outcome = all_settled(&hosted.unsettled).and_then(|()| finished(&mut hosted));
        self.end(&mut hosted, outcome);
        self.vacate(seat, *hosted);
    }

    /// Ends a walk from outside its hooks: at once, or when its present hook is back.
    pub(super) fn doom(&mut self, seat: usize, error: WalkError) {
        let Some(mut hosted) = self.seats[seat].take() else { return };
        // Dropping the task drops the hook's future, and with it the I/O it waits for.
        if let Some(task) = hosted.task.take() {
            task.abort();
        }
        self.end(&mut hosted, Err(error));
        self.vacate(seat, *hosted);
    }

    /// Tells the caller.
    pub(super) fn end(&mut self, hosted: &mut Hosted, outcome: Outcome) {
        if let Err(error) = &outcome {
            tracing::debug!(walk = hosted.shared.id, walker = hosted.shared.walker, %error, "walk ended");
        }
        hosted.stream = None;
        self.core.walks.remove(&hosted.shared.id);
        hosted.shared.end(outcome);
    }

    /// Frees the seat of a walk that has ended.
    pub(super) fn vacate(&mut self, seat: usize, hosted: Hosted) {
        if let Some(address) = hosted.shared.address.get() {
            // A full mailbox cannot be: the walk has no question open. A closed one has ended.
            let _ = address.try_send(End);
        }
        // A walker's own `drop` is the user's code too, and must not take the other walks with it.
        if catch_unwind(AssertUnwindSafe(|| drop(hosted))).is_err() {
            tracing::error!("a walker panicked while it was dropped");
        }
        self.seats[seat] = None;
        self.free.push(seat);
    }
}

fn finished(hosted: &mut Hosted) -> Outcome {
    let (Some(walker), Some(mut walk)) = (hosted.walker.take(), hosted.walk.take()) else {
        return Err(WalkError::Stopped);
    };
    let profile = std::mem::take(&mut hosted.profile);
    Ok(Box::new(Finished { walker, report: walk.take_report(), profile }))
}
