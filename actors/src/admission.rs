//! Who may start a walk, who waits, and who is sent away.
//!
//! So many walks are alive at once. Further ones wait in a line of bounded length, by priority and in turn between
//! callers, and for a bounded time; beyond that a caller is told when to try again. While the machine runs short of
//! memory nobody enters. So a runtime that is asked for more than it can do goes on doing what it can, in a memory that
//! does not grow.

mod line;
mod memory;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use wayfare_graph::WalkError;

use self::line::{Line, Waiter};
pub use self::memory::MemoryReserve;
pub(crate) use self::memory::has_reserve;

/// The shortest and the longest time after which a caller is told to try again.
const HINTS: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(60)];

/// How many of the last walks the pace is the mean of, roughly.
const PACE_WEIGHT: f64 = 1.0 / 64.0;

/// How walks are admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionSettings {
    /// Walks that wait to be admitted.
    pub queue: usize,
    /// How long one of them waits.
    pub wait: Duration,
    /// Memory of the machine below which nobody enters.
    pub reserve: MemoryReserve,
}

impl Default for AdmissionSettings {
    fn default() -> Self {
        Self { queue: 10_000, wait: Duration::from_secs(10), reserve: MemoryReserve::Auto }
    }
}

/// As what a walk asks to be admitted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admittance {
    /// The higher goes first; 0 unless said.
    pub priority: i8,
    /// Callers of one priority take turns; those that give no name are one.
    pub caller: Option<Arc<str>>,
}

/// What the gate did and sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionFigures {
    /// Walks that are alive, or about to be.
    pub alive: u64,
    /// Walks that wait.
    pub waiting: u64,
    /// Walks admitted since the start, those that waited included.
    pub admitted: u64,
    /// Of these, walks that waited.
    pub waited: u64,
    /// Walks sent away since the start.
    pub overloaded: u64,
    /// Whether nobody enters for want of memory.
    pub memory_is_short: bool,
}

/// The gate.
pub(crate) struct Gate {
    state: Mutex<State>,
}

struct State {
    most: usize,
    queue: usize,
    wait: Duration,
    alive: usize,
    /// Whether nobody enters any more but children of those that are alive.
    is_closed: bool,
    /// Whether these do not either.
    is_shut: bool,
    memory_is_short: bool,
    line: Line,
    next_waiter: u64,
    /// When a walk ended last, and the mean time between two ends, in seconds.
    last_end: Option<Instant>,
    pace: f64,
    admitted: u64,
    waited: u64,
    overloaded: u64,
}

/// A place among the walks that are alive. Dropped, it is free again.
pub(crate) struct Ticket(Option<Arc<Gate>>);

impl Ticket {
    /// The walk has its place now, until [`Gate::leave`].
    pub(crate) fn spend(mut self) {
        self.0 = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.leave();
        }
    }
}

impl Gate {
    pub(crate) fn new(most: usize, settings: &AdmissionSettings) -> Arc<Self> {
        let state = State {
            most,
            queue: settings.queue,
            wait: settings.wait,
            alive: 0,
            is_closed: false,
            is_shut: false,
            memory_is_short: false,
            line: Line::default(),
            next_waiter: 0,
            last_end: None,
            pace: 0.0,
            admitted: 0,
            waited: 0,
            overloaded: 0,
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Enters at once or not at all: for children, whose parents cannot wait.
    pub(crate) fn try_enter(self: &Arc<Self>) -> Result<Ticket, WalkError> {
        let mut state = self.state.lock();
        if state.is_shut {
            return Err(WalkError::Stopped);
        }
        if state.alive >= state.most || state.memory_is_short {
            return Err(state.overloaded());
        }
        state.enter();
        Ok(Ticket(Some(Arc::clone(self))))
    }

    /// Enters, whatever the bound: for a walk that was admitted before.
    pub(crate) fn enter_again(&self) {
        self.state.lock().alive += 1;
    }

    /// Enters as soon as it is this caller's turn.
    ///
    /// # Errors
    /// [`WalkError::Overloaded`], [`WalkError::Stopped`].
    pub(crate) async fn enter(
        self: &Arc<Self>,
        admittance: Admittance,
        clock: &Handle,
    ) -> Result<Ticket, WalkError> {
        let (ticket, entered) = oneshot::channel();
        let (number, wait) = {
            let mut state = self.state.lock();
            if state.is_closed {
                return Err(WalkError::Stopped);
            }
            if state.has_room() && state.line.is_empty() {
                state.enter();
                return Ok(Ticket(Some(Arc::clone(self))));
            }
            if state.line.len() >= state.queue {
                let Some(outdone) = state.line.outdone_by(&admittance) else {
                    return Err(state.overloaded());
                };
                // Its caller is told so, as nothing is sent to it.
                drop(outdone);
            }
            let number = state.next_waiter;
            state.next_waiter += 1;
            state.line.join(admittance, Waiter { number, ticket });
            (number, state.wait)
        };
        let leaves = Leaves { gate: self, number };
        let limited = {
            // The caller's executor may have no clock.
            let _within = clock.enter();
            tokio::time::timeout(wait, entered)
        };
        match limited.await {
            Ok(Ok(ticket)) => Ok(ticket),
            _ => {
                // It is not one of those who wait any more.
                drop(leaves);
                let mut state = self.state.lock();
                Err(if state.is_closed { WalkError::Stopped } else { state.overloaded() })
            }
        }
    }

    /// A walk has ended.
    pub(crate) fn leave(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.alive = state.alive.saturating_sub(1);
        state.note_end(Instant::now());
        self.let_in(state);
    }

    /// Sets how many walks may be alive, and how further ones wait from now on. Nobody who is in or waits is sent away for
    /// it: what is too many gets fewer by those that end.
    pub(crate) fn set_bounds(self: &Arc<Self>, most: usize, settings: &AdmissionSettings) {
        let mut state = self.state.lock();
        (state.most, state.queue, state.wait) = (most, settings.queue, settings.wait);
        self.let_in(state);
    }

    /// Says whether the machine has memory for further walks.
    pub(crate) fn set_memory(self: &Arc<Self>, is_short: bool) {
        let mut state = self.state.lock();
        if state.memory_is_short != is_short {
            tracing::warn!(is_short, "memory of the machine: while it is short no walk is admitted");
        }
        state.memory_is_short = is_short;
        self.let_in(state);
    }

    /// Nobody enters any more; who waits is told so.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let line = std::mem::take(&mut state.line);
        drop(state);
        drop(line);
    }

    /// Lets no children in any more either: their parents are about to be ended.
    pub(crate) fn shut(&self) {
        self.close();
        self.state.lock().is_shut = true;
    }

    pub(crate) fn figures(&self) -> AdmissionFigures {
        let state = self.state.lock();
        AdmissionFigures {
            alive: state.alive as u64,
            waiting: state.line.len() as u64,
            admitted: state.admitted,
            waited: state.waited,
            overloaded: state.overloaded,
            memory_is_short: state.memory_is_short,
        }
    }

    /// Lets in those whose turn it is.
    fn let_in(self: &Arc<Self>, mut state: parking_lot::MutexGuard<'_, State>) {
        let mut entered = Vec::new();
        while state.has_room()
            && let Some(waiter) = state.line.next()
        {
            if waiter.ticket.is_closed() {
                continue;
            }
            state.enter();
            state.waited += 1;
            entered.push(waiter);
        }
        drop(state);
        for waiter in entered {
            // One who has given up meanwhile drops the ticket, which lets in the next.
            let _ = waiter.ticket.send(Ticket(Some(Arc::clone(self))));
        }
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.alive < self.most && !self.memory_is_short && !self.is_closed
    }

    fn enter(&mut self) {
        self.alive += 1;
        self.admitted += 1;
    }

    fn note_end(&mut self, now: Instant) {
        if let Some(last) = self.last_end.replace(now) {
            let between = now.saturating_duration_since(last).as_secs_f64();
            self.pace += (between - self.pace) * PACE_WEIGHT;
        }
    }

    /// Counts and tells that there is too much to do; as long as those who wait will take, at the pace of late.
    fn overloaded(&mut self) -> WalkError {
        self.overloaded += 1;
        let waiting = self.line.len() as f64;
        let [least, most] = HINTS.map(|hint| hint.as_secs_f64());
        let retry_after = Duration::from_secs_f64((self.pace * (waiting + 1.0)).clamp(least, most));
        WalkError::Overloaded {
            alive: self.alive as u64,
            waiting: self.line.len() as u64,
            memory_is_short: self.memory_is_short,
            retry_after,
        }
    }
}

/// Takes a waiter out of the line when its caller does not wait any more.
struct Leaves<'g> {
    gate: &'g Arc<Gate>,
    number: u64,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        let left = self.gate.state.lock().line.remove(self.number);
        drop(left);
    }
}

#[cfg(test)]
mod tests;
