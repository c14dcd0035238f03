//! Writing what hooks asked for, in groups, and the state of durable walks with it.

use std::sync::Arc;

use tracing::Instrument;
use wayfare_graph::{WalkError, WriteBuffer};

use crate::engine::{Engine, within};
use crate::hosted::{Hosted, Phase, State};
use crate::trace;

impl Engine {
    /// Whether the walk has to write before it goes on.
    pub(super) fn is_writing_due(&self, hosted: &Hosted) -> bool {
        let Some(walk) = &hosted.walk else { return false };
        if hosted.missing.is_some_and(|missing| missing.flush) {
            return true;
        }
        let writes = walk.writes().is_some_and(|writes| writes.is_due(&*self.core));
        if !hosted.durable {
            return writes;
        }
        match &hosted.rare.durable {
            None => writes,
            // Between visits only: what hooks asked of the queue and was not done yet is not stored.
            Some(_) if hosted.missing.is_some() => false,
            Some(durable) => writes || durable.is_due(hosted.profile.visits),
        }
    }

    /// Stores how far a durable walk has come, of a runtime that stops, and then ends it here; `false` when it has ended.
    pub(super) fn stop_at_checkpoint(&mut self, seat: usize, hosted: &mut Hosted) -> bool {
        let visits = hosted.profile.visits;
        if hosted.rare.durable.as_ref().is_some_and(|durable| durable.has_come_on(visits)) {
            self.start_writing(seat, hosted);
            return true;
        }
        self.end(hosted, Err(WalkError::Stopped));
        false
    }

    /// Whether anything is left to be written at the end.
    pub(super) fn has_to_write(&self, hosted: &Hosted) -> bool {
        let writes = hosted.walk.as_ref().and_then(|walk| walk.writes());
        writes.is_some_and(|writes| !writes.is_empty())
            || hosted.rare.durable.as_ref().is_some_and(|durable| !durable.is_done())
    }

    /// Writes; the walk waits for it.
    pub(super) fn start_writing(&mut self, seat: usize, hosted: &mut Hosted) {
        if let Some(missing) = &mut hosted.missing {
            missing.flush = false;
        }
        hosted.state = State::Writing;
        let done = hosted.phase == Phase::Left;
        let extra = self.checkpoint(hosted, done);
        let Some(walk) = &mut hosted.walk else { return };
        let mut writes = walk.take_writes();
        let (core, engine, number) = (Arc::clone(&self.core), self.this.clone(), hosted.id);
        let span = trace::within(hosted.traced.as_ref().map(|traced| traced.walk.clone()));
        let writing = async move {
            let result = match extra {
                Ok(extra) => writes.flush(&*core, extra).await,
                Err(error) => Err(error),
            };
            within(&engine, |engine| engine.written(seat, number, writes, result));
        };
        hosted.task = Some(tokio::task::spawn_local(writing.instrument(span)).into());
    }

    fn written(&mut self, seat: usize, walk: u64, writes: WriteBuffer, result: Result<(), WalkError>) {
        let Some(hosted) = self.seat_of(seat, walk) else { return };
        hosted.task = None;
        if let Some(walk) = &mut hosted.walk {
            walk.put_writes(writes);
        }
        match result {
            Ok(()) => {
                let (visits, left) = (hosted.profile.visits, hosted.phase == Phase::Left);
                if let Some(durable) = &mut hosted.rare.durable {
                    durable.stored(visits, left);
                    if left {
                        self.core.durable_news.notify_waiters();
                    }
                }
                self.make_ready(seat);
            }
            Err(error) => self.doom(seat, error),
        }
    }
}
