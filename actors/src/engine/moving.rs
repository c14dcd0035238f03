//! Giving walks to other workers, and taking them over: between visits, as they are.

use std::sync::atomic::Ordering;

use actix::Actor;

use crate::engine::Engine;
use crate::hosted::{Hosted, State};
use crate::lost::lost_if_worker_is;
use crate::walk_actor::{End, WalkActor};
use crate::worker::{Adopt, WorkerRef};

impl Engine {
    /// Gives up to so many walks to another worker: those that could go on, the last in line first.
    pub(crate) fn give(&mut self, to: &WorkerRef, count: usize) {
        let waiting: Vec<usize> =
            self.ready.iter().rev().chain(&self.group).map(|place| place.seat).collect();
        let movable = |hosted: &Hosted| {
            hosted.state == State::Ready && hosted.outstanding == 0 && hosted.task.is_none()
        };
        let mut given = 0;
        for seat in waiting {
            if given == count {
                return;
            }
            let Some(mut hosted) = self.seats[seat].take_if(|hosted| movable(hosted)) else { continue };
            self.tally.leave(&mut hosted);
            match self.send_over(seat, hosted, to) {
                Ok(()) => given += 1,
                // Its mailbox is full, or it is no more: the walk stays.
                Err(hosted) => {
                    self.seats[seat] = Some(hosted);
                    return;
                }
            }
        }
    }

    fn send_over(&mut self, seat: usize, hosted: Box<Hosted>, to: &WorkerRef) -> Result<(), Box<Hosted>> {
        let shared = std::sync::Arc::clone(&hosted.shared);
        let counted = hosted.counted_ahead as usize;
        let old = shared.address();
        // Before it is on its way: whoever looks after that worker looks after it.
        if !shared.pass(self.vitals.number, to.number) {
            return Err(hosted);
        }
        // So is this: a worker that is too many goes when it has no walk.
        if !to.vitals.expect_walk() {
            shared.pass(to.number, self.vitals.number);
            return Err(hosted);
        }
        match to.address.try_send(Adopt(hosted)) {
            Ok(()) => {
                self.vitals.walks.fetch_sub(1, Ordering::Relaxed);
                self.read_ahead = self.read_ahead.saturating_sub(counted);
                self.free.push(seat);
                // Flags tell the walk what its messages would have.
                old.map(|old| old.try_send(End));
                lost_if_worker_is(&self.core, &shared, to);
                Ok(())
            }
            Err(
                actix::prelude::SendError::Full(Adopt(hosted))
                | actix::prelude::SendError::Closed(Adopt(hosted)),
            ) => {
                to.vitals.walks.fetch_sub(1, Ordering::SeqCst);
                // If it was decided meanwhile that it went with that worker, it is let go at its next turn.
                shared.pass(to.number, self.vitals.number);
                Err(hosted)
            }
        }
    }

    /// Takes over a walk from another worker.
    pub(crate) fn adopt(&mut self, mut hosted: Box<Hosted>) {
        let seat = self.empty_seat();
        self.read_ahead += hosted.counted_ahead as usize;
        hosted.place = None;
        hosted.shared.set_address(self.actor(seat, hosted.id).start());
        self.seats[seat] = Some(hosted);
        self.make_ready(seat);
    }

    /// Whether nobody else has decided what becomes of a walk.
    #[inline]
    pub(super) fn is_own(&self, hosted: &Hosted) -> bool {
        hosted.shared.worker() == self.vitals.number
    }

    /// Lets go of a walk about which somebody else has decided: its caller was told, or another worker has it.
    pub(super) fn let_go(&mut self, seat: usize) {
        let Some(mut hosted) = self.seats[seat].take() else { return };
        if let Some(task) = hosted.task.take() {
            task.abort();
        }
        self.vacate(seat, *hosted);
    }

    pub(super) fn empty_seat(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        })
    }

    /// The actor of a walk at a seat.
    pub(super) fn actor(&self, seat: usize, walk: u64) -> WalkActor {
        // A walk has at most two questions at each shard; the rest is room for control messages.
        let mailbox = 2 * self.core.settings.shards + 16;
        WalkActor { engine: self.this.clone(), seat, walk, mailbox }
    }
}
