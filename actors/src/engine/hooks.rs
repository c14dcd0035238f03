//! Calling hooks, sync and async, so that a panic ends the walk and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Weak;
use std::sync::Arc;
use std::cell::RefCell;
use std::rc::Rc;

use futures_util::FutureExt;
use wayfare_graph::{AsyncReturn, HookFault, HookResult, Id, Step, Visited, WalkError};

use crate::engine::Engine;
use crate::hosted::{Emitted, HookPlace, Hosted, State, Visiting};

/// What came of running hooks.
pub(super) enum Ran {
    /// All that were to run have run.
    Done(Step),
    /// One of them is under way.
    Pending,
}

type Panic = Box<dyn std::any::Any + Send>;

impl Engine {
    /// Runs the hooks at a node from `visiting.next` on, then queues what they asked for.
    pub(super) fn visit(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        visiting: Visiting,
    ) -> Result<Ran, WalkError> {
        let Visiting { mut visited, next } = visiting;
        let hooks = Rc::clone(hosted.table.at(visited.record.head.id.entity().code()));
        for (place, &hook) in hooks.iter().enumerate().skip(next) {
            let spec = hosted.table.spec(hook);
            let result = if spec.is_async {
                let hook_place = HookPlace { next: place + 1, exiting: false };
                match self.call_async(seat, hosted, hook, Some(visited), hook_place) {
                    Called::Done(back, result) => {
                        // The same node comes back; a hook cannot keep it.
                        let Some(back) = back else { return Ok(Ran::Pending) };
                        visited = back;
                        result
                    }
                    Called::Panicked(at, panic) => return Err(panicked(hosted, at, &panic)),
                    Called::Pending => return Ok(Ran::Pending),
                }
            } else {
                let (Some(walker), Some(walk)) = (&mut hosted.walker, &mut hosted.walk) else {
                    return Ok(Ran::Pending);
                };
                let called =
                    catch_unwind(AssertUnwindSafe(|| walker.call(usize::from(hook), Some(&visited), walk)));
                called.map_err(|panic| panicked(hosted, visited.record.head.id.clone(), &panic))?
            };
            match result.map_err(|fault| failed(hosted, spec.name, &visited.record.head.id, fault))? {
                Step::Continue => {}
                Step::Skip => break,
                Step::Disengage => {
                    if let Some(walk) = &mut hosted.walk {
                        walk.requests().clear();
                    }
                    hosted.frontier.clear();
                    self.send_outbox(seat, hosted)?;
                    return Ok(Ran::Done(Step::Disengage));
                }
            }
        }
        self.expand(hosted, &visited)?;
        self.send_outbox(seat, hosted)?;
        let depth = hosted.walk.as_ref().map_or(0, |walk| walk.depth());
        hosted.profile.deepest = hosted.profile.deepest.max(depth);
        Ok(Ran::Done(Step::Continue))
    }

    /// Starts an async hook and polls it once. If it is not ready it becomes a task of its own, and
    /// the walk waits for it.
    pub(super) fn call_async(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        hook: u16,
        visited: Option<Visited>,
        place: HookPlace,
    ) -> Called {
        let (Some(walker), Some(walk)) = (hosted.walker.take(), hosted.walk.take()) else { return Called::Pending };
        let at = visited.as_ref().map_or_else(Id::root, |visited| visited.record.head.id.clone());
        let started = catch_unwind(AssertUnwindSafe(|| walker.call_async(usize::from(hook), visited, walk)));
        let future = match started {
            Ok(future) => future,
            Err(panic) => return Called::Panicked(at, panic),
        };
        let mut future = AssertUnwindSafe(future).catch_unwind();
        // The first poll has no waker of its own: if it is not ready, the task below polls again.
        match (&mut future).now_or_never() {
            Some(Ok(back)) => {
                let AsyncReturn { walker, walk, visited, result } = back;
                hosted.walker = Some(walker);
                hosted.walk = Some(walk);
                Called::Done(visited, result)
            }
            Some(Err(panic)) => Called::Panicked(at, panic),
            None => {
                hosted.state = State::Hooking;
                hosted.hook_place = place;
                let engine = self.this.clone();
                let walk = hosted.shared.id;
                let task = tokio::task::spawn_local(async move {
                    let outcome = future.await;
                    hook_returned(&engine, seat, walk, at, hook, outcome);
                });
                hosted.task = Some(task.abort_handle());
                Called::Pending
            }
        }
    }

    /// Goes on after an async hook that was a task.
    fn hook_back(&mut self, seat: usize, hook: u16, at: Id, outcome: Result<AsyncReturn, Panic>) {
        let Some(mut hosted) = self.seats[seat].take() else { return };
        hosted.task = None;
        let place = hosted.hook_place;
        let went = match outcome {
            Err(panic) => Err(panicked(&hosted, at, &panic)),
            Ok(AsyncReturn { walker, walk, visited, result }) => {
                hosted.walker = Some(walker);
                hosted.walk = Some(walk);
                hosted.state = State::Ready;
                let name = hosted.table.spec(hook).name;
                result.map_err(|fault| failed(&hosted, name, &at, fault)).and_then(|step| match (step, visited) {
                    (Step::Continue, Some(visited)) => {
                        self.visit(seat, &mut hosted, Visiting { visited, next: place.next })
                    }
                    (Step::Skip, Some(visited)) => {
                        // No hook is left to run: only what was asked for is queued.
                        self.visit(seat, &mut hosted, Visiting { visited, next: usize::MAX })
                    }
                    (Step::Disengage, Some(_)) => {
                        hosted.frontier.clear();
                        self.send_outbox(seat, &mut hosted)?;
                        Ok(Ran::Done(Step::Disengage))
                    }
                    (step, None) => Ok(Ran::Done(step)),
                })
            }
        };
        let kept = match went {
            Err(error) => {
                self.end(&mut hosted, Err(error));
                false
            }
            Ok(Ran::Pending) => true,
            Ok(Ran::Done(_)) if place.exiting => self.exit(seat, &mut hosted, place.next),
            Ok(Ran::Done(Step::Disengage)) => self.exit(seat, &mut hosted, 0),
            Ok(Ran::Done(_)) => true,
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

    /// Sends what hooks emitted; if the stream is full, the walk waits for it.
    pub(super) fn send_outbox(&mut self, seat: usize, hosted: &mut Hosted) -> Result<(), WalkError> {
        let Some(walk) = hosted.walk.as_mut().filter(|walk| walk.has_outbox()) else { return Ok(()) };
        let Some(stream) = hosted.stream.clone() else { return Ok(()) };
        let mark = (!self.core.durability.is_settled()).then(|| self.core.durability.mark());
        let mut values = walk.take_outbox().into_iter().map(|value| Emitted { value, mark: mark.clone() });
        while let Some(value) = values.next() {
            use tokio::sync::mpsc::error::TrySendError;
            match stream.try_send(value) {
                Ok(()) => {}
                Err(TrySendError::Closed(_)) => {
                    return Err(WalkError::NobodyListens { walker: hosted.shared.walker.into() });
                }
                Err(TrySendError::Full(value)) => {
                    let rest: Vec<Emitted> = std::iter::once(value).chain(values).collect();
                    self.wait_for_stream(seat, hosted, stream, rest);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn wait_for_stream(
        &mut self,
        seat: usize,
        hosted: &mut Hosted,
        stream: tokio::sync::mpsc::Sender<Emitted>,
        rest: Vec<Emitted>,
    ) {
        // What the walk waited for before, it waits for after the stream as well.
        let before = hosted.state;
        hosted.state = State::Emitting;
        let (engine, walk) = (self.this.clone(), hosted.shared.id);
        let task = tokio::task::spawn_local(async move {
            let mut open = true;
            for value in rest {
                open = open && stream.send(value).await.is_ok();
            }
            if let Some(engine) = engine.upgrade() {
                engine.borrow_mut().stream_back(seat, walk, before, open);
            }
        });
        hosted.task = Some(task.abort_handle());
    }

    fn stream_back(&mut self, seat: usize, walk: u64, before: State, open: bool) {
        let Some(hosted) = self.seats.get_mut(seat).and_then(Option::as_mut) else { return };
        if hosted.shared.id != walk {
            return;
        }
        hosted.task = None;
        if !open {
            let error = WalkError::NobodyListens { walker: hosted.shared.walker.into() };
            return self.doom(seat, error);
        }
        if before == State::Loading && hosted.outstanding > 0 {
            hosted.state = State::Loading;
        } else {
            self.make_ready(seat);
        }
    }
}

/// What came of calling an async hook.
pub(super) enum Called {
    Done(Option<Visited>, HookResult),
    Panicked(Id, Panic),
    Pending,
}

fn hook_returned(
    engine: &Weak<RefCell<Engine>>,
    seat: usize,
    walk: u64,
    at: Id,
    hook: u16,
    outcome: Result<AsyncReturn, Panic>,
) {
    let Some(engine) = engine.upgrade() else { return };
    let mut engine = engine.borrow_mut();
    // The seat may have been given to another walk since this one was cancelled.
    let same = engine.seats.get(seat).and_then(Option::as_ref).is_some_and(|hosted| hosted.shared.id == walk);
    if same {
        engine.hook_back(seat, hook, at, outcome);
    }
}

pub(super) fn failed(hosted: &Hosted, hook: &'static str, at: &Id, fault: HookFault) -> WalkError {
    match fault {
        HookFault::Unreadable(error) => WalkError::Unreadable { id: at.clone(), reason: error.to_string() },
        // A budget that a hook ran into, or any other error of the walk itself, keeps its own form.
        HookFault::Failed(error) => match error.downcast::<WalkError>() {
            Ok(own) => *own,
            Err(source) => WalkError::HookFailed {
                walker: hosted.shared.walker.into(),
                hook,
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
