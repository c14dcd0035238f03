//! Several processes change the same documents of one MongoDB, while clients and servers are killed: whatever was
//! acknowledged is there, no version is handed out twice, and everything looks as if it had happened one after another.
//!
//! A client is this test binary itself. It says a line before and after every call; the parent holds all the lines
//! together against the rules of a versioned document.

#![cfg(all(feature = "mongodb", unix))]
#![allow(clippy::unwrap_used)]

#[path = "linearizability/client.rs"]
mod client;
#[path = "linearizability/event.rs"]
mod event;
#[path = "linearizability/history.rs"]
mod history;
#[path = "linearizability/site.rs"]
mod site;

use std::time::Duration;

use wayfare_testkit::{Mongod, ReplicaSet, unique_database};

use crate::site::Site;

/// How often a client is killed, in the tests that kill clients.
const CLIENT_KILLS: usize = 20;

/// How often the primary of a replica set is killed.
const PRIMARY_KILLS: usize = 20;

#[test]
fn updates_of_killed_clients_are_linearizable_on_a_single_server() {
    let Some(mongod) = Mongod::shared() else { return };
    kill_clients(Site::new(mongod.url(&unique_database("linearizability"))));
}

#[test]
fn updates_of_killed_clients_are_linearizable_on_a_replica_set() {
    let Some(set) = ReplicaSet::shared_single() else { return };
    kill_clients(Site::new(set.url(&unique_database("linearizability"))));
}

/// Two clients, one of which is killed and replaced again and again.
fn kill_clients(mut site: Site) {
    let steady = site.start_client();
    for _ in 0..CLIENT_KILLS {
        let killed = site.start_client();
        site.wait_for_events(killed, 60);
        site.kill(killed);
    }
    site.wait_for_events(steady, 200);
    site.kill(steady);
    let checked = site.check();
    // On a slow disk most of what is tried ends in conflicts.
    assert!(checked.acknowledged > 5 * CLIENT_KILLS, "that was no load: {checked:?}");
    site::tell(&format!("linearizability: {CLIENT_KILLS} clients killed, {checked:?}"));
}

#[test]
fn updates_are_linearizable_while_primaries_are_killed() {
    let Some(set) = ReplicaSet::start(3) else { return };
    let mut site = Site::new(set.url(&unique_database("linearizability")));
    let clients = [site.start_client(), site.start_client()];
    for _ in 0..PRIMARY_KILLS {
        for client in clients {
            site.wait_for_events(client, 60);
        }
        let killed = set.kill_primary();
        // Elected without it; then it comes back and catches up, or the next kill would leave no majority.
        set.primary();
        set.restart(killed);
        set.wait_until_healthy();
    }
    for client in clients {
        site.wait_for_events(client, 100);
        site.kill(client);
    }
    let checked = site.check();
    assert!(checked.acknowledged > 10 * PRIMARY_KILLS, "that was no load: {checked:?}");
    site::tell(&format!("linearizability: {PRIMARY_KILLS} primaries killed, {checked:?}"));
}

/// Longest that a client may say nothing: elections and retries included.
const PATIENCE: Duration = Duration::from_secs(60);
