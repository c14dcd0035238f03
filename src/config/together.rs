//! Settings that do not go together, each of them within its range.

use super::error::{ConfigError, Origin};
use super::settings::Config;

impl Config {
    /// Refuses the first setting that another makes senseless.
    pub(super) fn check_together(&self) -> Result<(), ConfigError> {
        let Self { pool, writers, workers, observe, .. } = self;
        at_most("store.pool.min_size", pool.min_size, "store.pool.max_size", pool.max_size)?;
        if writers.flush_interval_ms > 0 {
            // A commit would wait for more writes than may be under way.
            at_most("writers.batch_size", writers.batch_size, "writers.queue", writers.queue)?;
        }
        let (shards, writer) = (&self.shard_restarts, &self.writer_restarts);
        let (cache, worker) = (&self.cache_restarts, &self.worker_restarts);
        for (section, backoff, longest) in [
            ("shards", shards.backoff_ms, shards.max_backoff_ms),
            ("writer", writer.backoff_ms, writer.max_backoff_ms),
            ("cache", cache.backoff_ms, cache.max_backoff_ms),
            ("workers", worker.backoff_ms, worker.max_backoff_ms),
        ] {
            let key = |name: &str| format!("supervision.{section}.{name}");
            at_most(&key("backoff_ms"), backoff, &key("max_backoff_ms"), longest)?;
        }
        if workers.move_slow_walks && observe.slow_hook_ms == 0 {
            let allowed = "`false` while `observe.slow_hook_ms` is 0, by which no hook is slow".to_owned();
            return Err(refused("workers.move_slow_walks", "true", allowed));
        }
        Ok(())
    }
}

fn at_most<T: PartialOrd + ToString>(key: &str, value: T, bound: &str, most: T) -> Result<(), ConfigError> {
    match value <= most {
        true => Ok(()),
        false => {
            let allowed = format!("at most `{bound}`, which is {}", most.to_string());
            Err(refused(key, &value.to_string(), allowed))
        }
    }
}

fn refused(key: &str, value: &str, allowed: String) -> ConfigError {
    ConfigError::OutOfRange {
        key: key.to_owned(),
        value: value.to_owned(),
        allowed,
        origin: Origin::Together,
    }
}
