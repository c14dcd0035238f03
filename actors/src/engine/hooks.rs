//! Calling hooks, sync and async, so that a panic ends the walk and nothing else.

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Weak;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use futures_util::future::CatchUnwind;
use tokio::sync::oneshot;
use tracing::Instrument;
use wayfare_graph::{
    Drive, Driven, Fault, HookFault, Id, Slot, Stage, Step, VisitBatch, Visited, WalkError, call_hook,
};

use crate::engine::batch_watch::{BatchNote, BatchWatch};
use crate::engine::run::wait_for;
use crate::engine::tally::tell_slow_hook;
use crate::engine::{Engine, within};
use crate::hosted::{Hosted, Phase, State};
use crate::panic_text::panic_text;
use crate::trace;
use crate::walk_task::WalkTask;

/// What came of running hooks.
pub(super) enum Ran {
    /// All that were to run have run.
    Done(Step),
    /// One of them is under way.
    Pending,
}

type Panic = Box<dyn std::any::Any + Send>;

impl Engine {
    /// Runs the sync hooks at a node, then does what they asked for.
    #[inline]
    pub(super) fn visit(
        &mut self,
        hosted: &mut Hosted,
        visited: &Visited,
        leaving: bool,
    ) -> Result<Step, WalkError> {
        let (Some(walker), Some(walk)) = (&mut hosted.walker, &mut hosted.walk) else {
            return Ok(Step::Continue);
        };
        let id = &visited.record.head.id;
        let hooks = match leaving {
            true => hosted.table.leaving(id.kind(), id.entity()),
            false => hosted.table.at(id.kind(), id.entity()),
        };
        if !leaving && let Some(detail) = walk.detail() {
            detail.add_visit(visited.slot, id.entity());
        }
        let (mut step, mut is_slow) = (Step::Continue, false);
        for &hook in &**hooks {
            let clock = self.tally.begin_hook();
            let called = catch_unwind(AssertUnwindSafe(|| {
                call_hook(&mut **walker, &hosted.table, hook, visited, walk)
            }));
            if let Some(took_ms) = self.tally.end_hooks(clock, 1) {
                let hook = hosted.table.name(hook);
                tell_slow_hook(&self.core.metrics, hosted.shared.walker, hook, id, 1, took_ms.into());
                is_slow = true;
            }
            match called {
                Ok(Ok(Step::Continue)) => {}
                Ok(Ok(stop)) => {
                    step = stop;
                    break;
                }
                // A budget that a hook ran into counts before what the hook made of it.
                Ok(Err(fault)) => {
                    walk.forget_requests();
                    let own = walk.take_fault();
                    return Err(own.unwrap_or_else(|| failed(hosted, hook, id, fault)));
                }
                Err(panic) => {
                    walk.forget_requests();
                    return Err(panicked(hosted, id.clone(), &panic));
                }
            }
        }
        if let Some(fault) = walk.take_fault() {
            return Err(fault);
        }
        if step == Step::Disengage {
            walk.end_by(visited)?;
            return Ok(step);
        }
        if let Some(missing) = walk.end_visit(visited, step)? {
            wait_for(hosted, missing);
        }
        if is_slow {
            self.was_slow(hosted);
        }
        Ok(Step::Continue)
    }

    /// Starts a batch of async hooks and polls it once. If it is not ready it becomes a task of its
    /// own, and the walk waits for it.
    pub(super) fn drive(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        batch: Box<VisitBatch>,
    ) -> Result<Ran, WalkError> {
        let (Some(walker), Some(walk)) = (hosted.walker.take(), hosted.walk.take()) else {
            return Ok(Ran::Pending);
        };
        hosted.rare.waiting = walk.queue_len();
        // Outside the future, because a batch that panics takes everything else with it.
        batch.current.store(walk.position().slot.0, Ordering::Relaxed);
        let note = BatchNote::of(hosted, &batch);
        let mut drive = AssertUnwindSafe(walker.drive(batch, walk)).catch_unwind();
        if hosted.blocking {
            return self.drive_apart(seat, hosted, drive, note);
        }
        // The first poll has no waker of its own: if it is not ready, the task below polls again.
        let clock = self.tally.begin_hook();
        let polled = (&mut drive).now_or_never();
        // Hooks that have to wait are timed by themselves.
        let made = if polled.is_some() { note.visits } else { 0 };
        if let Some(took_ms) = self.tally.end_hooks(clock, made) {
            note.tell_slow(&self.core, hosted, took_ms);
            self.was_slow(hosted);
        }
        match polled {
            Some(Ok(driven)) => self.driven(hosted, driven).map(Ran::Done),
            Some(Err(panic)) => Err(panicked(hosted, self.current(hosted), &panic)),
            None => {
                hosted.state = State::Hooking;
                let engine = self.this.clone();
                let walk = hosted.shared.id;
                let vitals = Arc::clone(&self.vitals);
                let mut watch = BatchWatch::begin(&self.core, hosted, note);
                let span = trace::within(hosted.traced.as_ref().map(|traced| traced.span().clone()));
                let driving = async move {
                    let mut kept_thread = false;
                    let outcome = poll_fn(|cx| {
                        // The hook may keep the thread here as well as in a turn.
                        vitals.beat();
                        vitals.enter(walk);
                        let polled = watch.poll(&mut drive, cx);
                        vitals.leave();
                        kept_thread |= watch.kept_thread();
                        polled
                    });
                    let outcome = outcome.await;
                    batch_returned(&engine, seat, walk, outcome, kept_thread);
                };
                hosted.task = Some(tokio::task::spawn_local(driving.instrument(span)).into());
                Ok(Ran::Pending)
            }
        }
    }

    /// Runs a batch on a thread for blocking work; the walk waits for it.
    fn drive_apart(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        mut drive: CatchUnwind<AssertUnwindSafe<Drive>>,
        note: BatchNote,
    ) -> Result<Ran, WalkError> {
        let (engine, walk) = (self.this.clone(), hosted.shared.id);
        let mut watch = BatchWatch::begin(&self.core, hosted, note);
        let span = trace::within(hosted.traced.as_ref().map(|traced| traced.span().clone()));
        let (reply, outcome) = oneshot::channel();
        let driving = async move {
            let outcome = poll_fn(|cx| watch.poll(&mut drive, cx)).await;
            // Nobody waits any more where the walk was ended meanwhile.
            let _ = reply.send(outcome);
        };
        let task =
            self.core.blocking.run(driving.instrument(span)).map_err(|error| WalkError::Unsuitable {
                walker: hosted.shared.walker.into(),
                reason: format!("its hooks block, and the system gives no thread for them: {error}"),
            })?;
        tokio::task::spawn_local(async move {
            if let Ok(outcome) = outcome.await {
                batch_returned(&engine, seat, walk, outcome, false);
            }
        });
        hosted.state = State::Hooking;
        hosted.task = Some(WalkTask::Apart(Box::new(task)));
        Ok(Ran::Pending)
    }

    /// A hook of a walk has kept its thread for long.
    #[cold]
    pub(super) fn was_slow(&self, hosted: &mut Hosted) {
        if !hosted.blocking && self.core.live.moves_slow_walks() {
            let (walk, walker) = (hosted.shared.id, hosted.shared.walker);
            tracing::warn!(target: "wayfare::slow", walk, walker, "its hooks run on threads for blocking work from now on");
            hosted.goes_apart();
        }
    }

    /// The node at which a batch of async hooks is, or an exit hook: the last one visited.
    fn current(&self, hosted: &Hosted) -> Id {
        // The future is polled on this thread; the value is only shared to survive it.
        let slot = hosted.rare.current.as_ref().map(|current| Slot(current.load(Ordering::Relaxed)));
        slot.and_then(|slot| self.core.directory.id_of(slot).cloned()).unwrap_or_else(Id::root)
    }

    /// Takes back what a batch worked on.
    fn driven(&mut self, hosted: &mut Hosted, driven: Driven) -> Result<Step, WalkError> {
        let Driven { walker, walk, mut batch, result } = driven;
        let made = &batch.planned[..batch.made];
        let popped = made.iter().map(|planned| planned.skipped as usize + 1).sum::<usize>();
        hosted.ahead = hosted.ahead.saturating_sub(popped);
        hosted.profile.visits += made.iter().filter(|planned| !planned.leaving).count() as u64;
        hosted.profile.deepest = hosted.profile.deepest.max(batch.deepest);
        hosted.need = hosted.need.and(walk.needed());
        let stage = std::mem::take(&mut batch.stage);
        hosted.walker = Some(walker);
        let walk = hosted.walk.insert(walk);
        walk.take_edited();
        if result.is_err() {
            walk.forget_requests();
        }
        if let Some(fault) = hosted.take_fault() {
            return Err(fault);
        }
        match stage {
            Stage::Enter => hosted.phase = Phase::Walking,
            Stage::Exit => hosted.phase = Phase::Left,
            Stage::Visits | Stage::Event(_) => {}
        }
        let (step, missing) = match result {
            Ok(done) => done,
            Err(Fault::Walk(error)) => return Err(error),
            Err(Fault::Hook(hook, fault)) => {
                return Err(failed(hosted, hook, &self.current(hosted), fault));
            }
        };
        hosted.discount(&batch, batch.made);
        batch.clear();
        hosted.rare.spare = Some(batch);
        if let Some(missing) = missing.filter(|_| hosted.phase != Phase::Left) {
            wait_for(hosted, missing);
        }
        Ok(if hosted.phase == Phase::Left { Step::Continue } else { step })
    }

    /// Goes on after a batch that was a task.
    fn batch_back(&mut self, seat: usize, outcome: Result<Driven, Panic>, kept_thread: bool) {
        let Some(mut hosted) = self.seats[seat].take() else { return };
        hosted.task = None;
        if kept_thread {
            self.was_slow(&mut hosted);
        }
        hosted.state = State::Ready;
        let went = match outcome {
            Err(panic) => Err(panicked(&hosted, self.current(&hosted), &panic)),
            Ok(driven) => self.driven(&mut hosted, driven),
        };
        let kept = self.went(seat, &mut hosted, went);
        let ready = hosted.state == State::Ready;
        if !kept {
            return self.vacate(seat, *hosted);
        }
        self.seats[seat] = Some(hosted);
        if ready {
            self.make_ready(seat);
        }
        self.ask_all();
    }
}

fn batch_returned(
    engine: &Weak<RefCell<Engine>>,
    seat: usize,
    walk: u64,
    outcome: Result<Driven, Panic>,
    kept_thread: bool,
) {
    within(engine, |engine| {
        // The seat may have been given to another walk since this one was cancelled.
        if engine.seat_of(seat, walk).is_some() {
            engine.batch_back(seat, outcome, kept_thread);
        }
    });
}

pub(super) fn failed(hosted: &Hosted, hook: u16, at: &Id, fault: HookFault) -> WalkError {
    match fault {
        HookFault::Panicked(panic) => panicked(hosted, at.clone(), &panic),
        HookFault::Unreadable(error) => WalkError::Unreadable { id: at.clone(), reason: error.to_string() },
        // A budget that a hook ran into, or any other error of the walk itself, keeps its own form.
        HookFault::Failed(error) => match error.downcast::<WalkError>() {
            Ok(own) => *own,
            Err(source) => WalkError::HookFailed {
                walker: hosted.shared.walker.into(),
                hook: hosted.table.name(hook),
                at: at.clone(),
                source: Arc::new(source),
            },
        },
    }
}

pub(super) fn panicked(hosted: &Hosted, at: Id, panic: &Panic) -> WalkError {
    let message = panic_text(&**panic);
    WalkError::HookPanicked { walker: hosted.shared.walker.into(), at, message }
}
