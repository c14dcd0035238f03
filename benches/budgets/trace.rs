//! Traces of reads, and what a plain list of the least recently used makes of them.

use std::collections::{BTreeMap, HashMap};

use wayfare::Random;

/// Numbers below `n`, the k-th about as often as 1 / k.
pub fn zipf(random: &mut Random, n: u64) -> u32 {
    let uniform = random.below(1 << 32) as f64 / (1_u64 << 32) as f64;
    (n as f64).powf(uniform) as u32 - 1
}

/// What was read last, up to so many.
#[derive(Default)]
pub struct Lru {
    room: usize,
    clock: u64,
    last: HashMap<u64, u64>,
    order: BTreeMap<u64, u64>,
}

impl Lru {
    pub fn with_room(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    /// Reads something; whether it was there.
    pub fn read(&mut self, what: u64) -> bool {
        self.clock += 1;
        let before = self.last.insert(what, self.clock);
        match before {
            Some(before) => drop(self.order.remove(&before)),
            None if self.order.len() == self.room => {
                let coldest = self.order.pop_first();
                coldest.and_then(|(_, what)| self.last.remove(&what));
            }
            None => {}
        }
        self.order.insert(self.clock, what);
        before.is_some()
    }
}
