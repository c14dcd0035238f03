//! Sending what hooks emitted to the caller's stream.

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use wayfare_graph::WalkError;

use crate::engine::{Engine, within};
use crate::hosted::{Emitted, Hosted, State};

impl Engine {
    /// Sends what hooks emitted; if the stream is full, the walk waits for it.
    pub(super) fn send_outbox(&mut self, seat: usize, hosted: &mut Hosted) -> Result<(), WalkError> {
        let Some(walk) = hosted.walk.as_mut().filter(|walk| walk.has_outbox()) else { return Ok(()) };
        let Some(stream) = hosted.stream.clone() else { return Ok(()) };
        let mark = (!self.core.durability.is_settled()).then(|| self.core.durability.mark());
        let unsettled = if mark.is_some() { hosted.unsettled.clone() } else { Vec::new() };
        let mut values = walk.take_outbox().into_iter().map(|value| Emitted {
            value,
            mark: mark.clone(),
            unsettled: unsettled.clone(),
        });
        while let Some(value) = values.next() {
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
        stream: Sender<Emitted>,
        rest: Vec<Emitted>,
    ) {
        hosted.state = State::Emitting;
        let (engine, walk) = (self.this.clone(), hosted.shared.id);
        let task = tokio::task::spawn_local(async move {
            let mut open = true;
            for value in rest {
                open = open && stream.send(value).await.is_ok();
            }
            within(&engine, |engine| engine.stream_back(seat, walk, open));
        });
        hosted.task = Some(task.into());
    }

    fn stream_back(&mut self, seat: usize, walk: u64, open: bool) {
        let Some(hosted) = self.seat_of(seat, walk) else { return };
        hosted.task = None;
        if open {
            return self.make_ready(seat);
        }
        let error = WalkError::NobodyListens { walker: hosted.shared.walker.into() };
        self.doom(seat, error);
    }
}
