//! The one connection as calls and listeners see it: there, or away.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, PushInfo, PushKind, RedisResult, Value};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;
use wayfare_graph::{RemoteChange, RemoteError, RemoteListener};

use super::address::Address;
use super::fault::{Fault, forgot_script};
use super::gather::Gather;
use super::keys::Keys;
use super::options::RedisOptions;
use super::script::{Scripts, TEXTS};
use super::stamp::Stamps;
use super::time::ServerTime;

/// Fewest bytes of a password that count as telling it.
const TELLING_BYTES: usize = 3;

/// The generation of no connection.
const NONE: u64 = u64::MAX;

/// A cache on a server.
pub(super) struct Link {
    pub(super) address: Address,
    pub(super) keys: Keys,
    pub(super) options: RedisOptions,
    /// Whose clock limits the time of calls, wherever they are made.
    runtime: RwLock<Handle>,
    pub(super) stamps: Stamps,
    pub(super) time: ServerTime,
    /// How many connections were begun.
    generations: AtomicU64,
    /// That of the connection there is, [`NONE`] where there is none. Written with `state` locked.
    live_generation: AtomicU64,
    /// Reads of single keys.
    pub(super) gather: Gather,
    /// Locked while listeners are told, so that all hear all in one order.
    state: Mutex<State>,
}

struct State {
    live: Option<Arc<Live>>,
    /// Why there is no connection.
    reason: String,
    listeners: Vec<RemoteListener>,
}

/// A connection over which changes are told.
pub(super) struct Live {
    pub(super) generation: u64,
    pub(super) connection: MultiplexedConnection,
    /// What the server calls the scripts.
    pub(super) hashes: [String; TEXTS.len()],
    /// Calls in a row that got no answer in time.
    pub(super) unanswered: AtomicU32,
    /// Woken when the connection was given up.
    pub(super) ended: Notify,
}

impl Link {
    pub(super) fn new(address: Address, keys: Keys, options: RedisOptions, runtime: Handle) -> Self {
        let state = State { live: None, reason: "it was not there yet".into(), listeners: Vec::new() };
        Self {
            address,
            keys,
            options,
            runtime: RwLock::new(runtime),
            stamps: Stamps::new(),
            time: ServerTime::new(),
            generations: AtomicU64::new(0),
            live_generation: AtomicU64::new(NONE),
            gather: Gather::default(),
            state: Mutex::new(state),
        }
    }

    /// Where calls that go on by themselves are made.
    pub(super) fn runtime(&self) -> Handle {
        self.runtime.read().clone()
    }

    pub(super) fn set_runtime(&self, runtime: Handle) {
        *self.runtime.write() = runtime;
    }

    pub(super) fn next_generation(&self) -> u64 {
        // Relaxed: only that the numbers differ matters.
        self.generations.fetch_add(1, Ordering::Relaxed)
    }

    /// The connection.
    pub(super) fn live(&self) -> Result<Arc<Live>, RemoteError> {
        let state = self.state.lock();
        match &state.live {
            Some(live) => Ok(Arc::clone(live)),
            None => Err(self.told(Fault::Away(state.reason.clone()))),
        }
    }

    /// Lets calls through over a new connection.
    pub(super) fn set_live(&self, live: Arc<Live>) {
        let mut state = self.state.lock();
        self.live_generation.store(live.generation, Ordering::SeqCst);
        state.live = Some(live);
        state.tell(&RemoteChange::Back);
    }

    /// Says why there still is no connection.
    pub(super) fn set_reason(&self, error: &RemoteError) {
        let (RemoteError::Away { reason, .. }
        | RemoteError::Refused { reason, .. }
        | RemoteError::Garbage { reason, .. }) = error
        else {
            return;
        };
        self.state.lock().reason.clone_from(reason);
    }

    /// Gives up a connection, if that was not done yet: from now on calls fail.
    pub(super) fn lose(&self, generation: u64, reason: &str) {
        let mut state = self.state.lock();
        if !state.is_live(generation) {
            return;
        }
        // Before listeners are told: an answer that is believed after that is none of this connection.
        self.live_generation.store(NONE, Ordering::SeqCst);
        let lost = state.live.take();
        reason.clone_into(&mut state.reason);
        state.tell(&RemoteChange::Lost);
        drop(state);
        if let Some(live) = lost {
            tracing::warn!(url = self.address.shown, reason, "the cache is lost");
            live.ended.notify_one();
        }
    }

    /// Gives up whatever connection there is.
    pub(super) fn lose_any(&self, reason: &str) {
        let generation = self.state.lock().live.as_ref().map(|live| live.generation);
        if let Some(generation) = generation {
            self.lose(generation, reason);
        }
    }

    pub(super) fn listen(&self, listener: RemoteListener) {
        let mut state = self.state.lock();
        if state.live.is_some() {
            tell(&listener, &RemoteChange::Back);
        }
        state.listeners.push(listener);
    }

    /// Takes what the server sends unasked. Called by the task that reads answers, which goes on to the next one when
    /// this returns: that is why changes are told before what was looked up after them.
    pub(super) fn pushed(&self, generation: u64, push: &PushInfo) {
        match push.kind {
            PushKind::Invalidate => {
                let changes = self.keys.changes(&push.data);
                let state = self.state.lock();
                // While a connection is prepared nobody holds anything yet.
                if state.is_live(generation) {
                    changes.iter().for_each(|change| state.tell(change));
                }
            }
            PushKind::Disconnection => self.lose(generation, "the connection was closed"),
            _ => {}
        }
    }

    /// Sends commands together and waits for as many answers.
    pub(super) async fn run(&self, live: &Live, pipeline: &Pipeline) -> Result<Vec<Value>, RemoteError> {
        let mut connection = live.connection.clone();
        let asked = connection.send_packed_commands(pipeline, 0, pipeline.len());
        let answers = self.answered(live, self.options.call_timeout, asked).await?;
        if answers.len() != pipeline.len() {
            return Err(self.failed(live, Fault::Garbage("another number of answers than questions".into())));
        }
        Ok(answers)
    }

    /// Sends a command and waits for its answer, so long at most.
    pub(super) async fn run_one(
        &self,
        live: &Live,
        command: &Cmd,
        limit: Duration,
    ) -> Result<Value, RemoteError> {
        let mut connection = live.connection.clone();
        self.answered(live, limit, connection.send_packed_command(command)).await
    }

    /// Waits for what was asked.
    async fn answered<T>(
        &self,
        live: &Live,
        limit: Duration,
        asked: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, RemoteError> {
        let limited = {
            let runtime = self.runtime();
            // The caller's executor may have no clock.
            let _within = runtime.enter();
            timeout(limit, asked)
        };
        let Ok(answer) = limited.await else {
            let reason = format!("no answer within {:?}", self.options.call_timeout);
            // Relaxed: a count, nothing else hangs on it.
            if live.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= self.options.circuit_failures {
                self.lose(live.generation, &reason);
            }
            return Err(self.told(Fault::Away(reason)));
        };
        live.unanswered.store(0, Ordering::Relaxed);
        let answer = answer.map_err(|error| self.failed(live, error.into()))?;
        // What came over a connection that was lost since is not known to be true any more.
        match self.live_generation.load(Ordering::SeqCst) == live.generation {
            true => Ok(answer),
            false => Err(self.told(Fault::Away("the connection was lost".into()))),
        }
    }

    /// The same with scripts, which are sent whole where the server has forgotten them.
    pub(super) async fn run_scripts(
        &self,
        live: &Live,
        make: impl Fn(Scripts<'_>) -> Pipeline,
    ) -> Result<Vec<Value>, RemoteError> {
        let pipeline = make(Scripts::Hashes(&live.hashes));
        let answers = self.run(live, &pipeline).await?;
        if !answers.iter().any(forgot_script) {
            return Ok(answers);
        }
        let pipeline = make(Scripts::Texts);
        self.run(live, &pipeline).await
    }

    /// What to tell of a fault in an answer. Where it is not understood the connection is given up: nobody knows what
    /// else on it is not what it seems.
    pub(super) fn failed(&self, live: &Live, fault: Fault) -> RemoteError {
        if let Fault::Garbage(reason) | Fault::Gone(reason) = &fault {
            self.lose(live.generation, reason);
        }
        self.told(fault)
    }

    pub(super) fn told(&self, fault: Fault) -> RemoteError {
        let url = self.address.shown.clone();
        match fault {
            Fault::Gone(reason) | Fault::Away(reason) => RemoteError::Away { url, reason },
            Fault::Refused(reason) => RemoteError::Refused { url, reason: self.without_password(reason) },
            Fault::Garbage(reason) => RemoteError::Garbage { url, reason },
        }
    }

    /// What a server says, unless it says the password: no Redis does, but who knows what answers.
    fn without_password(&self, reason: String) -> String {
        let settings = self.address.client.get_connection_info().redis_settings();
        let is_telling = |password: &str| password.len() >= TELLING_BYTES && reason.contains(password);
        match settings.password().is_some_and(is_telling) {
            true => "it repeats the password".into(),
            false => reason,
        }
    }
}

impl State {
    fn is_live(&self, generation: u64) -> bool {
        self.live.as_ref().is_some_and(|live| live.generation == generation)
    }

    fn tell(&self, change: &RemoteChange) {
        self.listeners.iter().for_each(|listener| tell(listener, change));
    }
}

/// A listener that panics must not end the task that reads answers.
fn tell(listener: &RemoteListener, change: &RemoteChange) {
    if catch_unwind(AssertUnwindSafe(|| listener(change))).is_err() {
        tracing::error!(?change, "a listener of the cache has panicked");
    }
}
