//! The addresses of the shards: who sends to one that has ended waits for the next.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::prelude::*;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::ActorEnd;
use crate::core::Core;
use crate::room::Room;
use crate::shard::ShardActor;

/// How often a message is sent anew that was lost with its shard.
const ATTEMPTS: u32 = 10;

/// A seat for each shard.
pub(crate) struct Seats {
    seats: Box<[Seat]>,
    is_closed: AtomicBool,
    /// Woken when a shard is there, or none will come any more.
    news: Notify,
}

struct Seat {
    room: Room,
    address: RwLock<Option<Addr<ShardActor>>>,
    /// Why it was left, until somebody sees to that.
    end: Mutex<Option<ActorEnd>>,
}

impl Seats {
    /// Seats for so many shards, with so many places in the mailbox of each.
    pub(crate) fn new(shards: usize, places: usize) -> Self {
        let seat = |_| Seat { room: Room::of(places), address: RwLock::default(), end: Mutex::default() };
        let seats = (0..shards).map(seat).collect();
        Self { seats, is_closed: AtomicBool::new(false), news: Notify::new() }
    }

    /// The places in the mailbox of a seat's shard.
    pub(crate) fn room(&self, at: usize) -> &Room {
        &self.seats[at].room
    }

    /// Seats a shard.
    pub(crate) fn seat(&self, at: usize, address: Addr<ShardActor>) {
        *self.seats[at].address.write() = Some(address);
        self.news.notify_waiters();
    }

    /// Empties a seat whose shard has ended, and gives the address it had; `None` when that was done already.
    pub(crate) fn leave(&self, at: usize, end: ActorEnd) -> Option<Addr<ShardActor>> {
        let left = self.seats[at].address.write().take()?;
        *self.seats[at].end.lock() = Some(end);
        Some(left)
    }

    /// The shards that have ended since this was asked last, and why.
    pub(crate) fn take_ended(&self) -> Vec<(usize, ActorEnd)> {
        for (at, seat) in self.seats.iter().enumerate() {
            // Its arbiter has ended, and it with it.
            if seat.address.read().as_ref().is_some_and(|address| !address.connected()) {
                self.leave(at, ActorEnd::ThreadEnded);
            }
        }
        let ended = self.seats.iter().enumerate();
        ended.filter_map(|(at, seat)| Some((at, seat.end.lock().take()?))).collect()
    }

    /// No shard comes any more: the runtime ends.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.news.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    pub(crate) fn len(&self) -> usize {
        self.seats.len()
    }

    /// The shard of a seat, if it is there.
    pub(crate) fn here(&self, at: usize) -> Option<Addr<ShardActor>> {
        self.seats.get(at)?.address.read().clone().filter(Addr::connected)
    }

    /// The shard of a seat, as soon as it is there; `None` when the runtime ends.
    pub(crate) async fn at(&self, at: usize) -> Option<Addr<ShardActor>> {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // Registered before the test, so that news between test and wait is not missed.
            news.as_mut().enable();
            if self.is_closed() {
                return None;
            }
            if let Some(address) = self.here(at) {
                return Some(address);
            }
            news.await;
        }
    }

    /// Asks a shard something that may be asked again when it is lost with a shard; `None` when the runtime ends.
    pub(crate) async fn ask<M>(&self, at: usize, make: impl Fn() -> M) -> Option<M::Result>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        ShardActor: Handler<M>,
        <ShardActor as Actor>::Context: actix::dev::ToEnvelope<ShardActor, M>,
    {
        for _ in 0..ATTEMPTS {
            if let Ok(answer) = self.at(at).await?.send(make()).await {
                return Some(answer);
            }
        }
        None
    }
}

/// Sends a message to a shard that was lost with the one before: dropped unhandled, such a message makes another of
/// itself. It had a place in the mailbox, and takes none again. `None` where none can be delivered any more, as the
/// runtime ends.
pub(crate) fn send_again<M>(core: &Weak<Core>, to: usize, make: impl FnOnce(&Core) -> M) -> Option<()>
where
    M: Message<Result = ()> + Send + 'static,
    ShardActor: Handler<M>,
    <ShardActor as Actor>::Context: actix::dev::ToEnvelope<ShardActor, M>,
{
    let core = core.upgrade().filter(|core| !core.shards.is_closed())?;
    let runtime = core.runtime.get().cloned()?;
    let message = make(&core);
    runtime.spawn(async move {
        if let Some(shard) = core.shards.at(to).await {
            // Lost again, it is sent again.
            let _ = shard.send(message).await;
        }
    });
    Some(())
}
