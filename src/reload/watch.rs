//! Watching the settings file of a runtime.
//!
//! The file is looked at once a second rather than by the system's notifications: these are told of a folder and not of
//! what a link leads to, and are missing on network disks, where settings often lie.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::sleep;
use wayfare_actors::StartError;
use wayfare_graph::WalkError;

use super::file_state::FileState;
use super::{Change, Reload};
use crate::config::{Config, ConfigBuilder};
use crate::error::{Error, Result};
use crate::runtime::{Runtime, WeakRuntime};
use crate::signals::Hangups;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file that has changed is read when it has been the same for so long: who writes it may not be done. Half a file is
/// often good TOML, and what it does not say yet would go back to its default.
const SETTLE: Duration = Duration::from_millis(100);

/// A file that changes all the time is read after so many such looks all the same.
const SETTLE_LOOKS: usize = 50;

type Outcome = Arc<Result<Reload>>;

/// A watch over a settings file, of [`Runtime::watch_config`]. Dropping it ends the watch.
pub struct ConfigWatch {
    told: watch::Receiver<Option<Outcome>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ConfigWatch {
    /// Waits for the next time the file is taken over or refused, and says what became of it; the first is about the file
    /// as it was when the watch began. Of several in between the last is told. `None` when the runtime has stopped.
    pub async fn next(&mut self) -> Option<Arc<Result<Reload>>> {
        self.told.changed().await.ok()?;
        self.told.borrow_and_update().clone()
    }
}

impl fmt::Debug for ConfigWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigWatch").finish_non_exhaustive()
    }
}

impl Drop for ConfigWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but the stop and what the runtime does within microseconds.
            let _ = thread.join();
        }
    }
}

impl Runtime {
    /// Watches a settings file: whenever it changes, and on SIGHUP where there is such a signal, the file and the
    /// environment are read as by [`Config::load`] and taken over as by [`reload`](Self::reload).
    ///
    /// The file is looked at once a second, the first time at once. One that cannot be read, is not TOML, or holds any bad
    /// setting is refused whole: the settings before stay, and the file is looked at again when it changes. What was
    /// taken over, what needs a restart and why a file is refused is logged, and told by [`ConfigWatch::next`]. Replace
    /// the file by renaming another to its name; one that is written in place is read when it has been quiet for 100 ms.
    ///
    /// What the program has set by the builder must be set here too: use [`watch_config_with`](Self::watch_config_with)
    /// then. From now on SIGHUP does not end this process any more, also after the watch.
    ///
    /// # Errors
    /// [`Error::Start`] when its thread cannot be started, [`Error::Signals`] when SIGHUP cannot be listened to.
    pub fn watch_config(&self, path: impl Into<PathBuf>) -> Result<ConfigWatch> {
        self.watch_config_with(path, |builder| builder)
    }

    /// The same with what stands over file and environment: `over` is given the settings each time they were read.
    ///
    /// # Errors
    /// As [`watch_config`](Self::watch_config).
    pub fn watch_config_with(
        &self,
        path: impl Into<PathBuf>,
        over: impl Fn(ConfigBuilder) -> ConfigBuilder + Send + 'static,
    ) -> Result<ConfigWatch> {
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let executor = executor.map_err(StartError::Thread)?;
        let hangups = {
            let _within = executor.enter();
            Hangups::listen().map_err(Error::Signals)?
        };
        let (tell, told) = watch::channel(None);
        let (stop, stopped) = oneshot::channel();
        let watcher = Watcher { path: path.into(), over: Box::new(over), runtime: self.downgrade(), tell };
        let watching = move || {
            executor.block_on(async {
                tokio::select! {
                    () = watcher.watch(hangups) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("wayfare-config".into()).spawn(watching);
        Ok(ConfigWatch { told, stop: Some(stop), thread: Some(thread.map_err(StartError::Thread)?) })
    }
}

/// The watch as its thread has it.
struct Watcher {
    path: PathBuf,
    over: Box<dyn Fn(ConfigBuilder) -> ConfigBuilder + Send>,
    runtime: WeakRuntime,
    tell: watch::Sender<Option<Outcome>>,
}

impl Watcher {
    /// Until the runtime is gone.
    async fn watch(self, mut hangups: Hangups) {
        // Before the file is read: what changes it meanwhile is seen at the next look. It may be half written now.
        let mut state = settled(&self.path).await;
        while self.take_over().await {
            loop {
                let is_asked = tokio::select! {
                    () = sleep(LOOK_EVERY) => false,
                    () = hangups.next() => true,
                };
                if is_asked || FileState::of(&self.path) != state {
                    break;
                }
                if self.runtime.is_gone() {
                    return;
                }
            }
            state = settled(&self.path).await;
        }
    }

    /// Reads the file and has it taken over; `false` when there is no runtime any more.
    async fn take_over(&self) -> bool {
        let read = Config::load(Some(&self.path)).and_then(|config| (self.over)(config.to_builder()).build());
        let Some(runtime) = self.runtime.upgrade() else { return false };
        let outcome = match read {
            Ok(config) => runtime.reload(&config).await,
            Err(error) => Err(error.into()),
        };
        drop(runtime);
        if matches!(outcome, Err(Error::Walk(WalkError::Stopped))) {
            return false;
        }
        self.log(&outcome);
        self.tell.send_replace(Some(Arc::new(outcome)));
        true
    }

    fn log(&self, outcome: &Result<Reload>) {
        let file = self.path.display();
        match outcome {
            Ok(reload) => {
                for Change { key, from, to } in &reload.applied {
                    tracing::info!(%file, key, from, to, "a setting was taken over");
                }
                for Change { key, from, to } in &reload.needs_restart {
                    tracing::warn!(%file, key, from, to, "a setting has changed that needs a restart");
                }
            }
            Err(error) => tracing::error!(%file, %error, "new settings are refused, those before stay"),
        }
    }
}

/// Waits until the file is the same for a while, and gives its state.
async fn settled(path: &Path) -> Option<FileState> {
    let mut state = FileState::of(path);
    for _ in 0..SETTLE_LOOKS {
        sleep(SETTLE).await;
        let next = FileState::of(path);
        if next == state {
            break;
        }
        state = next;
    }
    state
}
