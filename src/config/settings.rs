//! The table of settings: every section, name, type, default, unit, range and meaning stands here and only here.

use serde::Serialize;

use super::auto::OrAuto;
use super::bytes::{GIB, KIB, MIB, TIB};
use super::entity_list::EntityList;
use super::fraction::Fraction;
use super::settable::Settable;
use super::setting::Range::{Bytes, Entities, Fraction as Part, Number, PowerOfTwo, Switch, Text};
use super::setting::{Allowed, Setting};
use super::store_url::StoreUrl;

/// Most workers, also when the machine has more cores.
pub(super) const MAX_WORKERS: usize = 256;
/// Most shards, also when there are more workers.
pub(super) const MAX_SHARDS: usize = 64;

/// No upper bound of its own: whatever a number in TOML holds, so that settings can be written as they are.
pub(super) const ANY: u64 = i64::MAX as u64;

/// Makes the structs, their defaults, the builder's methods and the list of settings from one table.
///
/// A section reads: meaning, `field "section": Struct { rows }`. A row reads: meaning, `name: type = default, unit, range, builder's method(its argument)`,
/// and `live` where a runtime takes over another value while it runs.
macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident $key:literal: $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $name:ident: $type:ty = $default:expr, $unit:literal, $range:expr, $method:ident($arg:ty)
                $(, $live:ident)?;
            )+
        }
    )+) => {
        /// Every setting of a runtime, by section.
        ///
        /// What [`load`](Config::load), [`from_toml`](Config::from_toml) and the builder give has been checked;
        /// after assigning fields by hand, call [`check`](Config::check). Serialising shows the store's url
        /// without its password.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct Config {
            $(
                $(#[doc = $section_doc])+
                #[serde(rename = $key)]
                pub $section: $Section,
            )+
        }

        $(
            $(#[doc = $section_doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
            pub struct $Section {
                $(
                    $(#[doc = $doc])+
                    #[doc = concat!("\n\nUnit: ", $unit, ". Default: `", stringify!($default), "`. Allowed: `",
                        stringify!($range), "`.")]
                    pub $name: $type,
                )+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($name: $default,)+ }
                }
            }
        )+

        /// Builds a [`Config`] in code: one method for each setting, checked once in [`build`](Self::build).
        #[derive(Clone, Debug, Default)]
        #[must_use = "settings take effect with `build()`"]
        pub struct ConfigBuilder {
            pub(super) config: Config,
        }

        impl ConfigBuilder {
            $($(
                #[doc = concat!("Sets `", $key, ".", stringify!($name), "`.\n\n", $($doc),+)]
                pub fn $method(mut self, value: $arg) -> Self {
                    self.config.$section.$name = value.into();
                    self
                }
            )+)+
        }

        static SETTINGS: &[Setting] = &[$($(
            Setting {
                key: concat!($key, ".", stringify!($name)),
                unit: $unit,
                doc: concat!($($doc),+),
                allowed: Allowed { auto: <$type as Settable>::AUTO, range: $range },
                read: |config, raw, range| {
                    config.$section.$name = Settable::read(raw, range)?;
                    Ok(())
                },
                check: |config, range| Settable::check(&config.$section.$name, range),
                show: |config, range| Settable::to_toml(&config.$section.$name, range),
                is_same: |config, other| config.$section.$name == other.$section.$name,
                take: |config, from| config.$section.$name.clone_from(&from.$section.$name),
                is_live: !stringify!($($live)?).is_empty(),
            },
        )+)+];

        /// The meaning of a section, empty for a name that is none.
        pub(super) fn section_doc(section: &str) -> &'static str {
            match section {
                $($key => concat!($($section_doc),+).trim_ascii_start(),)+
                _ => "",
            }
        }
    };
}

/// Every setting there is, in the order of `config.toml`.
#[must_use]
pub fn settings() -> &'static [Setting] {
    SETTINGS
}

settings! {
    /// Where the graph is kept.
    store "store": StoreConfig {
        /// The store to open: `embedded:PATH`.
        url: StoreUrl = StoreUrl::DEFAULT, "url", Text, store_url(impl Into<StoreUrl>);
        /// First size of the embedded store's map, which grows on demand.
        map_bytes: u64 = GIB, "bytes", Bytes(MIB..=64 * TIB), store_map_bytes(u64);
        /// Whether indexes that entity types declare are made at the start where they are missing.
        create_indexes: bool = true, "switch", Switch, store_create_indexes(bool);
        /// Documents in memory at a time when a query is read as a stream, and on a page without a limit.
        page_size: usize = 1000, "documents", Number(1..=100_000), store_page_size(usize), live;
    }

    /// Connections to the store, where it is a server.
    pool "store.pool": PoolConfig {
        /// Connections that are kept open, to each server.
        min_size: usize = 0, "connections", Number(0..=1_000), pool_min_size(usize);
        /// Most connections, to each server; the feed of changes has one beside them.
        max_size: usize = 20, "connections", Number(1..=1_000), pool_max_size(usize);
        /// How long a connection may be idle before it is closed; 0 is for ever.
        max_idle_ms: u64 = 600_000, "ms", Number(0..=86_400_000), pool_max_idle_ms(u64);
        /// How long opening a connection may take.
        connect_timeout_ms: u64 = 5_000, "ms", Number(1..=600_000), pool_connect_timeout_ms(u64);
        /// How long a call waits for a server that can answer it, as while another one takes over.
        server_timeout_ms: u64 = 5_000, "ms", Number(1..=600_000), pool_server_timeout_ms(u64);
        /// How long one command may take, the wait for a connection included.
        operation_timeout_ms: u64 = 30_000, "ms", Number(1..=86_400_000), pool_operation_timeout_ms(u64);
        /// How often a call is tried again when the server was away.
        retries: usize = 5, "times", Number(0..=100), pool_retries(usize);
        /// How long after its first attempt a call may be tried again.
        retry_ms: u64 = 20_000, "ms", Number(0..=3_600_000), pool_retry_ms(u64);
        /// Calls that fail one after another before further ones are refused at once; 0 is never.
        circuit_failures: usize = 5, "calls", Number(0..=10_000), pool_circuit_failures(usize);
        /// How long calls are refused at once then, before one of them tries again.
        circuit_open_ms: u64 = 5_000, "ms", Number(1..=3_600_000), pool_circuit_open_ms(u64);
    }

    /// The pool of workers that host the walks.
    workers "workers": WorkersConfig {
        /// Workers; `auto` is one for each core.
        count: OrAuto<usize> = OrAuto::Auto, "workers", Number(1..=MAX_WORKERS as u64),
            workers_count(impl Into<OrAuto<usize>>), live;
        /// Visits a worker does for one walk before it lets others run.
        turn_visits: usize = 256, "visits", Number(1..=65_536), workers_turn_visits(usize);
        /// Messages that wait for one worker before senders wait.
        mailbox: usize = 1024, "messages", Number(1..=1_000_000), workers_mailbox(usize);
        /// Threads for the hooks of `#[walker(blocking)]`, begun as they are needed; further hooks wait.
        blocking_threads: usize = 64, "threads", Number(1..=4_096), workers_blocking_threads(usize);
        /// Whether a walk whose hook kept its thread for `[observe] slow_hook_ms` goes on on one of these.
        move_slow_walks: bool = false, "switch", Switch, workers_move_slow_walks(bool), live;
        /// Walks alive at once in the runtime.
        max_walks: usize = 100_000, "walks", Number(1..=10_000_000), workers_max_walks(usize), live;
    }

    /// Walks for which there is no room yet.
    admission "admission": AdmissionConfig {
        /// Walks that wait when `[workers] max_walks` are alive; further ones are refused.
        queue: usize = 10_000, "walks", Number(0..=10_000_000), admission_queue(usize), live;
        /// How long one of them waits before it is refused.
        wait_ms: u64 = 10_000, "ms", Number(1..=3_600_000), admission_wait_ms(u64), live;
        /// Memory of the machine below which no walk is admitted; `auto` is a twentieth, at most 1 GiB.
        reserve_bytes: OrAuto<u64> = OrAuto::Auto, "bytes", Bytes(0..=ANY),
            admission_reserve_bytes(impl Into<OrAuto<u64>>);
    }

    /// The shards that own the resident records.
    shards "shards": ShardsConfig {
        /// Shards; `auto` is the workers rounded up to a power of two.
        count: OrAuto<usize> = OrAuto::Auto, "shards", PowerOfTwo(1..=MAX_SHARDS as u64),
            shards_count(impl Into<OrAuto<usize>>);
        /// Questions that wait for one shard before those who ask wait; writes are bounded by `[writers] queue`.
        mailbox: usize = 1024, "messages", Number(1..=1_000_000), shards_mailbox(usize);
        /// Nodes that one `Visit` asks for.
        visit_batch: usize = 1024, "nodes", Number(1..=65_536), shards_visit_batch(usize);
    }

    /// The writers that carry changes to the store.
    writers "writers": WritersConfig {
        /// Most writes in one commit.
        batch_size: usize = 1000, "writes", Number(1..=100_000), writers_batch_size(usize);
        /// How long a write waits for company; 0 commits as soon as the queue is drained.
        flush_interval_ms: u64 = 0, "ms", Number(0..=60_000), writers_flush_interval_ms(u64);
        /// Writes that wait for one writer before senders wait.
        queue: usize = 4096, "writes", Number(1..=1_000_000), writers_queue(usize);
    }

    /// How much of the graph stays in memory, and where results are kept.
    cache "cache": CacheConfig {
        /// Most memory of resident records; `auto` is half of what this process may have, or 1 GiB where unknown.
        resident_bytes: OrAuto<u64> = OrAuto::Auto, "bytes", Bytes(MIB..=ANY),
            cache_resident_bytes(impl Into<OrAuto<u64>>);
        /// Most memory of results that are kept, as they are encoded.
        memory_bytes: u64 = 64 * MIB, "bytes", Bytes(64 * KIB..=ANY), cache_memory_bytes(u64);
        /// Largest result that is kept, encoded.
        value_bytes: usize = 8 << 20, "bytes", Bytes(KIB..=512 * MIB), cache_value_bytes(usize);
        /// The Redis in which processes share results, `redis://HOST`; `none` for none.
        redis: StoreUrl = StoreUrl::NONE, "url", Text, cache_redis(impl Into<StoreUrl>);
        /// What the keys there begin with: 1 to 64 letters, digits, dots, underlines and hyphens.
        prefix: String = "wayfare".to_owned(), "text", Text, cache_prefix(impl Into<String>);
        /// Whether the runtime starts while that Redis is away, and does without it until it is there.
        optional: bool = false, "switch", Switch, cache_optional(bool);
        /// How long a call to it may take before it is done without.
        timeout_ms: u64 = 500, "ms", Number(1..=60_000), cache_timeout_ms(u64);
        /// How long connecting to it may take.
        connect_timeout_ms: u64 = 2_000, "ms", Number(1..=60_000), cache_connect_timeout_ms(u64);
        /// Calls that end late one after another before the connection is given up.
        circuit_failures: usize = 5, "calls", Number(1..=10_000), cache_circuit_failures(usize);
        /// Entities whose nodes are loaded at the start, beside the first walks, until half of that memory is used.
        warm: EntityList = EntityList::NONE, "entities", Entities, cache_warm(impl Into<EntityList>);
    }

    /// Budgets of a walk that sets none of its own; reaching one ends the walk with an error that names it.
    limits "limits": LimitsConfig {
        /// Visits of one walk.
        visits: u64 = 1_000_000_000, "visits", Number(1..=ANY), limits_visits(u64), live;
        /// Visits of one walk to the same node.
        visits_per_node: u64 = 1_000_000, "visits", Number(1..=ANY), limits_visits_per_node(u64), live;
        /// Places that wait in the queue of one walk.
        queue: u64 = 100_000_000, "places", Number(1..=ANY), limits_queue(u64), live;
        /// Time from spawn to report.
        wall_ms: u64 = 3_600_000, "ms", Number(1..=ANY), limits_wall_ms(u64), live;
        /// What one walk reports, in all.
        report_bytes: u64 = GIB, "bytes", Bytes(1..=ANY), limits_report_bytes(u64), live;
        /// Emitted values that wait in a stream before the walk waits.
        emit_buffer: usize = 1024, "values", Number(1..=ANY), limits_emit_buffer(usize), live;
    }

    /// Events between walkers and services.
    events "events": EventsConfig {
        /// Events kept for a subscriber that has not taken them yet; beyond that it misses the oldest.
        buffer: usize = 1024, "events", Number(1..=1_000_000), events_buffer(usize);
    }

    /// Walks that survive their process.
    durable "durable": DurableConfig {
        /// Attempts of a durable walk at one node before it is parked.
        attempts: u64 = 3, "times", Number(1..=1_000_000), durable_attempts(u64), live;
        /// Whether durable walks that a process left behind go on at the start.
        resume: bool = true, "switch", Switch, durable_resume(bool);
    }

    /// Shutdown, the watch over hooks, and what comes when actors end too often.
    supervision "supervision": SupervisionConfig {
        /// How long shutdown waits for walks and writes to end.
        drain_timeout_ms: u64 = 30_000, "ms", Number(0..=ANY), supervision_drain_timeout_ms(u64), live;
        /// A hook that runs longer is told as stalled.
        stall_ms: u64 = 10_000, "ms", Number(1..=ANY), supervision_stall_ms(u64), live;
        /// Whether the runtime drains and stops when its actors end too often; otherwise it only refuses writes then.
        stop_when_exceeded: bool = false, "switch", Switch, supervision_stop_when_exceeded(bool);
    }

    /// Shards that end by themselves and are started again.
    shard_restarts "supervision.shards": ShardRestartsConfig {
        /// Restarts within `within_ms`; one more degrades the runtime.
        restarts: u64 = 5, "times", Number(0..=1_000_000), shard_restarts(u64);
        /// Over how long they are counted.
        within_ms: u64 = 60_000, "ms", Number(1..=86_400_000), shard_restarts_within_ms(u64);
        /// The pause before the first of them, which doubles with each.
        backoff_ms: u64 = 10, "ms", Number(0..=60_000), shard_restarts_backoff_ms(u64);
        /// The longest pause.
        max_backoff_ms: u64 = 5_000, "ms", Number(0..=3_600_000), shard_restarts_max_backoff_ms(u64);
    }

    /// The same of the writer.
    writer_restarts "supervision.writer": WriterRestartsConfig {
        /// Restarts within `within_ms`; one more degrades the runtime.
        restarts: u64 = 5, "times", Number(0..=1_000_000), writer_restarts(u64);
        /// Over how long they are counted.
        within_ms: u64 = 60_000, "ms", Number(1..=86_400_000), writer_restarts_within_ms(u64);
        /// The pause before the first of them, which doubles with each.
        backoff_ms: u64 = 10, "ms", Number(0..=60_000), writer_restarts_backoff_ms(u64);
        /// The longest pause.
        max_backoff_ms: u64 = 5_000, "ms", Number(0..=3_600_000), writer_restarts_max_backoff_ms(u64);
    }

    /// The same of the cache actor.
    cache_restarts "supervision.cache": CacheRestartsConfig {
        /// Restarts within `within_ms`; one more degrades the runtime.
        restarts: u64 = 5, "times", Number(0..=1_000_000), cache_restarts(u64);
        /// Over how long they are counted.
        within_ms: u64 = 60_000, "ms", Number(1..=86_400_000), cache_restarts_within_ms(u64);
        /// The pause before the first of them, which doubles with each.
        backoff_ms: u64 = 10, "ms", Number(0..=60_000), cache_restarts_backoff_ms(u64);
        /// The longest pause.
        max_backoff_ms: u64 = 5_000, "ms", Number(0..=3_600_000), cache_restarts_max_backoff_ms(u64);
    }

    /// The same of workers.
    worker_restarts "supervision.workers": WorkerRestartsConfig {
        /// Restarts within `within_ms`; one more degrades the runtime.
        restarts: u64 = 5, "times", Number(0..=1_000_000), worker_restarts(u64);
        /// Over how long they are counted.
        within_ms: u64 = 60_000, "ms", Number(1..=86_400_000), worker_restarts_within_ms(u64);
        /// The pause before the first of them, which doubles with each.
        backoff_ms: u64 = 10, "ms", Number(0..=60_000), worker_restarts_backoff_ms(u64);
        /// The longest pause.
        max_backoff_ms: u64 = 5_000, "ms", Number(0..=3_600_000), worker_restarts_max_backoff_ms(u64);
    }

    /// What is measured and told, and where.
    observe "observe": ObserveConfig {
        /// Whether hooks, mailboxes and calls to the store are timed; what costs nothing is counted in any case.
        metrics: bool = true, "switch", Switch, observe_metrics(bool);
        /// Where `/metrics`, `/metrics.json`, `/health` and `/ready` are served, as `127.0.0.1:9464`; `none` for nowhere.
        listen: String = "none".to_owned(), "address", Text, observe_listen(impl Into<String>);
        /// The collector that figures and traces are sent to by OTLP over HTTP, `http://HOST:4318`; `none` for none.
        otlp: StoreUrl = StoreUrl::NONE, "url", Text, observe_otlp(impl Into<StoreUrl>);
        /// How often figures are sent there.
        otlp_interval_ms: u64 = 10_000, "ms", Number(100..=3_600_000), observe_otlp_interval_ms(u64);
        /// A hook that takes as long is told; 0 for none.
        slow_hook_ms: u64 = 100, "ms", Number(0..=86_400_000), observe_slow_hook_ms(u64), live;
        /// A query that takes as long is told, with its plan; 0 for none.
        slow_query_ms: u64 = 500, "ms", Number(0..=86_400_000), observe_slow_query_ms(u64), live;
        /// A commit that takes as long is told; 0 for none.
        slow_commit_ms: u64 = 1000, "ms", Number(0..=86_400_000), observe_slow_commit_ms(u64), live;
        /// The part of walks that are traced.
        sample: Fraction = Fraction::ALL, "part", Part, observe_sample(impl Into<Fraction>), live;
    }

    /// Changes to one entity.
    updates "updates": UpdatesConfig {
        /// How often `update` applies its change anew after a conflict.
        retries: usize = 100, "times", Number(1..=100_000), updates_retries(usize), live;
    }
}
