#![allow(unused_variables)]

use wayfare::{hosts, node, walker};

struct NoEntity;

#[node]
struct City {}

struct Tourist;

#[walker]
impl Tourist {
    #[on_exit]
    fn done(&mut self) {}
}

#[hosts]
impl NoEntity {
    #[on_visit]
    fn welcome(&self, visitor: &mut Tourist) {}
}

#[hosts]
impl City {
    #[on_visit]
    fn no_walker(&self, visitor: &mut String) {}

    #[on_visit]
    fn no_step(&self, visitor: &mut Tourist) -> u32 {
        1
    }
}

fn main() {}
