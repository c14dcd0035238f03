//! The cache actor: what has to reach the remote layer, and what is computed in the background.
//!
//! - Owns: nothing; the layers own its address and its thread.
//! - Accepts: `Fill` (a computed value), `Deliver` (invalidations wait in the outbox), `Refresh` (something to compute).
//! - Sends: the outcome of each fill to whoever computed.
//! - Dies when: the cache is dropped. What it does runs in tasks that panic alone; a delivery that panics is begun again
//!   after a pause, and a thread that has ended is started again when it is needed.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};
use wayfare_graph::{AnyValue, RemoteError, RemotePut, Ticket};

use super::LayeredCache;
use super::outbox::Letter;
use super::turn::Filled;
use crate::metrics::{Mailbox, Posted};
use crate::panic_text::panic_text;
use crate::supervision::ActorEnd;
use crate::trace;

/// Messages that wait before senders wait.
const MAILBOX: usize = 1_024;

/// How long after a delivery that failed it is tried again, unless the remote layer is back before.
const RETRY: Duration = Duration::from_secs(1);

/// Computes a value anew; `None` when that failed.
pub type Recompute =
    Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Option<Option<AnyValue>>> + Send>> + Send>;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Keeps a computed value remotely.
#[derive(Message)]
#[rtype(result = "()")]
struct Fill {
    put: RemotePut,
    ticket: Ticket,
    filled: oneshot::Sender<Filled>,
    posted: Posted,
    /// What it is computed for.
    span: Option<Span>,
}

/// Delivers what waits in the outbox.
#[derive(Message)]
#[rtype(result = "()")]
struct Deliver;

/// Runs something in the background.
#[derive(Message)]
#[rtype(result = "()")]
struct Refresh(Task);

struct CacheActor {
    cache: Weak<LayeredCache>,
    /// Whether a delivery is under way.
    delivers: bool,
}

impl Actor for CacheActor {
    type Context = Context<Self>;

    fn started(&mut self, cx: &mut Context<Self>) {
        cx.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<Fill> for CacheActor {
    type Result = ();

    fn handle(&mut self, mut fill: Fill, cx: &mut Context<Self>) {
        fill.posted.taken();
        let Some(cache) = self.cache.upgrade() else { return };
        self.look_again(cx);
        let Fill { put, ticket, filled, span, .. } = fill;
        let within = trace::within(span);
        let span = within.in_scope(|| trace::child(|| tracing::info_span!("cache", call = "fill")));
        let filling = async move {
            // Nobody waits any more when this fails.
            let _ = filled.send(cache.fill_remotely(&put, &ticket).await);
        };
        actix_rt::spawn(filling.instrument(span));
    }
}

impl Handler<Deliver> for CacheActor {
    type Result = ();

    fn handle(&mut self, _: Deliver, cx: &mut Context<Self>) {
        // What comes while one is under way goes with the next, all together.
        if self.delivers {
            return;
        }
        self.delivers = true;
        let cache = Weak::clone(&self.cache);
        let delivery = async move {
            while let Some(cache) = cache.upgrade() {
                match cache.deliver_once().await {
                    Some(true) => {}
                    Some(false) => return false,
                    None => return true,
                }
            }
            true
        };
        let delivery = AssertUnwindSafe(delivery).catch_unwind();
        cx.spawn(delivery.into_actor(self).map(|delivered, actor, cx| {
            actor.delivers = false;
            match delivered {
                // Something may have been put in after the last look.
                Ok(true) => actor.look_again(cx),
                // It may have been this call only that failed.
                Ok(false) => actor.try_again(RETRY, cx),
                Err(panic) => {
                    let Some(cache) = actor.cache.upgrade() else { return };
                    // What was under way waits again; what it has done twice is as if it had done it once.
                    cache.outbox.undelivered();
                    let pause = cache.actor_ended(ActorEnd::Panicked { message: panic_text(&*panic) });
                    actor.try_again(pause, cx);
                }
            }
        }));
    }
}

impl CacheActor {
    /// Delivers what waits after a pause.
    fn try_again(&self, pause: Duration, cx: &mut Context<Self>) {
        cx.run_later(pause, |actor, cx| {
            if let Some(cache) = actor.cache.upgrade() {
                cache.outbox.unblock();
            }
            actor.look_again(cx);
        });
    }

    /// Delivers what waits in the outbox, if anything does.
    fn look_again(&self, cx: &mut Context<Self>) {
        if !self.delivers && self.cache.upgrade().is_some_and(|cache| cache.outbox.has_deliverable()) {
            cx.notify(Deliver);
        }
    }
}

impl Handler<Refresh> for CacheActor {
    type Result = ();

    fn handle(&mut self, refresh: Refresh, cx: &mut Context<Self>) {
        self.look_again(cx);
        actix_rt::spawn(refresh.0);
    }
}

impl LayeredCache {
    async fn fill_remotely(&self, put: &RemotePut, ticket: &Ticket) -> Filled {
        let Some(remote) = &self.remote else { return Filled::Kept };
        match remote.fill(put, ticket).await {
            Ok(true) => Filled::Kept,
            Ok(false) => Filled::Refused,
            Err(error) => {
                self.counts.remote_failed(&error);
                Filled::Away
            }
        }
    }

    /// Delivers what waits, and says whether that went well; `None` when there was nothing.
    async fn deliver_once(&self) -> Option<bool> {
        let (letter, told) = self.outbox.take()?;
        let delivered = match self.deliver_letter(&letter).await {
            Ok(()) => true,
            Err(error) => {
                self.counts.remote_failed(&error);
                false
            }
        };
        match delivered {
            true => {
                // What was read from there in the meantime may be what is invalid.
                self.invalidate_memory(&letter);
                self.outbox.delivered();
            }
            false => self.outbox.undelivered(),
        }
        for told in told {
            let _ = told.send(delivered);
        }
        Some(delivered)
    }

    async fn deliver_letter(&self, letter: &Letter) -> Result<(), RemoteError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        if letter.everything {
            return remote.clear().await;
        }
        let (keys, tags): (Vec<String>, Vec<String>) =
            (letter.keys.iter().cloned().collect(), letter.tags.iter().cloned().collect());
        if !keys.is_empty() {
            remote.delete(&keys).await?;
        }
        if !tags.is_empty() {
            remote.invalidate(&tags).await?;
        }
        for pattern in &letter.patterns {
            remote.delete_matching(pattern).await?;
        }
        Ok(())
    }
}

/// The thread on which the actor lives, begun when it is needed.
pub(super) struct Home {
    cache: Weak<LayeredCache>,
    place: Mutex<Option<Place>>,
    mailbox: Arc<Mailbox>,
}

struct Place {
    address: Addr<CacheActor>,
    system: System,
}

impl Place {
    /// `None` where there can be no thread.
    fn start(cache: Weak<LayeredCache>) -> Option<Self> {
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("wayfare-cache".into()).spawn(move || {
            let system = System::new();
            let address = system.block_on(async move { CacheActor { cache, delivers: false }.start() });
            let _ = tx.send(Self { address, system: System::current() });
            if let Err(error) = system.run() {
                tracing::error!(%error, "the cache's thread ended");
            }
        });
        let started = thread.ok().and_then(|_| rx.recv().ok());
        if started.is_none() {
            tracing::error!("the cache has no thread: its remote layer is done without");
        }
        started
    }
}

impl Home {
    pub(super) fn new(cache: Weak<LayeredCache>, mailbox: Arc<Mailbox>) -> Self {
        Self { cache, place: Mutex::new(None), mailbox }
    }

    fn address(&self) -> Option<Addr<CacheActor>> {
        let mut place = self.place.lock();
        if let Some(place) = place.as_ref().filter(|place| place.address.connected()) {
            return Some(place.address.clone());
        }
        let ended = place.is_some().then(|| self.cache.upgrade()).flatten();
        if let Some(cache) = &ended {
            // Without a pause: it is begun when it is needed, and there are no others like it meanwhile.
            cache.actor_ended(ActorEnd::ThreadEnded);
            // What was under way went with it, and so did its intention to try again.
            cache.outbox.undelivered();
            cache.outbox.unblock();
        }
        *place = Place::start(Weak::clone(&self.cache));
        let address = place.as_ref()?.address.clone();
        if ended.is_some() {
            let _ = address.try_send(Deliver);
        }
        Some(address)
    }

    /// Keeps a computed value remotely.
    pub(super) async fn fill(&self, put: RemotePut, ticket: Ticket) -> Filled {
        let (filled, outcome) = oneshot::channel();
        let Some(address) = self.address() else { return Filled::Away };
        let (posted, span) = (Posted::to(&self.mailbox), trace::caller());
        let sent = match address.try_send(Fill { put, ticket, filled, posted, span }) {
            Err(SendError::Full(fill)) => address.send(fill).await.is_ok(),
            sent => sent.is_ok(),
        };
        if !sent {
            return Filled::Away;
        }
        outcome.await.unwrap_or(Filled::Away)
    }

    /// Has what waits in the outbox delivered.
    pub(super) fn deliver(&self) {
        if let Some(address) = self.address() {
            // A mailbox that is full is full of messages, each of which makes the actor look as well.
            let _ = address.try_send(Deliver);
        }
    }

    /// Runs something in the background; not at all while too much waits for that.
    pub(super) fn refresh(&self, task: Task) {
        if let Some(address) = self.address() {
            let _ = address.try_send(Refresh(task));
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(place) = self.place.lock().take() {
            place.system.stop();
        }
    }
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home").finish_non_exhaustive()
    }
}
