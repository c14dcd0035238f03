//! What is asked of a walk from outside: to end, to stand still, to go on, to tell what it does.

use std::time::Instant;

use serde_json::Value;
use wayfare_graph::WalkError;

use crate::engine::Engine;
use crate::hosted::State;

impl Engine {
    pub(crate) fn cancel(&mut self, seat: usize, walk: u64) {
        let Some(hosted) = self.seat_of(seat, walk) else { return };
        let error = WalkError::Cancelled { walker: hosted.shared.walker.into() };
        self.doom(seat, error);
    }

    /// Looks whether a walk was paused or resumed. One that runs finds out by itself at its next turn.
    pub(crate) fn look_up(&mut self, seat: usize, walk: u64) {
        let Some(hosted) = self.seat_of(seat, walk) else { return };
        match (hosted.state, hosted.shared.is_paused()) {
            (State::Paused, false) => self.make_ready(seat),
            (State::Ready, true) => hosted.state = State::Paused,
            _ => {}
        }
        if let Some(hosted) = &mut self.seats[seat] {
            self.tally.see(hosted);
        }
    }

    pub(crate) fn inspect(&mut self, seat: usize, walk: u64) -> Option<Value> {
        self.seat_of(seat, walk).map(|hosted| hosted.inspect())
    }

    /// Ends walks whose wall budget is spent or that were cancelled before they were hosted, and lets go of those that
    /// are no longer this worker's. Called from time to time; walks that run are also checked at every turn.
    pub(crate) fn check_deadlines(&mut self) {
        let strangers: Vec<usize> = self
            .seats
            .iter()
            .enumerate()
            .filter(|(_, hosted)| hosted.as_ref().is_some_and(|hosted| !self.is_own(hosted)))
            .map(|(seat, _)| seat)
            .collect();
        for seat in strangers {
            self.let_go(seat);
        }
        let now = Instant::now();
        let late: Vec<(usize, WalkError)> = self
            .seats
            .iter()
            .enumerate()
            .filter_map(|(seat, hosted)| Some((seat, hosted.as_ref()?.overdue(now)?)))
            .collect();
        for (seat, error) in late {
            self.doom(seat, error);
        }
        // What changed while no turn was run.
        self.tell_figures();
    }
}
