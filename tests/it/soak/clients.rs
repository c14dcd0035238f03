//! Those who use the runtime, all at once.

mod cached;
mod pilgrimages;
mod walking;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use wayfare::Random;

use super::ground::{CHAINS, METERS};
use super::ledger::SLIP_SETS;
use super::scene::Stint;

pub(crate) use self::pilgrimages::{close, expected_report};

/// What a client does, again and again.
#[derive(Debug, Clone, Copy)]
enum Role {
    /// Walks over acres with sync hooks, from a few hops to all of them.
    Roam,
    /// Walks with hooks that wait.
    Dawdle,
    /// Walks that raise meters.
    Till,
    /// Walks by message, under keys.
    Message,
    /// Walks that are paused, looked at, resumed and cancelled.
    Control,
    /// More walks at once than there is room for.
    Crowd,
    /// Updates of single meters.
    Raise,
    /// Bulk saves and updates of meters.
    Bulk,
    /// Makes and deletes slips, of a set of its own.
    Churn(usize),
    /// Durable walks, over every second chain from a first one on.
    Pilgrimage(usize),
    /// Queries.
    Ask,
    /// Looks results up, and invalidates them.
    Cache,
    /// Goes away before it has its answer.
    Leave,
    /// Changes the number of workers.
    Scale,
}

/// The clients by name, each with a stream of random numbers of its own.
const CLIENTS: [(&str, Role); 18] = [
    ("roam", Role::Roam),
    ("roam too", Role::Roam),
    ("dawdle", Role::Dawdle),
    ("till", Role::Till),
    ("till too", Role::Till),
    ("message", Role::Message),
    ("control", Role::Control),
    ("crowd", Role::Crowd),
    ("raise", Role::Raise),
    ("bulk", Role::Bulk),
    ("churn", Role::Churn(0)),
    ("churn too", Role::Churn(1)),
    ("churn by walks", Role::Churn(2)),
    ("pilgrimage", Role::Pilgrimage(0)),
    ("pilgrimage too", Role::Pilgrimage(1)),
    ("ask", Role::Ask),
    ("cache", Role::Cache),
    ("leave", Role::Leave),
];

/// Streams of random numbers are apart for each stint.
const STREAMS: u64 = 100;

/// Starts all clients; they end when the stint is over.
pub(crate) fn start(stint: &Arc<Stint>) -> Vec<tokio::task::JoinHandle<()>> {
    const { assert!(SLIP_SETS == 3 && CHAINS.is_multiple_of(2)) };
    let scaling = [("scale", Role::Scale)];
    let clients = CLIENTS.into_iter().chain(scaling).enumerate();
    let started = clients.map(|(at, (name, role))| {
        let stint = Arc::clone(stint);
        let random = Random::stream(stint.scene.seed, stint.number * STREAMS + at as u64);
        tokio::spawn(async move { work(&stint, name, role, random).await })
    });
    started.collect()
}

async fn work(stint: &Stint, name: &'static str, role: Role, mut random: Random) {
    while !stint.is_over() {
        {
            let _busy = stint.scene.watch.begin(name);
            act(stint, role, &mut random).await;
        }
        // So that none of them has a core to itself.
        tokio::time::sleep(Duration::from_micros(random.below(8_000))).await;
    }
}

async fn act(stint: &Stint, role: Role, random: &mut Random) {
    match role {
        Role::Roam => walking::roam(stint, random).await,
        Role::Dawdle => walking::dawdle(stint, random).await,
        Role::Till => walking::till(stint, random).await,
        Role::Message => walking::message(stint, random).await,
        Role::Control => walking::control(stint, random).await,
        Role::Crowd => walking::crowd(stint, random).await,
        Role::Raise => writing::raise(stint, random).await,
        Role::Bulk => writing::bulk(stint, random).await,
        Role::Churn(set) => writing::churn(stint, set, random).await,
        Role::Pilgrimage(first) => pilgrimages::go(stint, first, random).await,
        Role::Ask => cached::ask(stint, random).await,
        Role::Cache => cached::look_up(stint, random).await,
        Role::Leave => writing::leave(stint, random).await,
        Role::Scale => scale(stint, random).await,
    }
}

async fn scale(stint: &Stint, random: &mut Random) {
    let workers = 1 + random.below(4) as usize;
    if let Err(error) = stint.runtime.scale(workers).await {
        stint.bear_walk("scaling", &error);
    }
    tokio::time::sleep(Duration::from_millis(500 + random.below(1_000))).await;
}

/// A meter; half of the time one of a few that everybody raises.
fn any_meter(random: &mut Random) -> usize {
    let most = if random.below(2) == 0 { 24 } else { METERS as u64 };
    random.below(most) as usize
}
