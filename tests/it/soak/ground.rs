//! The graph that everything goes on: acres in a ring with chords, chains of milestones, slips that come and go.

use serde_json::json;
use wayfare::{Body, Document, Ends, Graph, Id, Kind, Random, Result, Write, WriteBatch, edge, node};

/// Acres, all of which can be reached from any.
pub(crate) const ACRES: u64 = 20_000;

/// One acre in so many is a meter: its count is in the ledger.
const METER_EVERY: u64 = 16;

/// Counters of the ledger.
pub(crate) const METERS: usize = (ACRES / METER_EVERY) as usize;

/// Acres are spread evenly over so many parcels, by which an index finds them.
pub(crate) const PARCELS: u64 = 200;

/// Chains for durable walks, each used by one walk at a time.
pub(crate) const CHAINS: usize = 6;

/// Milestones in a chain.
pub(crate) const CHAIN: u64 = 12;

#[node]
#[derive(Debug, Clone)]
pub(crate) struct Acre {
    pub(crate) number: u64,
    pub(crate) parcel: u64,
    pub(crate) count: u64,
}

#[edge(multi)]
#[derive(Debug, Clone)]
pub(crate) struct Furrow {}

#[node]
#[derive(Debug, Clone)]
pub(crate) struct Milestone {
    pub(crate) position: u64,
    pub(crate) count: u64,
}

#[edge]
#[derive(Debug, Clone)]
pub(crate) struct Leg {}

/// A node that is created and deleted again and again.
#[node]
#[derive(Debug, Clone)]
pub(crate) struct Slip {
    pub(crate) acre: u64,
}

/// Joins a slip to its acre.
#[edge]
#[derive(Debug, Clone)]
pub(crate) struct Bond {}

pub(crate) fn acre(number: u64) -> Id {
    Id::node("Acre", &number.to_string()).unwrap()
}

/// The acre that is a meter.
pub(crate) fn meter(meter: usize) -> Id {
    acre(meter as u64 * METER_EVERY)
}

/// Which meter an acre is, if it is one.
pub(crate) fn meter_of(number: u64) -> Option<usize> {
    number.is_multiple_of(METER_EVERY).then_some((number / METER_EVERY) as usize)
}

pub(crate) fn milestone(chain: usize, position: u64) -> Id {
    Id::node("Milestone", &format!("{chain}-{position}")).unwrap()
}

pub(crate) fn slip(key: &str) -> Id {
    Id::node("Slip", key).unwrap()
}

/// The stored walk of a key.
pub(crate) fn stored_walk(key: &str) -> Id {
    format!("w.Walk.{key}").parse().unwrap()
}

/// Stores it all.
pub(crate) async fn prepare(graph: &Graph, seed: u64) -> Result<()> {
    let mut random = Random::stream(seed, u64::MAX);
    let node = |id: Id, fields| {
        let body = Body::encode(&fields).unwrap();
        Write::Create { document: Document::new(id, body), multi: false }
    };
    let edge = |entity: &str, source: Id, target: Id| {
        let ends = Ends { source, target, bidirectional: false };
        let id = graph.new_id(Kind::Edge, entity).unwrap();
        Write::Create { document: Document::edge(id, ends, Body::empty()), multi: true }
    };
    let mut writes = Vec::new();
    for number in 0..ACRES {
        writes.push(node(acre(number), json!({"number": number, "parcel": number % PARCELS, "count": 0})));
    }
    for number in 0..ACRES {
        writes.push(edge("Furrow", acre(number), acre((number + 1) % ACRES)));
        for _ in 0..2 {
            writes.push(edge("Furrow", acre(number), acre(random.below(ACRES))));
        }
    }
    for chain in 0..CHAINS {
        for position in 0..CHAIN {
            writes.push(node(milestone(chain, position), json!({"position": position, "count": 0})));
        }
        for position in 1..CHAIN {
            writes.push(edge("Leg", milestone(chain, position - 1), milestone(chain, position)));
        }
    }
    while !writes.is_empty() {
        let rest = writes.split_off(writes.len().min(5_000));
        let batch = WriteBatch { writes, all_or_nothing: true };
        for result in graph.write_batch(batch).await? {
            result?;
        }
        writes = rest;
    }
    graph.create_index::<Acre>().keys([("parcel", 1)]).await?;
    Ok(())
}
