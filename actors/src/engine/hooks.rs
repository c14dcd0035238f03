//! Calling hooks, sync and async, so that a panic ends the walk and nothing else.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Weak;
use std::sync::Arc;

use futures_util::FutureExt;
use wayfare_graph::{Driven, HookFault, Id, Step, VisitBatch, Visited, WalkError};

use crate::engine::Engine;
use crate::hosted::{Hosted, State};

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
                Ok(Err(fault)) => return Err(failed(hosted, hook, &visited.record.head.id, fault)),
                Err(panic) => return Err(panicked(hosted, visited.record.head.id.clone(), &panic)),
            }
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
        // Where a panic is said to have happened: a batch that panics takes its position with it.
        let at = batch.visits.first().map_or_else(Id::root, |(visited, _)| visited.record.head.id.clone());
        let mut drive = AssertUnwindSafe(walker.drive(batch, walk)).catch_unwind();
        // The first poll has no waker of its own: if it is not ready, the task below polls again.
        match (&mut drive).now_or_never() {
            Some(Ok(driven)) => self.driven(seat, hosted, driven).map(Ran::Done),
            Some(Err(panic)) => Err(panicked(hosted, at, &panic)),
            None => {
                hosted.state = State::Hooking;
                let engine = self.this.clone();
                let walk = hosted.shared.id;
                let task = tokio::task::spawn_local(async move {
                    let outcome = drive.await;
                    batch_returned(&engine, seat, walk, at, outcome);
                });
                hosted.task = Some(task.abort_handle());
                Ok(Ran::Pending)
            }
        }
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
        let step = result.map_err(|(hook, fault)| {
            let at =
                visits.get(made.saturating_sub(1)).map_or_else(Id::root, |(v, _)| v.record.head.id.clone());
            failed(hosted, hook, &at, fault)
        })?;
        let mut from = 0;
        for ((visited, position), until) in visits.iter().zip(requests_after) {
            hosted.profile.deepest = hosted.profile.deepest.max(position.depth);
            let mut asked = requests.by_ref().take(until - from);
            from = *until;
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
    fn batch_back(&mut self, seat: usize, at: Id, outcome: Result<Driven, Panic>) {
        let Some(mut hosted) = self.seats[seat].take() else { return };
        hosted.task = None;
        hosted.state = State::Ready;
        let exiting = std::mem::take(&mut hosted.exiting);
        let went = match outcome {
            Err(panic) => Err(panicked(&hosted, at, &panic)),
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

fn batch_returned(
    engine: &Weak<RefCell<Engine>>,
    seat: usize,
    walk: u64,
    at: Id,
    outcome: Result<Driven, Panic>,
) {
    let Some(engine) = engine.upgrade() else { return };
    let mut engine = engine.borrow_mut();
    // The seat may have been given to another walk since this one was cancelled.
    let same = engine.seats.get(seat).and_then(Option::as_ref).is_some_and(|hosted| hosted.shared.id == walk);
    if same {
        engine.batch_back(seat, at, outcome);
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
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let message = message.unwrap_or_else(|| "a panic without a text".into());
    WalkError::HookPanicked { walker: hosted.shared.walker.into(), at, message }
}
