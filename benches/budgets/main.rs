//! `cargo bench --bench budgets`: the budget table of the design, each line against a rival in the same run.
//!
//! `cargo bench --bench budgets -- WORD…` runs only the lines whose name holds one of the words.
//!
//! The lines of MongoDB want its server, those against jvspatial a Python that has it, named by environment variables as
//! for the tests; without them they are left out, which is said.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench stops at the first thing that is wrong")]

mod cache;
mod driver;
mod features;
mod json_store;
mod measure;
mod memory;
mod mongo_reads;
mod mongo_updates;
mod observed;
mod overload;
mod reference;
mod resident;
mod resident_set;
mod restart;
mod stored;
mod trace;

// What `wayfare bench` measures too.
#[path = "../../src/bench/made_graph.rs"]
mod made_graph;
#[path = "../../src/bench/resident.rs"]
mod over_resident;
#[path = "../../src/bench/rows.rs"]
mod rows;
#[path = "../../src/bench/timing.rs"]
mod timing;
#[path = "../../src/bench/walkers.rs"]
mod walkers;

use wayfare::{edge, node};

use measure::Line;

#[node]
pub struct City {
    pub name: String,
}

#[edge]
pub struct Road {}

/// Measures some lines of the table.
type Measure = fn() -> Vec<Line>;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [child, what] = words.as_slice()
        && child == "memory-child"
    {
        return memory::child(what);
    }
    if let [child, folder] = words.as_slice()
        && child == "restart-child"
    {
        return restart::child(folder.as_ref());
    }
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    measure::print_head();
    let groups: [(&str, Measure); 30] = [
        ("breadth-first", resident::breadth_first),
        ("chain", resident::chain),
        ("walkers", resident::walkers),
        ("spawn", resident::spawn),
        ("memory", memory::lines),
        ("cold", stored::cold),
        ("updates", stored::updates),
        ("import", stored::import),
        ("walker-memory", memory::walker),
        ("paused-memory", memory::paused),
        ("trail", features::trail),
        ("durable", features::durable),
        ("parallel", features::parallel),
        ("blocking", features::blocking),
        ("events", features::events),
        ("json", json_store::updates),
        ("mongo-bulk", mongo_updates::bulk),
        ("mongo-conflicts", mongo_updates::conflicts),
        ("mongo-single", mongo_updates::single),
        ("mongo-reads", mongo_reads::lines),
        ("cache-hits", cache::hits),
        ("cache-traces", cache::traces),
        ("cache-redis", cache::redis_hits),
        ("cache-stampede", cache::stampede),
        ("resident-set", resident_set::lines),
        ("observed", observed::breadth_first),
        ("overload", overload::goodput),
        ("runtime-restart", restart::runtimes),
        ("shard-restart", restart::shards),
        ("reference", reference::lines),
    ];
    for (name, measure) in groups {
        if wanted(name) {
            measure().iter().for_each(measure::print);
        }
    }
}
