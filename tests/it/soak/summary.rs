//! What a soak tells of itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Plan;
use super::fault::Fault;
use super::gauge::{Gauge, Memory, at_most, open_files, threads};
use super::life::Totals;
use super::scene::Scene;

/// Threads and open files by which the process may differ from what it had when it was warm: calls to the store and to
/// Redis come and go.
const SLACK: usize = 8;

/// Threads and open files of the process.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    /// Before the first runtime.
    start: [Option<usize>; 2],
    /// After the first check.
    warm: [Option<usize>; 2],
    /// After the last one.
    end: [Option<usize>; 2],
    /// When the last runtime has ended.
    after: [Option<usize>; 2],
}

fn now() -> [Option<usize>; 2] {
    [threads(), open_files()]
}

impl Resources {
    pub(crate) fn at_the_start() -> Self {
        Self { start: now(), ..Self::default() }
    }

    pub(crate) fn warm(&mut self) {
        self.warm = now();
    }

    /// The load is over, and the runtime still there.
    pub(crate) async fn end(&mut self) {
        let with_slack = self.warm.map(|warm| warm.map(|warm| warm + SLACK));
        self.end = at_most(with_slack).await;
    }

    /// All runtimes have ended: nothing of them may be left.
    pub(crate) async fn after(&mut self, scene: &Scene) {
        self.after = at_most(self.start).await;
        for (at, what) in ["threads", "open files"].into_iter().enumerate() {
            if let (Some(start), Some(after)) = (self.start[at], self.after[at])
                && after > start
            {
                scene
                    .trouble(format!("{after} {what} are left, there were {start} before the first runtime"));
            }
            if let (Some(warm), Some(end)) = (self.warm[at], self.end[at])
                && end > warm + SLACK
            {
                scene.trouble(format!("{end} {what} at the end, {warm} after the warm-up"));
            }
        }
    }
}

fn number(count: &AtomicU64) -> u64 {
    count.load(Relaxed)
}

/// One line that tells how it goes.
pub(crate) fn print_line(scene: &Scene, gauge: Option<&Gauge>) {
    let tally = &scene.tally;
    let faults: u64 = Fault::ALL.iter().map(|&(fault, _)| scene.faults().of(fault)).sum();
    println!(
        "soak: {:>5.0} s  {} walks  {} visits  {} writes acknowledged, {} unknown, {} refused  {faults} faults  {:.1} MiB",
        scene.begun.elapsed().as_secs_f64(),
        number(&tally.spawned),
        number(&tally.visits),
        number(&tally.acknowledged),
        number(&tally.unknown),
        number(&tally.refused),
        gauge.map_or(0.0, Gauge::now),
    );
}

/// The table.
pub(crate) fn print(
    scene: &Scene,
    plan: Plan,
    totals: &Totals,
    resources: &Resources,
    memory: Option<&Memory>,
) {
    let tally = &scene.tally;
    let row = |what: &str, value: String| println!("  {what:<28} {value}");
    println!("soak:");
    row("seed", plan.seed.to_string());
    row("minutes of load", format!("{:.1}", plan.length.as_secs_f64() / 60.0));
    row("runtimes, checks", format!("{}, {}", totals.lives, totals.checks));
    row("walks started", totals.started.to_string());
    let (well, badly) = (number(&tally.ended_well), number(&tally.ended_badly));
    row("  ended well, otherwise", format!("{well}, {badly}"));
    row("  durable, done", number(&tally.pilgrims).to_string());
    row("  refused for want of room", number(&tally.overloaded).to_string());
    row("visits", totals.visits.to_string());
    row("writes acknowledged", number(&tally.acknowledged).to_string());
    row("  unknown", number(&tally.unknown).to_string());
    row("  refused", number(&tally.refused).to_string());
    row("queries, look-ups", format!("{}, {}", number(&tally.queries), number(&tally.lookups)));
    for (fault, name) in Fault::ALL {
        row(name, scene.faults().of(fault).to_string());
    }
    let [shards, writers, caches, workers] = totals.restarts;
    row("restarts", format!("{shards} shards, {writers} writers, {caches} caches, {workers} workers"));
    if let Some(Memory { start, warm, most, end, slope }) = memory {
        row("memory at the start", format!("{start:.1} MiB"));
        row("  after the warm-up", format!("{warm:.1} MiB, then {most:.1} MiB at most"));
        row("  at the end", format!("{end:.1} MiB"));
        row("  slope", format!("{slope:.2} MiB a minute"));
    }
    for (at, what) in ["threads", "open files"].into_iter().enumerate() {
        let shown =
            |counts: [Option<usize>; 2]| counts[at].map_or_else(|| "?".into(), |count| count.to_string());
        let Resources { start, warm, end, after } = resources;
        let [start, warm, end, after] = [start, warm, end, after].map(|counts| shown(*counts));
        row(what, format!("{start} before, {warm} warm, {end} under load, {after} after"));
    }
}
