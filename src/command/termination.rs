//! SIGTERM, as service managers and schedulers send it: the command has a while to finish what it does.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{sleep, timeout};
use wayfare::{Runtime, StopSignal, WeakRuntimeHandle};

use super::exit::{Exit, Failure};
use crate::signals::Terminations;

/// How long walks may take to be cancelled when there is no more time.
const PATIENCE: Duration = Duration::from_secs(1);

/// From when on SIGTERM is listened to, and whose walks are cancelled in the end.
///
/// While a store is being opened there is nothing to finish, so until then the signal ends the process as the system has it.
#[derive(Debug, Default)]
pub(crate) struct Termination(Mutex<Option<Listening>>);

#[derive(Debug)]
struct Listening {
    signals: Terminations,
    runtime: Option<WeakRuntimeHandle>,
}

impl Termination {
    /// A store is open, and the runtime on it if there is one. Where signals cannot be listened to, the system's own
    /// handling goes on.
    pub(crate) fn begin(&self, runtime: Option<&Runtime>) {
        let runtime = runtime.map(|runtime| runtime.handle().downgrade());
        let listening = Terminations::listen().ok().map(|signals| Listening { signals, runtime });
        *self.listening() = listening;
    }

    /// Does the work. From the first SIGTERM on it has `time` to end by itself; another one, or Ctrl-C, ends the process
    /// at once, which leaves the store as it was committed last.
    pub(crate) async fn within(
        &self,
        time: Duration,
        note: impl Fn(&str),
        work: impl Future<Output = Result<Exit, Failure>>,
    ) -> Result<Exit, Failure> {
        // In a box, so that it can be dropped before all else ends.
        let mut work = Box::pin(work);
        tokio::select! {
            // The work first: it is what begins to listen, and nothing else would wake the other branch for that.
            biased;
            ended = &mut work => return ended,
            () = self.signal() => {}
        }
        let mut interrupt = pin!(tokio::signal::ctrl_c());
        // The first look is what begins to listen: before anybody is told that he may press it.
        let listens = interrupt.as_mut().now_or_never().is_none();
        note(&format!("SIGTERM: has {} ms to finish; another signal ends it at once", time.as_millis()));
        tokio::select! {
            biased;
            ended = &mut work => return ended,
            () = self.signal() => std::process::exit(StopSignal::Terminate.exit_code()),
            Ok(()) = &mut interrupt, if listens => std::process::exit(StopSignal::Interrupt.exit_code()),
            () = sleep(time) => {}
        }
        self.cancel_walks().await;
        drop(work);
        Err(Failure::new(
            Exit::Terminated,
            "ended by SIGTERM before it was done; what was committed stays: raise `[supervision] drain_timeout_ms` to \
             give it more time",
        ))
    }

    /// The next SIGTERM. Asks anew whenever it is polled, because listening begins in between.
    async fn signal(&self) {
        std::future::poll_fn(|cx| match self.listening().as_mut() {
            Some(listening) => listening.signals.poll_next(cx),
            None => Poll::Pending,
        })
        .await;
    }

    /// So that dropping the runtime does not wait for them once more.
    async fn cancel_walks(&self) {
        let runtime = self.listening().as_ref().and_then(|listening| listening.runtime.clone());
        let Some(handle) = runtime.and_then(|runtime| runtime.upgrade()) else { return };
        let cancelling = async {
            for walk in handle.walks().await.iter().filter_map(|walk| walk["walk"].as_u64()) {
                handle.cancel(walk).await;
            }
        };
        // Those of a worker whose thread is kept do not answer.
        let _ = timeout(PATIENCE, cancelling).await;
    }

    fn listening(&self) -> std::sync::MutexGuard<'_, Option<Listening>> {
        // It is replaced whole, so a panic leaves no half of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
