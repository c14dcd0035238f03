//! A soak: every kind of load at once on one store, with faults of every kind at random, through several runtimes one
//! after another; every acknowledged write, and what the process takes, is held against what was told.
//!
//! `cargo bench --bench soak` takes these files by their path and runs longer.

mod check;
mod clients;
mod director;
mod fault;
mod gauge;
mod ground;
mod ledger;
mod life;
mod scene;
mod store;
mod summary;
mod walkers;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use wayfare_testkit::Redis;

use self::fault::Fault;
use self::gauge::{Gauge, Memory};
use self::life::Lives;
use self::scene::Scene;
use self::summary::Resources;
use self::watch::Watch;

/// Stints in all, unless that made them longer than [`LONGEST_STINT`].
const STINTS: u32 = 6;

/// The longest time without a check.
const LONGEST_STINT: Duration = Duration::from_secs(60);

/// Stints on one runtime, before its store is full, and opened again.
const STINTS_OF_A_LIFE: u32 = 2;

/// A soak as it is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Time under load; checks and openings come on top.
    pub(crate) length: Duration,
}

/// Runs it and prints what came of it; `false` when anything was not as it has to be.
pub(crate) fn run(plan: Plan) -> bool {
    quieten_panics();
    println!("soak: seed {}, {} s of load", plan.seed, plan.length.as_secs());
    let executor =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    executor.block_on(soak(plan))
}

async fn soak(plan: Plan) -> bool {
    let watch = Arc::new(Watch::default());
    watch.start(plan.seed);
    let scene = Arc::new(Scene::new(plan.seed, watch, Redis::start()));
    let gauge = Gauge::start();
    // What a call that may wait leaves behind is there before things are counted.
    tokio::task::spawn_blocking(|| ()).await.unwrap();
    let mut resources = Resources::at_the_start();

    let count =
        (plan.length.as_secs_f64() / LONGEST_STINT.as_secs_f64()).ceil().max(f64::from(STINTS)) as u32;
    let stint = plan.length / count;
    let mut lives = Lives::begin(Arc::clone(&scene), gauge.as_ref()).await;
    for number in 0..count {
        let is_last = number + 1 == count;
        let is_end = !is_last && number % STINTS_OF_A_LIFE == STINTS_OF_A_LIFE - 1;
        lives.stint(u64::from(number), stint, is_end).await;
        if number == 0 {
            resources.warm();
        }
        if !scene.troubles().is_empty() {
            break;
        }
        if is_end {
            lives.open_again().await;
        }
    }
    if scene.troubles().is_empty() {
        resources.end().await;
    }
    let totals = lives.end().await;
    resources.after(&scene).await;
    let memory = gauge.and_then(Gauge::finish);
    check_faults(&scene);
    check_memory(&scene, plan, memory.as_ref());
    summary::print(&scene, plan, &totals, &resources, memory.as_ref());
    let troubles = scene.troubles();
    for trouble in &troubles {
        println!("soak: FAILED with seed {}: {trouble}", plan.seed);
    }
    troubles.is_empty()
}

/// Every kind of fault has to have happened, and what is no fault but rare.
fn check_faults(scene: &Scene) {
    // A run that was broken off has not come to all of them.
    if !scene.troubles().is_empty() {
        return;
    }
    for (fault, name) in Fault::ALL {
        if scene.faults().of(fault) == 0 && (scene.redis.is_some() || !fault.is_of_redis()) {
            scene.trouble(format!("it never happened that: {name}"));
        }
    }
}

/// Growth of memory after the warm-up that is taken for none, in MiB.
///
/// In a minute the heap has not come to rest: threads come and go, and each leaves arenas of the allocator behind that
/// fill up later. Runs of a minute grew by 5 to 8 MiB after the first fifth, at 50 MiB in all. What leaks a kilobyte
/// with each of their ten thousand walks or a tenth of that with each of their eighty thousand writes is found.
const GROWTH_MIB: f64 = 16.0;

/// The steepest slope of memory over a long run, in MiB a minute.
///
/// Twenty minutes in a release build, at 81,000 visits and 1,800 writes a second, made 0.6 MiB a minute: 53 MiB when warm,
/// 62 MiB after 15 minutes, and 0.5 MiB more by the end.
const SLOPE_MIB: f64 = 1.0;

/// From this length on the slope is bounded; in a shorter run it says how the heap happened to lie.
const LONG: Duration = Duration::from_secs(20 * 60);

fn check_memory(scene: &Scene, plan: Plan, memory: Option<&Memory>) {
    let Some(memory) = memory else { return };
    let grown = memory.end - memory.warm;
    if plan.length >= LONG && memory.slope > SLOPE_MIB {
        scene.trouble(format!("memory grows by {:.2} MiB a minute", memory.slope));
    }
    if plan.length < LONG && grown > GROWTH_MIB {
        scene.trouble(format!("memory has grown by {grown:.1} MiB since the warm-up"));
    }
}

/// Panics that were ordered are not printed.
fn quieten_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // What a literal panics with; none of ours has arguments.
        let message = panic.payload().downcast_ref::<&str>();
        if !message.is_some_and(|message| message.starts_with("soak: ")) {
            before(panic);
        }
    }));
}
