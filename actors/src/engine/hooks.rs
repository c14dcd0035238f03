//! Calling hooks, sync and async, so that a panic ends the walk and nothing else.

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Weak;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use wayfare_graph::{Driven, HookFault, Id, Slot, Step, VisitBatch, Visited, WalkError};

use crate::engine::Engine;
use crate::hosted::{Hosted, State};
use crate::panic_text::panic_text;

/// What came of running hooks.
pub(super) enum Ran {
    /// All that were to run have run.
    Done(Step),
    /// One of them is under way.
    Pending,
}

type Panic = Box<dyn std::any::Any + Send>;

impl Engine {
    /// Runs the sync hooks at a node, then queues what they asked for.
    pub(super) fn visit(&mut self, hosted: &mut Hosted, visited: &Visited) -> Result<Step, WalkError> {
        let (Some(walker), Some(walk)) = (&mut hosted.walker, &mut hosted.walk) else {
            return Ok(Step::Continue);
        };
        for &hook in &**hosted.table.at(visited.record.head.id.entity().code()) {
            let called =
                catch_unwind(AssertUnwindSafe(|| walker.call(usize::from(hook), Some(visited), walk)));
            match called {
                Ok(Ok(Step::Continue)) => {}
                Ok(Ok(Step::Skip)) => break,
                Ok(Ok(Step::Disengage)) => {
                    walk.requests().clear();
                    return Ok(Step::Disengage);
                }
                // A budget that a hook ran into counts before what the hook made of it.
                Ok(Err(fault)) => {
                    let own = walk.take_fault();
                    return Err(own.unwrap_or_else(|| failed(hosted, hook, &visited.record.head.id, fault)));
                }
                Err(panic) => return Err(panicked(hosted, visited.record.head.id.clone(), &panic)),
            }
        }
        if let Some(fault) = walk.take_fault() {
            return Err(fault);
        }
        let position = walk.position();
        let mut requests = std::mem::take(walk.requests());
        self.expand(hosted, visited, position, &mut requests.drain(..))?;
        if let Some(walk) = &mut hosted.walk {
            // Their room is used again.
            *walk.requests() = requests;
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
        // Outside the future, because a batch that panics takes everything else with it.
        batch.current.store(walk.position().slot.0, Ordering::Relaxed);
        let mut drive = AssertUnwindSafe(walker.drive(batch, walk)).catch_unwind();
        // The first poll has no waker of its own: if it is not ready, the task below polls again.
        match (&mut drive).now_or_never() {
            Some(Ok(driven)) => self.driven(seat, hosted, driven).map(Ran::Done),
            Some(Err(panic)) => Err(panicked(hosted, self.current(hosted), &panic)),
            None => {
                hosted.state = State::Hooking;
                let engine = self.this.clone();
                let walk = hosted.shared.id;
                let vitals = Arc::clone(&self.vitals);
                let task = tokio::task::spawn_local(async move {
                    let outcome = poll_fn(|cx| {
                        // The hook may keep the thread here as well as in a turn.
                        vitals.beat();
                        vitals.enter(walk);
                        let polled = drive.poll_unpin(cx);
                        vitals.leave();
                        polled
                    });
                    let outcome = outcome.await;
                    batch_returned(&engine, seat, walk, outcome);
                });
                hosted.task = Some(task.abort_handle());
                Ok(Ran::Pending)
            }
        }
    }

    /// The node at which a batch of async hooks is, or an exit hook: the last one visited.
    fn current(&self, hosted: &Hosted) -> Id {
        // The future is polled on this thread; the value is only shared to survive it.
        let slot = hosted.current.as_ref().map(|current| Slot(current.load(Ordering::Relaxed)));
        slot.and_then(|slot| self.core.directory.id_of(slot).cloned()).unwrap_or_else(Id::root)
    }

    /// Takes back what a batch of async hooks worked on, and queues what they asked for.
    fn driven(&mut self, seat: usize, hosted: &mut Hosted, driven: Driven) -> Result<Step, WalkError> {
        let Driven { walker, mut walk, mut batch, result } = driven;
        let VisitBatch { visits, requests_after, .. } = &*batch;
        let made = requests_after.len();
        let mut room = std::mem::take(walk.requests());
        let mut requests = room.drain(..);
        hosted.walker = Some(walker);
        hosted.walk = Some(walk);
        hosted.profile.visits += made as u64;
        if let Some(fault) = hosted.take_fault() {
            return Err(fault);
        }
        let step = match result {
            Ok(step) => step,
            Err((hook, fault)) => return Err(failed(hosted, hook, &self.current(hosted), fault)),
        };
        let mut from = 0;
        let returned = hosted.frontier.taken();
        let mut taken = returned + visits.len();
        for ((visited, position), until) in visits.iter().zip(requests_after) {
            hosted.profile.deepest = hosted.profile.deepest.max(position.depth);
            let mut asked = requests.by_ref().take(until - from);
            from = *until;
            taken -= 1;
            hosted.frontier.set_taken(taken);
            match &mut hosted.suspended {
                // Links are being waited for: what comes after has to wait as well, or the order is lost.
                Some(suspended) => suspended.requests.extend(asked.map(|target| (*position, target))),
                None => self.expand(hosted, visited, *position, &mut asked)?,
            }
        }
        if step == Step::Disengage {
            return Ok(step);
        }
        drop(requests);
        if let Some(walk) = &mut hosted.walk {
            *walk.requests() = room;
        }
        hosted.unmade.extend(visits[made..].iter().map(|(_, position)| *position));
        batch.visits.clear();
        batch.requests_after.clear();
        hosted.spare = Some(batch);
        self.send_outbox(seat, hosted)?;
        Ok(Step::Continue)
    }

    /// Goes on after a batch of async hooks that was a task.
    fn batch_back(&mut self, seat: usize, outcome: Result<Driven, Panic>) {
        let Some(mut hosted) = self.seats[seat].take() else { return };
        hosted.task = None;
        hosted.state = State::Ready;
        let exiting = std::mem::take(&mut hosted.exiting);
        let went = match outcome {
            Err(panic) => Err(panicked(&hosted, self.current(&hosted), &panic)),
            Ok(driven) => self.driven(seat, &mut hosted, driven),
        };
        let kept = match went {
            Err(error) => {
                self.end(&mut hosted, Err(error));
                false
            }
            Ok(_) if exiting => {
                hosted.exited = true;
                self.exit(seat, &mut hosted)
            }
            Ok(Step::Disengage) => self.disengage(seat, &mut hosted),
            Ok(_) => {
                hosted.give_back_unmade();
                true
            }
        };
        let (ready, loading) = (hosted.state == State::Ready, hosted.state == State::Loading);
        if !kept {
            return self.vacate(seat, *hosted);
        }
        self.seats[seat] = Some(hosted);
        if ready {
            self.make_ready(seat);
        } else if loading {
            self.asking.push(seat);
            self.ask_all();
        }
    }
}

fn batch_returned(engine: &Weak<RefCell<Engine>>, seat: usize, walk: u64, outcome: Result<Driven, Panic>) {
    let Some(engine) = engine.upgrade() else { return };
    let mut engine = engine.borrow_mut();
    // The seat may have been given to another walk since this one was cancelled.
    let same = engine.seats.get(seat).and_then(Option::as_ref).is_some_and(|hosted| hosted.shared.id == walk);
    if same {
        engine.batch_back(seat, outcome);
    }
}

pub(super) fn failed(hosted: &Hosted, hook: u16, at: &Id, fault: HookFault) -> WalkError {
    match fault {
        HookFault::Unreadable(error) => WalkError::Unreadable { id: at.clone(), reason: error.to_string() },
        // A budget that a hook ran into, or any other error of the walk itself, keeps its own form.
        HookFault::Failed(error) => match error.downcast::<WalkError>() {
            Ok(own) => *own,
            Err(source) => WalkError::HookFailed {
                walker: hosted.shared.walker.into(),
                hook: hosted.table.spec(hook).name,
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
