//! Walkers that do what the loops of the rival do.

use std::time::Instant;

use wayfare::{Here, Random, Unique, Walk, WalkOptions, walker};

use super::rows::read;
use super::{City, Road};

/// Visits all that can be reached.
#[derive(Debug, Default)]
pub struct Everywhere {
    visits: u64,
    bytes: u64,
}

impl Everywhere {
    /// How many visits it made.
    pub fn visits(&self) -> u64 {
        self.visits
    }

    /// The visits, and what the payload came to.
    pub fn result(&self) -> (u64, u64) {
        (self.visits, self.bytes)
    }
}

#[walker(name = "WayfareBenchEverywhere")]
impl Everywhere {
    #[on_visit]
    fn city(&mut self, here: &Here<City>, walk: &mut Walk) {
        self.visits += 1;
        self.bytes += read(here);
        walk.visit(here.out::<Road>());
    }
}

/// The same with a hook that could wait and never does.
#[derive(Debug, Default)]
pub struct EverywhereAsync {
    visits: u64,
    bytes: u64,
}

impl EverywhereAsync {
    /// The visits, and what the payload came to.
    pub fn result(&self) -> (u64, u64) {
        (self.visits, self.bytes)
    }
}

#[walker(name = "WayfareBenchEverywhereAsync")]
impl EverywhereAsync {
    #[on_visit]
    async fn city(&mut self, here: &Here<'_, City>, walk: &mut Walk) {
        self.visits += 1;
        self.bytes += read(here);
        walk.visit(here.out::<Road>());
    }
}

/// Goes so many steps at random.
#[derive(Debug)]
pub struct Wander {
    random: Random,
    steps: u32,
    bytes: u64,
}

impl Wander {
    /// The walker of a number, which goes the same way as the loop of that number.
    pub fn new(number: u64, steps: u32) -> Self {
        Self { random: Random::stream(7, number), steps, bytes: 0 }
    }

    /// What the payload came to.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn may_return(_: &Wander) -> WalkOptions {
    WalkOptions::default().unique(Unique::None)
}

#[walker(name = "WayfareBenchWander", options = may_return)]
impl Wander {
    #[on_visit]
    fn city(&mut self, here: &Here<City>, walk: &mut Walk) {
        self.bytes += read(here);
        if walk.depth() < self.steps {
            walk.visit(here.out::<Road>().one_of(&mut self.random));
        }
    }
}

/// Notes when its only visit was.
#[derive(Debug, Default)]
pub struct First(Option<Instant>);

impl First {
    /// When its visit was, `None` before.
    pub fn at(&self) -> Option<Instant> {
        self.0
    }
}

#[walker(name = "WayfareBenchFirst")]
impl First {
    #[on_visit]
    fn city(&mut self, _here: &Here<City>) {
        self.0 = Some(Instant::now());
    }
}
