//! Settings: what they are, where they come from, and why a bad one is refused.
//!
//! Four layers, the later over the earlier: defaults, `config.toml`, the environment
//! (`WAYFARE_WORKERS__COUNT=4`), the builder. The table in `settings.rs` is the only list of them: the structs,
//! the builder, the ranges, the docs and the shipped `config.toml` all come from it.

mod auto;
mod bytes;
mod entity_list;
mod error;
mod fraction;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod layers;
mod load;
mod settable;
mod setting;
mod settings;
mod store_url;
mod together;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, io};

use serde::{Deserialize, Deserializer, de};

pub use auto::OrAuto;
pub use entity_list::EntityList;
pub use error::{ConfigError, Origin};
pub use fraction::Fraction;
pub use setting::{Allowed, Setting};
pub use settings::{
    AdmissionConfig, CacheConfig, CacheRestartsConfig, Config, ConfigBuilder, DurableConfig, EventsConfig,
    LimitsConfig, ObserveConfig, PoolConfig, ShardRestartsConfig, ShardsConfig, StoreConfig,
    SupervisionConfig, UpdatesConfig, WorkerRestartsConfig, WorkersConfig, WriterRestartsConfig,
    WritersConfig, settings,
};
pub use store_url::StoreUrl;

/// Read by [`Config::load`] from the current folder when no path is given.
const FILE_NAME: &str = "config.toml";

impl Config {
    /// Reads the settings file and then the environment, over the defaults.
    ///
    /// A given `path` must exist. Without one, `config.toml` in the current folder is read if it is there.
    /// A variable is `WAYFARE_`, the section, `__` and the name: `WAYFARE_WORKERS__COUNT`,
    /// `WAYFARE_STORE__POOL__MAX_SIZE`. Variables without `__`
    /// are left alone unless they begin with a section's name, which is taken for a slip and refused.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] when the file cannot be read, [`ConfigError::Syntax`] when it is not TOML, and
    /// [`ConfigError::UnknownKey`], [`ConfigError::WrongType`] or [`ConfigError::OutOfRange`] for a bad setting.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_from(path, Path::new(FILE_NAME), env::vars_os())
    }

    /// [`Config::load`] with the file that may be missing and the environment handed in.
    fn load_from(
        path: Option<&Path>,
        if_present: &Path,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let read = path.unwrap_or(if_present);
        match fs::read_to_string(read) {
            Ok(text) => layers::apply_toml(&mut config, &text, Some(read))?,
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ConfigError::Unreadable { path: PathBuf::from(read), source }),
        }
        layers::apply_environment(&mut config, variables)?;
        Ok(config)
    }

    /// Reads settings from TOML over the defaults, without the environment.
    ///
    /// ```
    /// let config = wayfare::Config::from_toml("[workers]\nturn_visits = 64")?;
    /// assert_eq!(config.workers.turn_visits, 64);
    /// # Ok::<(), wayfare::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Syntax`], [`ConfigError::UnknownKey`], [`ConfigError::WrongType`] and
    /// [`ConfigError::OutOfRange`], as for [`Config::load`].
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        layers::apply_toml(&mut config, text, None)?;
        Ok(config)
    }

    /// Starts a builder on the defaults.
    ///
    /// ```
    /// let config = wayfare::Config::builder().workers_count(4).limits_visits(10_000).build()?;
    /// assert_eq!(config.workers.resolved_count(), 4);
    /// # Ok::<(), wayfare::ConfigError>(())
    /// ```
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// Starts a builder on these settings, so that what it sets stands over file and environment.
    pub fn to_builder(&self) -> ConfigBuilder {
        ConfigBuilder { config: self.clone() }
    }

    /// Checks every setting against its range and against the others; needed only after fields were assigned by
    /// hand, because a runtime does it at its start.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] names the first setting that is out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        settings().iter().try_for_each(|setting| setting.check(self))?;
        self.check_together()?;
        self.observe.check(cfg!(feature = "otlp"))
    }

    /// The text of a `config.toml` that lists every setting with its meaning, unit, range and default.
    #[must_use]
    pub fn defaults_toml() -> String {
        let mut text = String::from(
            "# Every setting of Wayfare with its unit, what is allowed, and its default.\n\
             # The later wins: defaults, this file, environment (WAYFARE_WORKERS__COUNT=4), builder.\n\
             # Those marked `live` are taken over by a runtime that watches its file; others need a restart.\n",
        );
        let mut open_section = "";
        for setting in settings() {
            if setting.section() != open_section {
                open_section = setting.section();
                let doc = settings::section_doc(open_section);
                // Writing to a `String` cannot fail, here and below.
                let _ = write!(text, "\n# {doc}\n[{open_section}]\n");
            }
            let (doc, unit, allowed) =
                (setting.doc().trim_end_matches('.'), setting.unit(), setting.allowed());
            let live = if setting.is_live() { "; live" } else { "" };
            let (name, default) = (setting.name(), setting.default());
            let _ = writeln!(text, "# {doc} ({unit}; {allowed}{live}).\n{name} = {default}");
        }
        text
    }
}

impl ConfigBuilder {
    /// Checks every setting and gives the settings.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] names the first setting that is out of its range.
    pub fn build(self) -> Result<Config, ConfigError> {
        self.config.check()?;
        Ok(self.config)
    }
}

/// Reads and checks settings that lie in another document, as [`Config::from_toml`] does.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        let mut config = Self::default();
        layers::apply_table(&mut config, &table, |_| Origin::File { path: None, line: None })
            .map_err(de::Error::custom)?;
        Ok(config)
    }
}

impl WorkersConfig {
    /// The number of workers: as set, or one for each core.
    #[must_use]
    pub fn resolved_count(&self) -> usize {
        match self.count {
            OrAuto::Fixed(count) => count,
            OrAuto::Auto => auto::available_cores().clamp(1, settings::MAX_WORKERS),
        }
    }
}

impl ShardsConfig {
    /// The number of shards: as set, or `workers` rounded up to a power of two.
    #[must_use]
    pub fn resolved_count(&self, workers: usize) -> usize {
        match self.count {
            OrAuto::Fixed(count) => count,
            OrAuto::Auto => workers.clamp(1, settings::MAX_SHARDS).next_power_of_two(),
        }
    }
}

impl CacheConfig {
    /// The bytes of resident records: as set, or half of the machine's memory (1 GiB where that is unknown).
    #[must_use]
    pub fn resolved_resident_bytes(&self) -> u64 {
        match self.resident_bytes {
            OrAuto::Fixed(bytes) => bytes,
            OrAuto::Auto => auto::half_of_memory().unwrap_or(bytes::GIB).max(bytes::MIB),
        }
    }
}

impl PoolConfig {
    /// [`max_idle_ms`](Self::max_idle_ms) as a duration, `None` for ever.
    #[must_use]
    pub fn max_idle(&self) -> Option<Duration> {
        (self.max_idle_ms > 0).then(|| Duration::from_millis(self.max_idle_ms))
    }

    /// [`connect_timeout_ms`](Self::connect_timeout_ms) as a duration.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// [`operation_timeout_ms`](Self::operation_timeout_ms) as a duration.
    #[must_use]
    pub fn operation_timeout(&self) -> Duration {
        Duration::from_millis(self.operation_timeout_ms)
    }

    /// [`server_timeout_ms`](Self::server_timeout_ms) as a duration.
    #[must_use]
    pub fn server_timeout(&self) -> Duration {
        Duration::from_millis(self.server_timeout_ms)
    }

    /// [`retry_ms`](Self::retry_ms) as a duration.
    #[must_use]
    pub fn retry_time(&self) -> Duration {
        Duration::from_millis(self.retry_ms)
    }

    /// [`circuit_open_ms`](Self::circuit_open_ms) as a duration.
    #[must_use]
    pub fn circuit_open(&self) -> Duration {
        Duration::from_millis(self.circuit_open_ms)
    }
}

impl WritersConfig {
    /// [`flush_interval_ms`](Self::flush_interval_ms) as a duration.
    #[must_use]
    pub fn flush_interval(&self) -> Duration {
        Duration::from_millis(self.flush_interval_ms)
    }
}

impl LimitsConfig {
    /// [`wall_ms`](Self::wall_ms) as a duration.
    #[must_use]
    pub fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }
}

impl ObserveConfig {
    /// The address of [`listen`](Self::listen), `None` for none, and for a text that is no address.
    #[must_use]
    pub fn listen_address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    /// [`otlp_interval_ms`](Self::otlp_interval_ms) as a duration.
    #[must_use]
    pub fn otlp_interval(&self) -> Duration {
        Duration::from_millis(self.otlp_interval_ms)
    }

    /// `has_otlp` says whether that feature is built in.
    fn check(&self, has_otlp: bool) -> Result<(), ConfigError> {
        let refused = |name: &str, value: String, allowed: &str| {
            let (key, allowed) = (format!("observe.{name}"), allowed.to_owned());
            Err(ConfigError::OutOfRange { key, value, allowed, origin: Origin::Together })
        };
        if self.listen != "none" && self.listen_address().is_none() {
            let allowed = "`none`, or an address and a port such as `127.0.0.1:9464`";
            return refused("listen", self.listen.clone(), allowed);
        }
        let otlp = self.otlp.as_str();
        if self.otlp.is_none() {
            return Ok(());
        }
        if !has_otlp {
            let allowed = "`none`, as this program was built without the feature `otlp` of `wayfare`";
            return refused("otlp", self.otlp.to_string(), allowed);
        }
        let host = otlp.strip_prefix("http://").map(|rest| rest.split('/').next().unwrap_or_default());
        if host.is_none_or(str::is_empty) {
            let allowed =
                "`none`, or a url such as `http://localhost:4318`; for `https` put a collector in between";
            return refused("otlp", self.otlp.to_string(), allowed);
        }
        Ok(())
    }
}

impl SupervisionConfig {
    /// [`drain_timeout_ms`](Self::drain_timeout_ms) as a duration.
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }

    /// [`stall_ms`](Self::stall_ms) as a duration.
    #[must_use]
    pub fn stall(&self) -> Duration {
        Duration::from_millis(self.stall_ms)
    }
}

#[cfg(test)]
mod tests;
