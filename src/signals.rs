//! Signals by which the system asks a process to end, or to read its settings anew.

use std::io;
#[cfg(unix)]
use std::task::ready;
use std::task::{Context, Poll};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, Result};
use crate::runtime::Runtime;

/// A signal that asks a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopSignal {
    /// SIGINT, as of Ctrl-C.
    Interrupt,
    /// SIGTERM, as of service managers.
    Terminate,
}

impl StopSignal {
    /// Its number: 2 or 15.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }

    /// The code with which shells tell that a process ended by it: 128 and its number.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        128 + self.number()
    }
}

/// Waits for SIGTERM or SIGINT, drains the runtime as [`Runtime::shutdown`] does, and says which signal it was. Where
/// there is no SIGTERM it is Ctrl-C alone.
///
/// A second signal while it drains ends the process at once with 128 and the number of that signal: what was acknowledged
/// is in the store, walks that still run end without a report. Before this is awaited signals do what the system has them
/// do, which is to end the process; no store is harmed by that either. Afterwards they do nothing of themselves any more.
///
/// ```no_run
/// # async fn example() -> wayfare::Result<()> {
/// let runtime = wayfare::Runtime::open("embedded:my-graph")?;
/// let signal = wayfare::shutdown_on_signal(runtime).await?;
/// println!("ended by {signal:?}");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Signals`] when signals cannot be listened to; the runtime is drained then.
///
/// # Panics
/// Outside of a tokio runtime that has its I/O enabled.
pub async fn shutdown_on_signal(runtime: Runtime) -> Result<StopSignal> {
    let mut signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            runtime.shutdown().await;
            return Err(Error::Signals(error));
        }
    };
    let signal = signals.next().await;
    tracing::info!(?signal, "the runtime drains; another signal ends the process at once");
    tokio::select! {
        () = runtime.shutdown() => Ok(signal),
        second = signals.next() => {
            tracing::warn!(signal = ?second, "the process ends before the runtime has drained");
            std::process::exit(second.exit_code())
        }
    }
}

/// The signals that ask the process to end, from now on.
struct StopSignals {
    terminations: Terminations,
    #[cfg(unix)]
    interrupts: Signal,
}

impl StopSignals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminations: Terminations::listen()?,
            #[cfg(unix)]
            interrupts: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> StopSignal {
        #[cfg(unix)]
        let interrupted = self.interrupts.recv();
        #[cfg(not(unix))]
        let interrupted = tokio::signal::ctrl_c();
        tokio::select! {
            () = self.terminations.next() => StopSignal::Terminate,
            _ = interrupted => StopSignal::Interrupt,
        }
    }
}

/// SIGTERM, from now on; none where the system has no such signal.
#[derive(Debug)]
pub(crate) struct Terminations {
    #[cfg(unix)]
    signal: Signal,
}

impl Terminations {
    /// Panics outside of a tokio runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.signal.poll_recv(cx)) {
            Some(()) => Poll::Ready(()),
            // There will be none any more.
            None => Poll::Pending,
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    async fn next(&mut self) {
        std::future::poll_fn(|cx| self.poll_next(cx)).await;
    }
}

/// SIGHUP, from now on; none where the system has no such signal.
pub(crate) struct Hangups {
    #[cfg(unix)]
    signal: Signal,
}

impl Hangups {
    /// Panics outside of a tokio runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
