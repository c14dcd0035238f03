//! Opening the store that the settings or a command name.

use std::sync::Arc;
use std::time::Duration;

use wayfare_actors::{CacheParts, LayeredCache, MemoryBound, TickingClock};
use wayfare_graph::{CacheError, RemoteCache, Store};
use wayfare_stores::{MongoOptions, OpenOptions, RedisCache, RedisOptions};

use crate::config::{CacheConfig, Config, PoolConfig};
use crate::error::Result;

/// Opens a store by its URL, as the settings want it opened.
pub(crate) fn open_store(url: &str, config: &Config) -> Result<Arc<dyn Store>> {
    let mut options = OpenOptions::default();
    options.embedded.map_bytes = config.store.map_bytes;
    options.mongodb = mongo_options(&config.pool);
    Ok(wayfare_stores::open(url, &options)?)
}

/// Opens the cache of results that the settings describe.
pub(crate) fn open_cache(config: &CacheConfig) -> Result<Arc<LayeredCache>> {
    let remote: Option<Arc<dyn RemoteCache>> = match config.redis.is_none() {
        true => None,
        false => {
            let opened = RedisCache::open(config.redis.as_str(), redis_options(config));
            Some(Arc::new(opened.map_err(CacheError::Remote)?))
        }
    };
    let memory = Some(MemoryBound::Bytes(config.memory_bytes));
    let clock = Arc::new(TickingClock::default());
    Ok(LayeredCache::new(CacheParts { memory, remote, value_bytes: config.value_bytes, clock })?)
}

fn redis_options(config: &CacheConfig) -> RedisOptions {
    let mut options = RedisOptions::default();
    options.prefix.clone_from(&config.prefix);
    options.optional = config.optional;
    options.call_timeout = Duration::from_millis(config.timeout_ms);
    options.connect_timeout = Duration::from_millis(config.connect_timeout_ms);
    options.circuit_failures = u32::try_from(config.circuit_failures).unwrap_or(u32::MAX);
    options
}

fn mongo_options(pool: &PoolConfig) -> MongoOptions {
    // The ranges of the settings keep every number far below the largest.
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut options = MongoOptions::default();
    options.min_size = number(pool.min_size);
    options.max_size = number(pool.max_size);
    options.max_idle_time = pool.max_idle();
    options.connect_timeout = pool.connect_timeout();
    options.server_selection_timeout = pool.server_timeout();
    options.operation_timeout = pool.operation_timeout();
    options.retries = number(pool.retries);
    options.retry_time = pool.retry_time();
    options.circuit_failures = number(pool.circuit_failures);
    options.circuit_pause = pool.circuit_open();
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_settings_are_those_of_the_store() {
        assert_eq!(mongo_options(&PoolConfig::default()), MongoOptions::default());
        assert_eq!(redis_options(&CacheConfig::default()), RedisOptions::default());
    }
}
