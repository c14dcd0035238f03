//! What it costs to be observed: the breadth-first walk with everything on against the same with everything off.

use wayfare::{Config, ConfigBuilder, Fraction, KeySource, Runtime};

use crate::made_graph::{MadeGraph, random};
use crate::measure::{Line, in_turn};
use crate::resident::walk_all;

const NODES: u64 = 1_000_000;
const RUNS: usize = 9;

pub fn breadth_first() -> Vec<Line> {
    // Somebody has to listen, or spans would cost nothing. Where no walk is traced, nothing is told to it.
    let listening = tracing_subscriber::registry();
    tracing::subscriber::set_global_default(listening).unwrap();
    let graph = MadeGraph::new(NODES, random);
    let runtime = |set: fn(ConfigBuilder) -> ConfigBuilder| {
        let config = Config::builder().workers_count(1).cache_resident_bytes(4 << 30);
        Runtime::with_store(graph.clone(), KeySource::system(), &set(config).build().unwrap()).unwrap()
    };
    let off = runtime(|config| {
        let config = config.observe_metrics(false).observe_sample(Fraction::NONE);
        config.observe_slow_hook_ms(0).observe_slow_query_ms(0).observe_slow_commit_ms(0)
    });
    let on = runtime(|config| config.observe_listen("127.0.0.1:0"));
    let visits = walk_all(&off, &graph).0.visits();
    assert_eq!(walk_all(&on, &graph).0.visits(), visits);
    let (without, with) = in_turn(RUNS, || walk_all(&off, &graph).1, || walk_all(&on, &graph).1);
    let told = on.metrics();
    assert_eq!(told.number("wayfare_visits_total", None), Some((visits * (RUNS as u64 + 1)) as f64));
    assert!(told.histogram("wayfare_hook_seconds", None).unwrap().count > visits / 64);
    let per_visit = |seconds: f64| seconds / visits as f64 * 1e9;
    let work = "breadth-first, observed (rival: unobserved)";
    vec![Line::times(work, per_visit(without), per_visit(with), 1.05, "ns")]
}
