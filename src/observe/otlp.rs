//! Figures and traces to a collector, by OTLP over HTTP.
//!
//! A runtime sends its figures by itself. Traces go through a layer that the program puts into its subscriber, because a
//! program has one subscriber and a library has no business choosing it.

mod client;
mod figures;
mod traces;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use wayfare_actors::WeakRuntimeHandle;

use self::client::Client;
pub use self::traces::OtlpTraces;
use super::ObserveError;
use crate::config::ObserveConfig;

/// Sends the figures of a runtime now and then. Dropping it sends them once more, as long as the runtime is there, and ends.
pub(super) struct Sending {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sending {
    pub(super) fn start(runtime: WeakRuntimeHandle, config: &ObserveConfig) -> Result<Self, ObserveError> {
        let (end, ended) = channel();
        let (url, every) = (endpoint(config, "metrics"), config.otlp_interval());
        let sending = move || send_until(&ended, &runtime, &url, every);
        let thread = std::thread::Builder::new().name("wayfare-otlp".into()).spawn(sending);
        Ok(Self { end: Some(end), thread: Some(thread.map_err(ObserveError::Thread)?) })
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        drop(self.end.take());
        // The thread may hold the last handle of the runtime: then it is the one that would be waited for.
        if let Some(thread) = self.thread.take().filter(|it| it.thread().id() != std::thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

fn send_until(ended: &Receiver<()>, runtime: &WeakRuntimeHandle, url: &str, every: Duration) {
    let began = SystemTime::now();
    let mut is_away = false;
    loop {
        let is_last = !matches!(ended.recv_timeout(every), Err(RecvTimeoutError::Timeout));
        let Some(snapshot) = runtime.upgrade().map(|runtime| runtime.metrics()) else { return };
        match Client.post(url, figures::encode(&snapshot, began, SystemTime::now())) {
            Ok(()) => is_away = false,
            // Told once until it is there again: what was missed is in the next figures.
            Err(error) if !is_away => {
                is_away = true;
                tracing::warn!(%error, "figures are not taken by the collector");
            }
            Err(_) => {}
        }
        if is_last {
            return;
        }
    }
}

/// Where one kind of signal goes.
fn endpoint(config: &ObserveConfig, signal: &str) -> String {
    format!("{}/v1/{signal}", config.otlp.as_str().trim_end_matches('/'))
}
