//! Opening the store that the settings or a command name.

use std::sync::Arc;

use wayfare_graph::Store;
use wayfare_stores::{MongoOptions, OpenOptions};

use crate::config::{Config, PoolConfig};
use crate::error::Result;

/// Opens a store by its URL, as the settings want it opened.
pub(crate) fn open_store(url: &str, config: &Config) -> Result<Arc<dyn Store>> {
    let mut options = OpenOptions::default();
    options.embedded.map_bytes = config.store.map_bytes;
    options.mongodb = mongo_options(&config.pool);
    Ok(wayfare_stores::open(url, &options)?)
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
    }
}
