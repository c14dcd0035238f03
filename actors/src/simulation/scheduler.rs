//! The scheduler: it holds tasks and calls to the store back, and lets one at a time go on.
//!
//! What may go on stands in a list, in the order in which it came to stand there. All of a simulation runs on one
//! thread, so that order hangs on nothing but the choices made before.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Scheduler>>> = const { RefCell::new(None) };
}

/// The scheduler of the simulation that runs on this thread, if one does.
pub(crate) fn scheduler() -> Option<Arc<Scheduler>> {
    CURRENT.with_borrow(Clone::clone)
}

thread_local! {
    /// So many points in the work of shards are passed before the next one panics; none does where it is 0.
    static PANICS_AFTER: Cell<u32> = const { Cell::new(0) };
}

/// Makes one of the next points in the work of shards panic.
pub(super) fn panic_after(points: u32) {
    PANICS_AFTER.set(points);
}

/// A point in the work of a shard: panics where that is due.
pub(crate) fn panic_if_due() {
    let points = PANICS_AFTER.get();
    if points > 0 {
        PANICS_AFTER.set(points - 1);
        if points == 1 {
            // Without the report that a panic makes: it is wanted here.
            std::panic::resume_unwind(Box::new("simulated"));
        }
    }
}

/// Makes a scheduler that of this thread until it is dropped.
pub(super) struct Installed;

impl Installed {
    pub(super) fn new(scheduler: &Arc<Scheduler>) -> Self {
        CURRENT.set(Some(Arc::clone(scheduler)));
        Self
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

/// What becomes of a call to the store that is let on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes well.
    Well,
    /// The server is away.
    Away,
    /// The disk fails.
    Broken,
}

/// What a held call to the store is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Look at documents.
    Read,
    /// Make a commit durable.
    Commit,
    /// Tell what it came to.
    Answer,
    /// Tell that a commit is durable.
    Acknowledge,
}

/// What may go on.
pub(super) enum Held {
    Task(Arc<Gate>),
    Call(Arc<Turn>),
}

impl Held {
    /// What it is, for a trace.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Task(gate) => gate.what.to_owned(),
            Self::Call(turn) => format!("store: {:?} of {}", turn.call, turn.what),
        }
    }

    /// What sort of thing it is: the calls to the store first, then tasks.
    pub(super) fn sort(&self) -> usize {
        match self {
            Self::Call(turn) => turn.call as usize,
            Self::Task(gate) => {
                let known = ["writer", "mailbox of a shard", "flush of a shard", "worker"];
                4 + known.iter().position(|what| *what == gate.what).unwrap_or(known.len())
            }
        }
    }

    /// Which call to the store it is, if it is one.
    pub(super) fn call(&self) -> Option<Call> {
        match self {
            Self::Task(_) => None,
            Self::Call(turn) => Some(turn.call),
        }
    }

    /// Lets it go on.
    pub(super) fn release(self, fate: Fate) {
        match self {
            Self::Task(gate) => gate.release(),
            Self::Call(turn) => turn.release(fate),
        }
    }
}

/// What is held back.
#[derive(Default)]
pub(crate) struct Scheduler {
    held: Mutex<Vec<Held>>,
}

impl Scheduler {
    /// How much is held back.
    pub(super) fn len(&self) -> usize {
        self.held.lock().len()
    }

    /// What sort of thing one of those held back is.
    pub(super) fn sort(&self, at: usize) -> usize {
        self.held.lock()[at].sort()
    }

    /// Takes one of those held back out of the list.
    pub(super) fn take(&self, at: usize) -> Held {
        self.held.lock().remove(at)
    }

    /// A future that goes on only when it is let on, each time it could.
    pub(crate) fn gated<F: Future>(self: &Arc<Self>, what: &'static str, future: F) -> Gated<F> {
        let state = GateState { is_listed: true, is_open: false, outer: None };
        let gate = Arc::new(Gate { scheduler: Arc::clone(self), what, state: Mutex::new(state) });
        self.held.lock().push(Held::Task(Arc::clone(&gate)));
        Gated { future: Box::pin(future), gate }
    }

    /// Holds a call to the store back.
    pub(super) fn turn(self: &Arc<Self>, call: Call, what: String) -> TurnFuture {
        let turn = Arc::new(Turn { call, what, state: Mutex::default() });
        self.held.lock().push(Held::Call(Arc::clone(&turn)));
        TurnFuture { turn, scheduler: Arc::clone(self) }
    }
}

/// What holds a task back.
pub(super) struct Gate {
    scheduler: Arc<Scheduler>,
    what: &'static str,
    state: Mutex<GateState>,
}

struct GateState {
    is_listed: bool,
    is_open: bool,
    /// Wakes the task itself.
    outer: Option<Waker>,
}

impl Gate {
    fn release(&self) {
        let mut state = self.state.lock();
        state.is_listed = false;
        state.is_open = true;
        if let Some(outer) = &state.outer {
            outer.wake_by_ref();
        }
    }
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        let mut state = self.state.lock();
        // One that is let on and has not begun to will see what it is woken for.
        if state.is_listed || state.is_open {
            return;
        }
        state.is_listed = true;
        drop(state);
        let held = Held::Task(Arc::clone(&self));
        self.scheduler.held.lock().push(held);
    }
}

/// See [`Scheduler::gated`].
pub(crate) struct Gated<F> {
    future: Pin<Box<F>>,
    gate: Arc<Gate>,
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut state = self.gate.state.lock();
        if !std::mem::take(&mut state.is_open) {
            state.outer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.outer = Some(cx.waker().clone());
        drop(state);
        let waker = Waker::from(Arc::clone(&self.gate));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl<F> Drop for Gated<F> {
    fn drop(&mut self) {
        let gate = &self.gate;
        let is_other = |held: &Held| !matches!(held, Held::Task(other) if Arc::ptr_eq(other, gate));
        gate.scheduler.held.lock().retain(is_other);
        // Wakers that are left somewhere list it no more.
        gate.state.lock().is_listed = true;
    }
}

/// A call to the store that is held back.
pub(super) struct Turn {
    call: Call,
    what: String,
    state: Mutex<TurnState>,
}

#[derive(Default)]
struct TurnState {
    fate: Option<Fate>,
    waker: Option<Waker>,
}

impl Turn {
    fn release(&self, fate: Fate) {
        let mut state = self.state.lock();
        state.fate = Some(fate);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

/// Waits until a call to the store is let on.
pub(super) struct TurnFuture {
    turn: Arc<Turn>,
    scheduler: Arc<Scheduler>,
}

impl Future for TurnFuture {
    type Output = Fate;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fate> {
        let mut state = self.turn.state.lock();
        match state.fate {
            Some(fate) => Poll::Ready(fate),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for TurnFuture {
    fn drop(&mut self) {
        let turn = &self.turn;
        let is_other = |held: &Held| !matches!(held, Held::Call(other) if Arc::ptr_eq(other, turn));
        self.scheduler.held.lock().retain(is_other);
    }
}
