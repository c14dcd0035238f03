//! Settings that a runtime takes over while it runs.

mod file_state;
mod running;
mod watch;

use std::fmt;

use wayfare_graph::WalkError;

use crate::config::{Config, Setting, settings};
use crate::error::Result;
use crate::runtime::{Runtime, settings_of};

pub(crate) use self::running::Running;
pub use self::watch::ConfigWatch;

/// What observes calls to the store, and cannot begin to where nothing was observed at the start.
const OBSERVE_STORE: [&str; 3] = ["observe.slow_query_ms", "observe.slow_commit_ms", "observe.sample"];

/// A setting that is another one than before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The setting: `workers.count`.
    pub key: &'static str,
    /// Its value so far, as TOML writes it; of a url without its secrets, so that both values may look alike.
    pub from: String,
    /// Its new value, in the same form.
    pub to: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` from {} to {}", self.key, self.from, self.to)
    }
}

/// What became of new settings, in the order of `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reload {
    /// What the runtime has taken over.
    pub applied: Vec<Change>,
    /// What stays as it was until the runtime is started anew.
    pub needs_restart: Vec<Change>,
}

impl Reload {
    /// Whether all settings are as they were.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.applied.is_empty() && self.needs_restart.is_empty()
    }
}

impl Runtime {
    /// Takes over those of the settings that may change while the runtime runs, and says which need a restart. Which
    /// these are tells [`Setting::is_live`]; `config.toml` marks them with `live`.
    ///
    /// Settings are compared with those that the runtime has now: what needs a restart is told each time until then.
    /// [`scale`](Self::scale) is no setting, so the pool is left alone unless `workers.count` is another than before.
    /// Budgets and `limits.emit_buffer` hold for walks that are spawned afterwards, walks under way keep theirs. No walk
    /// is ended for a smaller `workers.max_walks`. A new bound for slow hooks may take a second to hold.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for settings that do not go together: nothing is taken over then.
    /// [`Error::Walk`](crate::Error::Walk) with [`WalkError::Stopped`] when the runtime has stopped.
    pub async fn reload(&self, config: &Config) -> Result<Reload> {
        config.check()?;
        let (reload, taken) = self.begin_reload(config)?;
        if let Some(taken) = taken {
            taken.await?;
        }
        Ok(reload)
    }

    /// Does it but for waiting, so that of two reloads at once the one which compared last is also made last.
    fn begin_reload(
        &self,
        config: &Config,
    ) -> Result<(Reload, Option<impl Future<Output = Result<(), WalkError>> + use<>>)> {
        let observes_store = !self.handle().settings().observe.is_off();
        let mut now = self.running.config();
        let (reload, next) = compare(&now, config, observes_store);
        if reload.applied.is_empty() {
            return Ok((reload, None));
        }
        let settings = settings_of(&next)?;
        self.running.set(&next);
        *now = next;
        Ok((reload, Some(self.handle().reconfigure(settings))))
    }
}

/// What differs, and the settings as they are once that which may change has changed.
fn compare(now: &Config, wanted: &Config, observes_store: bool) -> (Reload, Config) {
    let is_live =
        |setting: &Setting| setting.is_live() && (observes_store || !OBSERVE_STORE.contains(&setting.key()));
    let (mut reload, mut next) = (Reload::default(), now.clone());
    for setting in settings().iter().filter(|setting| !setting.is_same(now, wanted)) {
        let change = Change { key: setting.key(), from: setting.shown(now), to: setting.shown(wanted) };
        if is_live(setting) {
            setting.take(&mut next, wanted);
            reload.applied.push(change);
        } else {
            reload.needs_restart.push(change);
        }
    }
    (reload, next)
}

#[cfg(test)]
mod tests;
