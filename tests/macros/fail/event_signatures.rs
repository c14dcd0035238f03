#![allow(unused_variables)]

use wayfare::{Walk, event, walker};

#[event]
struct PriceChanged {}

struct Cheapest;

#[walker]
impl Cheapest {
    #[on_event]
    fn without_event(&mut self) {}

    #[on_event]
    fn by_value(&mut self, event: PriceChanged) {}

    #[on_event]
    fn mutable(&mut self, event: &mut PriceChanged) {}

    #[on_event]
    fn swapped(&mut self, walk: &mut Walk, event: &PriceChanged) {}

    #[on_event(PriceChanged)]
    fn listed(&mut self, event: &PriceChanged) {}

    #[on_event]
    fn generic<E>(&mut self, event: &E) {}
}

fn main() {}
