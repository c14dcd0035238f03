//! The table of graphs: how each is brought into a store, and under which settings it is walked.

mod air_routes;
mod freebase;
mod hpo;
mod plain;
mod snb;
mod toys;
mod wordnet;

use std::path::Path;

use wayfare::ConfigBuilder;

use super::loading::Records;

/// A reference graph.
pub struct Set {
    /// The folder of its data.
    pub folder: &'static str,
    /// Its name in the answers.
    pub graph: &'static str,
    /// How it is brought into a store.
    pub load: Load,
    /// Whether the answers write `person:123` for `n.person.123`.
    pub typed_ids: bool,
    /// The settings of the runtime that walks it. They differ from set to set, because no answer may hang on them.
    pub settings: fn(ConfigBuilder) -> ConfigBuilder,
    /// Rows of each measurement.
    pub rows: usize,
    /// Rows of each measurement that the command has to give as well.
    pub command_rows: usize,
}

/// How a graph is brought into a store.
pub enum Load {
    /// By `wayfare import`: makes its arguments of the folder of the data and one to write in.
    Command(fn(&Path, &Path) -> Vec<String>),
    /// By batches of writes.
    Batches(fn(&Path) -> Records),
}

const MIB: u64 = 1 << 20;

/// The settings as they are.
fn usual(settings: ConfigBuilder) -> ConfigBuilder {
    settings
}

/// One worker and one shard.
fn alone(settings: ConfigBuilder) -> ConfigBuilder {
    settings.workers_count(1_usize).shards_count(1_usize)
}

/// More workers and shards than the machine has cores.
fn crowded(settings: ConfigBuilder) -> ConfigBuilder {
    settings.workers_count(4_usize).shards_count(16_usize).workers_turn_visits(7)
}

/// Far less memory than the graph takes, so that records are evicted and read again all the time.
fn scarce(settings: ConfigBuilder) -> ConfigBuilder {
    settings.cache_resident_bytes(MIB).shards_visit_batch(64)
}

/// Most graphs: every row, and some through the command.
const fn set(folder: &'static str, graph: &'static str, load: Load) -> Set {
    Set { folder, graph, load, typed_ids: false, settings: usual, rows: usize::MAX, command_rows: 4 }
}

pub static AIR_ROUTES: Set = set("air-routes", "air-routes", Load::Command(air_routes::import));
pub static GITHUB: Set =
    Set { settings: crowded, ..set("github-social", "github", Load::Command(plain::github)) };
pub static TWITCH_ENGB: Set =
    Set { settings: alone, ..set("twitch", "twitch-ENGB", Load::Command(plain::twitch_engb)) };
pub static TWITCH_DE: Set =
    Set { settings: scarce, ..set("twitch", "twitch-DE", Load::Command(plain::twitch_de)) };
pub static ROADS_23RD: Set =
    Set { settings: alone, ..set("roads", "23rd", Load::Command(plain::roads_23rd)) };
pub static ROADS_BALLARD: Set =
    Set { settings: crowded, ..set("roads", "ballard", Load::Command(plain::roads_ballard)) };
pub static ROADS_BREMEN: Set =
    Set { settings: scarce, rows: 10, ..set("roads", "bremen_dist", Load::Command(plain::roads_bremen)) };
pub static WORDNET: Set =
    Set { rows: 12, command_rows: 1, ..set("wordnet-3.1", "wordnet-3.1", Load::Batches(wordnet::records)) };
pub static SNB: Set = Set { typed_ids: true, ..set("ldbc-snb", "ldbc-snb", Load::Command(snb::import)) };
pub static FLIGHTS: Set = set("quickstart", "flights", Load::Command(plain::flights));
pub static MISERABLES: Set = set("quickstart", "miserables", Load::Batches(plain::miserables));
pub static MODERN: Set = set("tinkerpop-toys", "modern", Load::Batches(toys::modern));
pub static MODERN_JSON: Set = set("tinkerpop-toys", "modern", Load::Batches(toys::modern_json));
pub static CLASSIC: Set = set("tinkerpop-toys", "classic", Load::Batches(toys::classic));
pub static CREW: Set = set("tinkerpop-toys", "crew", Load::Batches(toys::crew));
pub static CHAMELEON: Set =
    set("wikipedia-chameleon", "wikipedia-chameleon", Load::Command(plain::chameleon));
pub static FACEBOOK: Set = Set {
    rows: 8,
    command_rows: 1,
    ..set("facebook-pages", "facebook-pages", Load::Command(plain::facebook))
};
pub static DEEZER: Set =
    Set { rows: 6, command_rows: 1, ..set("deezer-hu", "deezer-hu", Load::Command(plain::deezer)) };
pub static FREEBASE: Set = Set {
    rows: 6,
    command_rows: 1,
    ..set("freebase-movies", "freebase-movies", Load::Batches(freebase::records))
};
pub static HPO: Set = Set { rows: 6, command_rows: 1, ..set("hpo", "hpo", Load::Batches(hpo::records)) };
pub static TWITTER: Set =
    Set { rows: 1, command_rows: 1, ..set("ego-twitter", "ego-twitter", Load::Command(plain::ego_twitter)) };
