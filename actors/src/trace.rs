//! Spans: a walk and all that is done for it are one trace, also where that is done by other actors on other threads.
//!
//! The span of a walk is a child of the span in which it was spawned. Messages carry a span where there is one, and whoever
//! works for them works within it. Where there is none, nothing is made: a span for each call to a store that nobody asked
//! to be traced would only be noise.

use actix::prelude::*;
use parking_lot::Mutex;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use wayfare_graph::{Id, Outcome, WalkError};

use crate::hosted::State;
use crate::metrics::Metrics;
use crate::spawn::Spawned;
use crate::supervisor::{Spawn, Supervisor};

/// The span that the present code runs in, if it runs in one.
pub(crate) fn caller() -> Option<Span> {
    let span = Span::current();
    (!span.is_none()).then_some(span)
}

/// The span of a message, as something to work within.
pub(crate) fn within(span: Option<Span>) -> Span {
    span.unwrap_or_else(Span::none)
}

/// Makes a span where the present code runs in one.
pub(crate) fn child(make: impl FnOnce() -> Span) -> Span {
    if Span::current().is_none() { Span::none() } else { make() }
}

/// The span of a walk, from its spawn to its end.
#[derive(Debug, Default)]
pub(crate) struct WalkSpan(Mutex<Option<Span>>);

impl WalkSpan {
    /// Begins it, as a child of the span that the caller runs in.
    pub(crate) fn begin(walk: u64, walker: &str, at: &Id) -> Self {
        let span = tracing::info_span!("walk", walk, walker, at = %at, outcome = Empty, error = Empty);
        // Where nobody listens it is as if the walk had not been chosen.
        Self(Mutex::new((!span.is_disabled()).then_some(span)))
    }

    pub(crate) fn get(&self) -> Option<Span> {
        self.0.lock().clone()
    }

    /// Ends it; later parts of it end when they are done.
    pub(crate) fn end(&self, outcome: &Outcome) {
        let Some(span) = self.0.lock().take() else { return };
        span.record("outcome", Metrics::outcome_name(outcome));
        if let Err(error) = outcome {
            span.record("error", tracing::field::display(error));
        }
    }
}

/// Whether a walk is among the part of all walks that is traced. Numbers times the golden ratio are spread so evenly that
/// every so many walks in a row have their share.
pub(crate) fn is_sampled(walk: u64, part: f64) -> bool {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    #[expect(clippy::cast_precision_loss, reason = "a part of all walks is not more exact")]
    let place = (walk.wrapping_mul(GOLDEN) >> 11) as f64 / (1_u64 << 53) as f64;
    place < part
}

/// The spans of a walk as its worker has them.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) walk: Span,
    /// Open while the walk goes on: from one wait to the next.
    visits: Option<Span>,
    /// Visits made before it.
    before: u64,
}

impl Traced {
    pub(crate) fn new(walk: Span) -> Box<Self> {
        Box::new(Self { walk, visits: None, before: 0 })
    }

    /// The span that hooks run in.
    pub(crate) fn span(&self) -> &Span {
        self.visits.as_ref().unwrap_or(&self.walk)
    }

    /// The walk goes on or has to wait, after so many visits.
    #[cold]
    pub(crate) fn moved(&mut self, state: State, visits: u64) {
        match (state, &self.visits) {
            // A hook that waits is part of its visit.
            (State::Ready | State::Hooking, Some(_)) => {}
            (State::Ready | State::Hooking, None) => {
                self.before = visits;
                self.visits = Some(tracing::info_span!(parent: &self.walk, "visits", visits = Empty));
            }
            _ => self.rest(visits),
        }
    }

    /// Ends the span of the visits so far.
    pub(crate) fn rest(&mut self, visits: u64) {
        if let Some(span) = self.visits.take() {
            span.record("visits", visits.saturating_sub(self.before));
        }
    }
}

/// A spawn by message, with the span that it is to be part of.
#[derive(Message)]
#[rtype(result = "Result<Spawned, WalkError>")]
pub(crate) struct SpawnWithin {
    pub(crate) spawn: Spawn,
    pub(crate) span: Span,
}

impl Handler<SpawnWithin> for Supervisor {
    type Result = ResponseFuture<Result<Spawned, WalkError>>;

    fn handle(&mut self, message: SpawnWithin, cx: &mut Context<Self>) -> Self::Result {
        Box::pin(Handler::<Spawn>::handle(self, message.spawn, cx).instrument(message.span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_walks_in_a_row_have_their_share_of_traces() {
        for (part, expected) in [(0.0, 0), (0.01, 10), (0.25, 250), (1.0, 1_000)] {
            let sampled = (1..=1_000).filter(|&walk| is_sampled(walk, part)).count();
            assert!(sampled.abs_diff(expected) <= 2, "{sampled} of 1,000 at {part}");
        }
    }
}
