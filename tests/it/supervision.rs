//! Actors that end by themselves, and what becomes of what they had.

mod admission;
mod outages;
mod scaling;
mod shards;
mod taking_up;
mod workers;
mod writer;

use std::time::Duration;

use wayfare::ConfigBuilder;

pub(crate) use crate::walks::stage::{Hamlet, Stage, Trail, hamlet, within};

/// Settings by which actors are back soon, and may end so often.
fn patient(restarts: u64) -> impl FnOnce(ConfigBuilder) -> ConfigBuilder {
    move |config| {
        config
            .shard_restarts(restarts)
            .shard_restarts_backoff_ms(1)
            .shard_restarts_max_backoff_ms(2)
            .writer_restarts(restarts)
            .writer_restarts_backoff_ms(1)
            .writer_restarts_max_backoff_ms(2)
            .worker_restarts(restarts)
            .worker_restarts_backoff_ms(1)
            .worker_restarts_max_backoff_ms(2)
            .shards_count(2)
            .workers_count(2)
    }
}

/// Asks again and again until it is so.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}
