//! Reads that come while others are under way: gathered, and asked for together.
//!
//! A command costs the server and its client much the same for one key as for ten. So only a few reads of single keys
//! are under way by themselves; those that come meanwhile wait for the next command, which is sent as soon as one of
//! them is answered. Who reads one key after another never waits.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;
use wayfare_graph::{RemoteEntry, RemoteError};

use super::fault::Fault;
use super::link::Link;

/// Commands under way beside which further reads are gathered.
const AT_ONCE: usize = 2;

/// Most keys in a command: the server does nothing else until it has answered one.
const MOST_KEYS: usize = 128;

type Peeked = Result<Option<RemoteEntry>, RemoteError>;

/// Single keys that are to be read.
#[derive(Default)]
pub(super) struct Gather(Mutex<State>);

#[derive(Default)]
struct State {
    under_way: usize,
    waiting: Vec<Waiting>,
    /// When the first of those came.
    since: Option<Instant>,
}

struct Waiting {
    key: String,
    reply: oneshot::Sender<Peeked>,
}

/// A place among the commands under way; left to those who wait when it is dropped.
struct Place {
    link: Arc<Link>,
    /// Whether it belongs to a task that has not come to its end: it is dropped then because its threads end.
    is_task: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.link.gather.0.lock();
        if state.waiting.is_empty() || self.is_task {
            state.under_way -= 1;
            // Whoever waits is told so by what is dropped here.
            let cut_off = std::mem::take(&mut state.waiting);
            state.since = None;
            drop(state);
            return drop(cut_off);
        }
        drop(state);
        let place = Self { link: Arc::clone(&self.link), is_task: true };
        // Not by whoever gives up the place: it may be gone before the answer is there.
        self.link.runtime().spawn(ask_for_those_who_wait(place));
    }
}

impl Link {
    /// The entry of one key.
    pub(super) async fn peek_one(self: &Arc<Self>, key: &str) -> Peeked {
        let waited = {
            let mut state = self.gather.0.lock();
            if state.under_way < AT_ONCE {
                state.under_way += 1;
                None
            } else {
                let (reply, peeked) = oneshot::channel();
                state.since.get_or_insert_with(Instant::now);
                state.waiting.push(Waiting { key: key.to_owned(), reply });
                Some(peeked)
            }
        };
        match waited {
            Some(peeked) => peeked.await.unwrap_or_else(|_| Err(self.told(stopped()))),
            None => {
                let _place = Place { link: Arc::clone(self), is_task: false };
                self.get(key).await
            }
        }
    }

    /// Asks for some keys, each once, and tells all who wait for them. They wait no longer than a call may take in all.
    async fn ask(&self, waiting: Vec<Waiting>, since: Instant) {
        let mut places: FxHashMap<&str, usize> = FxHashMap::default();
        let mut keys: Vec<&str> = Vec::with_capacity(waiting.len());
        let wanted: Vec<usize> = waiting
            .iter()
            .map(|Waiting { key, .. }| {
                *places.entry(key.as_str()).or_insert_with(|| {
                    keys.push(key);
                    keys.len() - 1
                })
            })
            .collect();
        let limit = self.options.call_timeout.saturating_sub(since.elapsed());
        let answer = match limit.is_zero() {
            true => Err(self.told(Fault::Away(format!("no answer within {:?}", self.options.call_timeout)))),
            false => self.mget(&keys, limit).await,
        };
        for (Waiting { reply, .. }, at) in waiting.into_iter().zip(wanted) {
            let _ = reply.send(match &answer {
                Ok(entries) => Ok(entries[at].clone()),
                Err(error) => Err(error.clone()),
            });
        }
    }
}

impl Gather {
    /// The first of those who wait, and since when the first of them does.
    fn next(&self) -> Option<(Vec<Waiting>, Instant)> {
        let mut state = self.0.lock();
        state.waiting.retain(|waiting| !waiting.reply.is_closed());
        let count = state.waiting.len().min(MOST_KEYS);
        let waiting: Vec<Waiting> = state.waiting.drain(..count).collect();
        let since = match state.waiting.is_empty() {
            true => state.since.take(),
            // Those who are left came later, so they are asked for in less time than they have.
            false => state.since,
        };
        since.filter(|_| !waiting.is_empty()).map(|since| (waiting, since))
    }
}

/// Sends one command after another, as long as somebody waits.
async fn ask_for_those_who_wait(mut place: Place) {
    loop {
        // Those whose answers have just been given come first: many of them ask for the next key at once.
        tokio::task::yield_now().await;
        let Some((waiting, since)) = place.link.gather.next() else { break };
        place.link.ask(waiting, since).await;
    }
    place.is_task = false;
}

fn stopped() -> Fault {
    Fault::Away("the threads of the connection have ended".into())
}
