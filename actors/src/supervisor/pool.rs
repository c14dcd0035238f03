//! The worker pool: how many there are, which of them gets walks, and what becomes of those whose worker is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_rt::Arbiter;

use super::{Supervisor, WATCH};
use crate::lost::{lost, overdue};
use crate::room::Room;
use crate::supervision::{ActorEnd, ActorKind};
use crate::system::StartError;
use crate::walk_shared::WalkShared;
use crate::worker::{GiveWalks, Vitals, WorkerActor, WorkerRef};

/// Most walks that change their worker at once.
const MOST_GIVEN: usize = 256;

/// A worker has too much when it has so many more walks than another that could go on.
const UNEVEN: usize = 4;

/// Sets the number of workers while walks run; gives the number there was before.
///
/// Walks of workers that are too many go on elsewhere, each as soon as it is between two visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "usize")]
pub struct Scale {
    /// Workers, 1 to 256; what is beyond that is brought there.
    pub count: usize,
}

/// Most workers.
const MOST_WORKERS: usize = 256;

impl Handler<Scale> for Supervisor {
    type Result = usize;

    fn handle(&mut self, scale: Scale, cx: &mut Context<Self>) -> usize {
        let before = std::mem::replace(&mut self.wanted, scale.count.clamp(1, MOST_WORKERS));
        if before != self.wanted {
            tracing::info!(from = before, to = self.wanted, "the worker pool is scaled");
            self.core.live.set_pool(self.wanted);
        }
        self.fit_pool(cx);
        before
    }
}

impl Supervisor {
    pub(super) fn add_worker(&mut self) -> Result<(), StartError> {
        let thread = Arbiter::try_new()?;
        let number = self.next_worker;
        self.next_worker += 1;
        let vitals = Arc::new(Vitals::new(number));
        let (core, own) = (Arc::clone(&self.core), Arc::clone(&vitals));
        let address = WorkerActor::start_in_arbiter(&thread.handle(), move |_| WorkerActor::new(core, own));
        let room = Room::of(self.core.settings.worker_mailbox);
        let worker = WorkerRef { number, address, room, vitals, thread: thread.handle() };
        self.core.workers.write().push(worker.clone());
        self.workers.push(worker);
        self.worker_threads.insert(number, thread);
        self.core.workers_news.notify_waiters();
        Ok(())
    }

    fn active(&self) -> usize {
        self.core.workers.read().len()
    }

    /// Adds and retires workers until there are as many as wanted.
    fn fit_pool(&mut self, cx: &mut Context<Self>) {
        while self.active() + self.promised < self.wanted {
            if let Err(error) = self.add_worker() {
                let end = ActorEnd::NotStarted { reason: error.to_string() };
                let pause = self.core.supervision.ended(ActorKind::Worker, self.next_worker, end);
                return self.promise_worker(pause, cx);
            }
        }
        while self.active() > self.wanted {
            let last = self.core.workers.read().last().cloned();
            let Some(last) = last else { return };
            self.retire(&last);
        }
    }

    /// Starts a worker after a pause, in the place of one that was lost; at once where there is no other.
    fn promise_worker(&mut self, pause: Duration, cx: &mut Context<Self>) {
        if self.active() == 0 && self.add_worker().is_ok() {
            return;
        }
        self.promised += 1;
        cx.run_later(pause, |supervisor, cx| {
            supervisor.promised -= 1;
            supervisor.fit_pool(cx);
        });
    }

    /// Looks after workers that have ended, whose threads are kept, or who are not needed any more.
    pub(super) fn watch_workers(&mut self, cx: &mut Context<Self>) {
        // Retired ones too: the walks they host still have their deadlines.
        for worker in self.workers.clone() {
            if let Some(end) = worker.vitals.end().cloned() {
                self.lose(&worker, end, cx);
                continue;
            }
            if !worker.address.connected() {
                self.lose(&worker, ActorEnd::ThreadEnded, cx);
                continue;
            }
            let retired = worker.vitals.retired.load(Ordering::Relaxed);
            if let Some(walk) = worker.vitals.keeps_thread(self.core.live.stall())
                && !retired
            {
                tracing::warn!(worker = worker.number, walk, "a hook keeps its thread; adding a worker");
                self.replace(&worker, cx);
            }
            if worker.vitals.keeps_thread(WATCH).is_some() {
                self.end_overdue(&worker, cx);
            } else if retired {
                self.empty(&worker);
            }
        }
    }

    /// Ends walks whose time is up while a hook keeps their thread, and replaces that worker.
    ///
    /// A thread cannot be taken from a hook. Its walk is told to have ended, and the thread is left to
    /// come back or not; other walks there go on when it does, or end by their own deadlines.
    fn end_overdue(&mut self, worker: &WorkerRef, cx: &mut Context<Self>) {
        let now = Instant::now();
        let walks = self.walks_of(worker, |walk| walk.is_late(now) || walk.is_cancelled());
        if walks.is_empty() {
            return;
        }
        // Before their callers hear of it, so that what these spawn next goes to another worker.
        self.replace(worker, cx);
        for walk in walks {
            overdue(&self.core, &walk, worker.number);
        }
    }

    fn walks_of(&self, worker: &WorkerRef, which: impl Fn(&WalkShared) -> bool) -> Vec<Arc<WalkShared>> {
        self.core.walks.all(|walk| walk.worker() == worker.number && which(walk))
    }

    /// Puts another worker in the place of one whose thread a hook keeps.
    fn replace(&mut self, worker: &WorkerRef, cx: &mut Context<Self>) {
        // The new one first: there is never none.
        if !worker.vitals.retired.load(Ordering::Relaxed) && self.add_worker().is_ok() {
            self.retire(worker);
            self.core.supervision.replaced(ActorKind::Worker);
        }
        self.fit_pool(cx);
    }

    /// Sends no more walks to a worker.
    fn retire(&mut self, worker: &WorkerRef) {
        // As `Vitals::expect_walk` has it.
        worker.vitals.retired.store(true, Ordering::SeqCst);
        self.core.workers.write().retain(|other| other.number != worker.number);
    }

    /// Lets a retired worker give its walks away, and its thread end when it has none.
    fn empty(&mut self, worker: &WorkerRef) {
        let vitals = &worker.vitals;
        // A walk is counted before it is on its way, and work beside a walk before it begins.
        if vitals.walks.load(Ordering::SeqCst) == 0 && vitals.beside.load(Ordering::SeqCst) == 0 {
            self.workers.retain(|other| other.number != worker.number);
            self.end_thread(worker);
            return;
        }
        let least = self.core.workers.read().iter().min_by_key(|other| walks_at(other)).cloned();
        if let Some(to) = least {
            // Full, it has enough to do; the next look asks again.
            let _ = worker.address.try_send(GiveWalks { to, count: MOST_GIVEN });
        }
    }

    /// Has the thread of a worker end, which holds the store until it has.
    fn end_thread(&mut self, worker: &WorkerRef) {
        let Some(thread) = self.worker_threads.remove(&worker.number) else { return };
        thread.stop();
        self.ending.retain(|ending| !ending.is_finished());
        // Nobody waits for a hook that does not give its thread back.
        if worker.vitals.keeps_thread(WATCH).is_some() {
            return;
        }
        let waiting = std::thread::Builder::new().name("wayfare-join".into());
        self.ending.extend(waiting.spawn(move || drop(thread.join())));
    }

    /// Ends the walks of a worker that is lost, or has them taken up elsewhere, and replaces it.
    fn lose(&mut self, worker: &WorkerRef, end: ActorEnd, cx: &mut Context<Self>) {
        let was_retired = worker.vitals.retired.load(Ordering::Relaxed);
        // The new one first: there is never none, which whoever spawns would take for the end of the runtime.
        let is_replaced = !was_retired && self.active() == 1 && self.add_worker().is_ok();
        self.retire(worker);
        self.workers.retain(|other| other.number != worker.number);
        self.end_thread(worker);
        let reason = end.to_string();
        if was_retired {
            let _ = self.core.supervision.ended(ActorKind::Worker, worker.number, end);
        } else {
            let pause = self.core.supervision.ended(ActorKind::Worker, worker.number, end);
            if !is_replaced {
                self.promise_worker(pause, cx);
            }
        }
        worker.vitals.mark_lost();
        for walk in self.walks_of(worker, |_| true) {
            lost(&self.core, &walk, worker.number, &reason);
        }
    }

    /// Gives walks of a worker that has many waiting to one that has none.
    pub(super) fn balance(&self) {
        let workers = self.core.workers.read();
        let ready = |worker: &&WorkerRef| worker.vitals.ready.load(Ordering::Relaxed);
        let (Some(most), Some(least)) = (workers.iter().max_by_key(ready), workers.iter().min_by_key(ready))
        else {
            return;
        };
        let (much, little) = (ready(&most), ready(&least));
        if much >= 2 && (little == 0 || much > UNEVEN * little) && most.number != least.number {
            let count = ((much - little) / 2).clamp(1, MOST_GIVEN);
            let _ = most.address.try_send(GiveWalks { to: least.clone(), count });
        }
    }
}

fn walks_at(worker: &WorkerRef) -> usize {
    worker.vitals.walks.load(Ordering::Relaxed)
}
