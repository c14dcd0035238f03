//! What the child writes.

use wayfare::{Id, edge, node};

/// Counters, all joined to one board.
pub const COUNTERS: usize = 50;

/// Nodes that edges come and go between.
pub const SPOTS: usize = 12;

/// Nodes that each batch writer saves over and over.
pub const MIRRORS: usize = 3;

/// Nodes that each batch makes.
pub const PARTS: u64 = 6;

/// Counts its own changes: it is made with 0 at version 1, so its version is always its value and one.
#[node(name = "CrashCounter")]
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    pub value: u64,
    /// As [`note`] makes it of the value.
    pub note: String,
}

/// A text whose length goes up and down with the value, so that documents move about in their pages.
pub fn note(value: u64) -> String {
    "n".repeat((value * 37 % 400) as usize)
}

/// One node of a batch: all of a stamp are there, or none.
#[node(name = "CrashPart")]
#[derive(Debug, Clone)]
pub struct Part {
    #[field(index)]
    pub stamp: u64,
}

/// Saved in every batch of a writer, with the stamp of the batch.
#[node(name = "CrashMirror")]
#[derive(Debug, Clone)]
pub struct Mirror {
    pub stamp: u64,
}

/// Edges come and go between spots.
#[node(name = "CrashSpot")]
#[derive(Debug, Clone)]
pub struct Spot {}

/// Joined to every counter, so that a walk finds them.
#[node(name = "CrashBoard")]
#[derive(Debug, Clone)]
pub struct Board {}

/// From the board to a counter.
#[edge(name = "CrashShows")]
#[derive(Debug, Clone)]
pub struct Shows {}

/// Between spots; parallel ones are allowed, so that every one made is a new one.
#[edge(name = "CrashLane", multi)]
#[derive(Debug, Clone)]
pub struct Lane {
    pub number: u64,
}

pub fn board() -> Id {
    Id::node("CrashBoard", "all").unwrap()
}

pub fn counter(number: usize) -> Id {
    Id::node("CrashCounter", &format!("c{number:02}")).unwrap()
}

pub fn counter_number(id: &Id) -> usize {
    id.with_key(|key| key[1..].parse().unwrap())
}

pub fn spot(number: usize) -> Id {
    Id::node("CrashSpot", &format!("s{number:02}")).unwrap()
}

pub fn mirror(writer: usize, number: usize) -> Id {
    Id::node("CrashMirror", &format!("m{writer}-{number}")).unwrap()
}

pub fn part(stamp: u64, number: u64) -> Id {
    Id::node("CrashPart", &format!("{stamp}-{number}")).unwrap()
}
