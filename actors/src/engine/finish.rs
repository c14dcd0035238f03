//! Ending walks: exit hooks, durability, the answer to the caller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use wayfare_graph::{Finished, Outcome, Stage, Step, WalkError};

use crate::durable;
use crate::engine::hooks::Ran;
use crate::engine::{Engine, within};
use crate::hosted::{Hosted, Phase, State};
#[cfg(test)]
use crate::simulation::{Bug, is_planted};
use crate::spawn::all_settled;
use crate::walk_actor::End;
use crate::walk_task::WalkTask;
use crate::worker::Beside;

impl Engine {
    /// Forgets what waits.
    pub(super) fn disengage(&mut self, hosted: &mut Hosted) {
        if let Some(walk) = &mut hosted.walk {
            walk.forget_requests();
            walk.frontier_mut().clear();
        }
        hosted.missing = None;
        hosted.phase = hosted.phase.max(Phase::Walking);
    }

    /// Waits for the children, runs the exit hooks, then ends the walk; `true` while it must stay hosted.
    pub(super) fn leave(&mut self, seat: usize, hosted: &mut Hosted) -> bool {
        if hosted.phase < Phase::Leaving && hosted.listens {
            // Events that came before the end are still heard.
            match self.take_event(seat, hosted) {
                Ok(None) => {}
                Ok(Some(step)) => return self.heard(seat, hosted, step),
                Err(error) => return self.went(seat, hosted, Err(error)),
            }
        }
        hosted.phase = hosted.phase.max(Phase::Leaving);
        if let Some(kept) = self.join(seat, hosted) {
            return kept;
        }
        if hosted.phase == Phase::Left {
            return self.finish(seat, hosted);
        }
        if hosted.table.exits().is_empty() {
            hosted.phase = Phase::Left;
            return self.finish(seat, hosted);
        }
        let mut batch = hosted.batch();
        batch.stage = Stage::Exit;
        match self.drive(seat, hosted, batch) {
            Ok(Ran::Pending) => true,
            // What the exit hooks emitted and wrote, and children they started, come first.
            Ok(Ran::Done(_)) => self.went(seat, hosted, Ok(Step::Continue)),
            Err(error) => {
                self.end(hosted, Err(error));
                false
            }
        }
    }

    /// Goes on after an event that was heard at the end. The next one is looked for in another turn: as many
    /// as the buffer holds may wait, and hearing them from within each other would take a stack as deep.
    fn heard(&mut self, seat: usize, hosted: &mut Hosted, step: Step) -> bool {
        if step == Step::Disengage {
            self.disengage(hosted);
        }
        if hosted.state == State::Loading {
            self.asking.push(seat);
        }
        true
    }

    /// Waits for children that are alive; `None` when there are none.
    fn join(&mut self, seat: usize, hosted: &mut Hosted) -> Option<bool> {
        if let Some(error) = hosted.shared.children.failure() {
            self.end(hosted, Err(error));
            return Some(false);
        }
        if hosted.shared.children.alive() == 0 {
            return None;
        }
        hosted.state = State::Joining;
        let (shared, engine, walk) = (Arc::clone(&hosted.shared), self.this.clone(), hosted.id);
        let task = tokio::task::spawn_local(async move {
            shared.children.joined().await;
            within(&engine, |engine| engine.back(seat, walk));
        });
        hosted.task = Some(task.into());
        Some(true)
    }

    /// Lets a walk go on that waited for something other than records or hooks.
    pub(super) fn back(&mut self, seat: usize, walk: u64) {
        let Some(hosted) = self.seat_of(seat, walk) else { return };
        hosted.task = None;
        self.make_ready(seat);
    }

    /// Gives the walk's result to the caller once all it can have seen is durable.
    fn finish(&mut self, seat: usize, hosted: &mut Hosted) -> bool {
        if self.has_to_write(hosted) {
            self.start_writing(seat, hosted);
            return true;
        }
        // Before its profile is given out.
        self.tally.see(hosted);
        hosted.end_visits();
        hosted.profile.elapsed = hosted.shared.spawned.elapsed();
        hosted.profile.resident = hosted.profile.visits.saturating_sub(hosted.profile.loaded);
        if let Some(walk) = &hosted.walk {
            hosted.profile.longest_queue = walk.frontier().longest() as u64;
            hosted.profile.detail = walk.told_detail(&hosted.table).map(Box::new);
        }
        #[cfg(test)]
        if is_planted(Bug::AnswerBeforeSettled) {
            let outcome = finished(hosted);
            self.end(hosted, outcome);
            return false;
        }
        if hosted.unsettled.is_empty() && self.core.durability.is_settled() {
            let outcome = finished(hosted);
            self.end(hosted, outcome);
            return false;
        }
        // Writes are under way that this walk may have seen.
        hosted.state = State::Ending;
        let (core, engine, walk) = (Arc::clone(&self.core), self.this.clone(), hosted.shared.id);
        tokio::task::spawn_local(async move {
            let settled = core.settle().await.map_err(|_| WalkError::Stopped);
            within(&engine, |engine| engine.settled(seat, walk, settled));
        });
        true
    }

    fn settled(&mut self, seat: usize, walk: u64, settled: Result<(), WalkError>) {
        let same = self.seats[seat].as_ref().is_some_and(|hosted| hosted.shared.id == walk);
        let Some(mut hosted) = same.then(|| self.seats[seat].take()).flatten() else { return };
        let settled = settled.and_then(|()| all_settled(&hosted.unsettled));
        let outcome = settled.and_then(|()| finished(&mut hosted));
        self.end(&mut hosted, outcome);
        self.vacate(seat, *hosted);
    }

    /// Ends a walk from outside its hooks: at once, or when its present hook is back.
    pub(super) fn doom(&mut self, seat: usize, error: WalkError) {
        let Some(mut hosted) = self.seats[seat].take() else { return };
        // Writes that hooks asked for before are done all the same, unless they belong to a state of the
        // walk that will be taken up again.
        let writes = hosted.state == State::Writing && !hosted.durable;
        let task = hosted.task.take().filter(|_| !writes);
        if let Some(task) = &task {
            task.abort();
        }
        self.end_after(&mut hosted, Err(error), task);
        self.vacate(seat, *hosted);
    }

    /// Tells the caller, when what the walk's hooks wrote is done and its children have ended.
    pub(super) fn end(&mut self, hosted: &mut Hosted, outcome: Outcome) {
        self.end_after(hosted, outcome, None);
    }

    /// The same when a task that was aborted is gone, and with it the hook's future and the I/O it waits for.
    fn end_after(&mut self, hosted: &mut Hosted, outcome: Outcome, task: Option<WalkTask>) {
        // Whoever waits for the walk finds its visits counted.
        self.tally.see(hosted);
        hosted.end_visits();
        self.tell_figures();
        if let Err(error) = &outcome {
            tracing::debug!(walk = hosted.shared.id, walker = hosted.shared.walker, %error, "walk ended");
        }
        hosted.stream = None;
        let outcome = match outcome {
            Err(error) if hosted.durable => return self.end_durable(hosted, error, task),
            outcome => outcome,
        };
        let shared = Arc::clone(&hosted.shared);
        let writes = outcome.is_err().then(|| hosted.walk.as_mut().and_then(|walk| walk.left_writes()));
        let writes = writes.flatten();
        if task.is_none() && writes.is_none() && shared.children.alive() == 0 {
            self.core.walks.remove(shared.id);
            return shared.end(outcome);
        }
        let core = Arc::clone(&self.core);
        // A worker that is no longer needed keeps its thread until the caller is told.
        let beside = Beside::begin(&self.vitals);
        tokio::task::spawn_local(async move {
            let _beside = beside;
            shared.children.cancel();
            if let Some(task) = task {
                task.gone().await;
            }
            if let Some(mut writes) = writes {
                // Hooks that ended well asked for them. If they fail, the walk has failed already.
                let _ = writes.flush(&*core, Vec::new()).await;
            }
            shared.children.gone().await;
            core.walks.remove(shared.id);
            shared.end(outcome);
        });
    }

    /// Ends a durable walk that has failed: what its last checkpoint left is taken up again, or parked.
    fn end_durable(&mut self, hosted: &mut Hosted, error: WalkError, task: Option<WalkTask>) {
        let shared = Arc::clone(&hosted.shared);
        let Some(durable) = hosted.rare.durable.take() else { return };
        if matches!(error, WalkError::Stopped) {
            // The next process goes on with it.
            self.core.walks.remove(shared.id);
            return shared.end(Err(error));
        }
        let (core, worker) = (Arc::clone(&self.core), self.vitals.number);
        // As above: else nobody would take the walk up again.
        let beside = Beside::begin(&self.vitals);
        tokio::task::spawn_local(async move {
            let _beside = beside;
            shared.children.cancel();
            if let Some(task) = task {
                task.gone().await;
            }
            shared.children.gone().await;
            if !shared.take_from(worker) {
                // The worker was lost meanwhile, and with that it was decided.
                return;
            }
            // Not on this thread, whose end would be the end of it.
            let Some(runtime) = core.runtime.get().cloned() else { return };
            let _ = runtime.spawn(durable::failed(core, shared, durable.into_id(), error)).await;
        });
    }

    /// Frees the seat of a walk that has ended.
    pub(super) fn vacate(&mut self, seat: usize, mut hosted: Hosted) {
        self.tally.leave(&mut hosted);
        if let Some(address) = hosted.shared.address() {
            // A full mailbox cannot be: the walk has no question open. A closed one has ended.
            let _ = address.try_send(End);
        }
        self.read_ahead = self.read_ahead.saturating_sub(hosted.counted_ahead as usize);
        // Release: whoever sees it gone sees what has begun beside it.
        self.vitals.walks.fetch_sub(1, Ordering::Release);
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
    Ok(Box::new(Finished { walker, report: walk.take_report(), profile, trail: walk.trail() }))
}
