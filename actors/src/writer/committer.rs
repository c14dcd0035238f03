//! What the writer's thread does: it gathers what waits, has it committed, and tells who waits.
//!
//! Where a store takes several commits at once, those under way touch different entities, so writes to one entity
//! reach it in the order they came. Outcomes are told in the order of the commits, whichever is done first: what was
//! handed over before something that is durable is settled too.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use crossbeam_channel::Receiver;
#[cfg(test)]
use crossbeam_channel::TryRecvError;
use tokio::sync::{Notify, oneshot};
use tracing::{Instrument, Span};
use wayfare_graph::{Store, StoreError, WriteBatch, WriteResult};

use super::footprint::Footprint;
use super::{Order, Persist, Persisted, WriterSettings};

/// A commit beside others is worth its while from this part of a full one: smaller ones cost the store more than
/// they bring forward.
const FULL_ENOUGH: usize = 2;

/// Where orders come from.
#[derive(Clone, Copy)]
pub(super) struct Orders<'s> {
    pub(super) rx: &'s Receiver<Order>,
    /// Tells that one came.
    pub(super) arrived: &'s Notify,
}

impl Orders<'_> {
    /// Waits for the next order; `None` when there will be none.
    async fn next(&self) -> Option<Order> {
        #[cfg(test)]
        if crate::simulation::scheduler().is_some() {
            return self.next_by_notice().await;
        }
        // The thread is the writer's own, and nothing else is under way on it now.
        self.rx.recv().ok()
    }

    /// Waits for an order up to a moment.
    async fn next_until(&self, until: tokio::time::Instant) -> Option<Order> {
        #[cfg(test)]
        if crate::simulation::scheduler().is_some() {
            return tokio::time::timeout_at(until, self.next_by_notice()).await.ok().flatten();
        }
        self.rx.recv_deadline(until.into_std()).ok()
    }

    /// The same where the thread belongs to all.
    #[cfg(test)]
    async fn next_by_notice(&self) -> Option<Order> {
        loop {
            match self.rx.try_recv() {
                Ok(order) => return Some(order),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => self.arrived.notified().await,
            }
        }
    }
}

/// Batches that were handed over and are not yet told the outcome.
#[derive(Default)]
struct Group {
    batches: Vec<WriteBatch>,
    waiting: Vec<Waiting>,
    writes: usize,
    /// What they are done for.
    spans: Vec<Span>,
}

/// Who waits for a batch, and since when.
struct Waiting {
    done: oneshot::Sender<Persisted>,
    since: std::time::Instant,
}

type Applied = Result<Vec<Vec<WriteResult>>, StoreError>;

/// Batches that the store is asked to commit.
struct UnderWay<'s> {
    commit: Pin<Box<dyn Future<Output = Applied> + 's>>,
    /// What it came to, if that is known already.
    applied: Option<Applied>,
    waiting: Vec<Waiting>,
    footprint: Footprint,
}

/// Commits what comes through a channel.
pub(super) struct Committer<'s> {
    store: &'s dyn Store,
    orders: Orders<'s>,
    settings: &'s WriterSettings,
    under_way: VecDeque<UnderWay<'s>>,
    /// Gathered, and not yet begun.
    next: Group,
    closing: bool,
    /// Why what is durable is not known until the store is opened again: a commit on this machine's disk has failed. A
    /// server says itself what it can do.
    poison: &'s OnceLock<String>,
    /// Why writing has been given up.
    refusal: Option<String>,
}

impl<'s> Committer<'s> {
    pub(super) fn new(
        store: &'s dyn Store,
        orders: Orders<'s>,
        settings: &'s WriterSettings,
        poison: &'s OnceLock<String>,
    ) -> Self {
        settings.metrics.set_writing(true);
        let (under_way, next) = (VecDeque::new(), Group::default());
        Self { store, orders, settings, under_way, next, closing: false, poison, refusal: None }
    }

    /// Refuses all writes, for a reason, if there is one.
    pub(super) fn refusing(mut self, reason: Option<String>) -> Self {
        self.refusal = reason;
        self
    }

    /// Works until the channel is closed and all that came through it is told its outcome.
    ///
    /// Where nothing is under way it blocks the thread until the next order comes: it is driven on one of its own.
    pub(super) async fn run_until_closed(mut self) {
        let at_once = self.store.max_writers().max(1);
        loop {
            self.gather().await;
            if self.may_begin(at_once) {
                self.begin().await;
            } else if self.under_way.is_empty() {
                return;
            } else {
                self.wait().await;
            }
        }
    }

    /// Takes what waits, up to a commit's worth; when nothing is under way, waits for the first, and with a flush
    /// interval that long for company.
    async fn gather(&mut self) {
        if self.next.batches.is_empty() && self.under_way.is_empty() && !self.closing {
            match self.orders.next().await {
                Some(order) => self.take(order),
                None => self.closing = true,
            }
        }
        let until = tokio::time::Instant::now() + self.settings.flush_interval;
        let has_time = !self.settings.flush_interval.is_zero() && self.under_way.is_empty();
        while !self.closing && self.next.writes < self.settings.batch_size {
            match self.orders.rx.try_recv() {
                Ok(order) => self.take(order),
                Err(_) if !has_time => return,
                Err(_) => match self.orders.next_until(until).await {
                    Some(order) => self.take(order),
                    None => return,
                },
            }
        }
    }

    fn take(&mut self, order: Order) {
        let Order::Persist(Persist { batch, done, mut posted, since, span }) = order else {
            self.closing = true;
            return;
        };
        posted.taken();
        self.next.writes += batch.writes.len();
        self.next.batches.push(batch);
        self.next.waiting.push(Waiting { done, since });
        self.next.spans.extend(span);
    }

    fn may_begin(&self, at_once: usize) -> bool {
        if self.next.batches.is_empty() || self.under_way.is_empty() {
            return !self.next.batches.is_empty();
        }
        let is_worth_it = self.next.writes >= self.settings.batch_size / FULL_ENOUGH;
        if self.under_way.len() >= at_once || !(is_worth_it || self.closing) {
            return false;
        }
        let footprint = Footprint::of(&self.next.batches);
        self.under_way.iter().all(|other| other.footprint.is_apart_from(&footprint))
    }

    async fn begin(&mut self) {
        let Group { batches, waiting, writes, spans } = std::mem::take(&mut self.next);
        let span = commit_span(&spans, writes);
        let footprint = match self.store.max_writers() {
            // Nothing is compared with it.
            0 | 1 => Footprint::Unknown,
            _ => Footprint::of(&batches),
        };
        let (store, poisoned, refusal) = (self.store, self.poison.get().cloned(), self.refusal.clone());
        let commit = async move {
            match (refusal, poisoned) {
                (Some(reason), _) => Err(StoreError::ReadOnly { reason }),
                (None, Some(reason)) => Err(StoreError::Poisoned { reason }),
                (None, None) => store.apply(&batches).await,
            }
        };
        let mut commit: Pin<Box<dyn Future<Output = Applied> + 's>> = Box::pin(commit.instrument(span));
        // A store begins when it is first asked how far it is.
        let applied = poll_fn(|cx| {
            Poll::Ready(match commit.as_mut().poll(cx) {
                Poll::Ready(applied) => Some(applied),
                Poll::Pending => None,
            })
        })
        .await;
        self.under_way.push_back(UnderWay { commit, applied, waiting, footprint });
    }

    /// Waits for the oldest commit, and tells what came of it; or for more to commit, where there is room for that.
    async fn wait(&mut self) {
        let may_take_more = !self.closing && self.next.writes < self.settings.batch_size;
        let Some(first) = self.under_way.front_mut() else { return };
        if first.applied.is_none() {
            let mut arrived = pin!(self.orders.arrived.notified());
            first.applied = poll_fn(|cx| {
                if let Poll::Ready(applied) = first.commit.as_mut().poll(cx) {
                    return Poll::Ready(Some(applied));
                }
                match may_take_more && arrived.as_mut().poll(cx).is_ready() {
                    true => Poll::Ready(None),
                    false => Poll::Pending,
                }
            })
            .await;
        }
        if first.applied.is_some()
            && let Some(UnderWay { applied: Some(applied), waiting, .. }) = self.under_way.pop_front()
        {
            self.tell(applied, waiting);
        }
    }

    fn tell(&mut self, applied: Applied, waiting: Vec<Waiting>) {
        waiting.iter().for_each(|waiting| self.settings.metrics.flushed(waiting.since.elapsed()));
        match applied {
            Ok(results) => {
                for (Waiting { done, .. }, results) in waiting.into_iter().zip(results) {
                    let _ = done.send(Ok(results));
                }
            }
            Err(error) => {
                tracing::error!(%error, batches = waiting.len(), "commit failed");
                if self.store.is_local() && !error.is_passing() {
                    self.poison.get_or_init(|| error.to_string());
                    self.settings.metrics.set_poisoned();
                }
                let error = Arc::new(error);
                for Waiting { done, .. } in waiting {
                    let _ = done.send(Err(Arc::clone(&error)));
                }
            }
        }
    }
}

impl Drop for Committer<'_> {
    fn drop(&mut self) {
        self.settings.metrics.set_writing(false);
    }
}

/// The span of a commit: part of the first trace that has a write in it, and linked to the others.
fn commit_span(spans: &[Span], writes: usize) -> Span {
    let Some((first, others)) = spans.split_first() else { return Span::none() };
    let span = tracing::info_span!(parent: first, "commit", writes);
    for other in others {
        span.follows_from(other);
    }
    span
}
