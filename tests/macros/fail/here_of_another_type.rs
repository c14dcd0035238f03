#![allow(unused_variables)]

use wayfare::{Here, Walk, node, walker};

#[node]
struct City {}

struct Census;

#[walker]
impl Census {
    #[on_visit]
    fn by_value(&mut self, here: Here<City>) {}

    #[on_visit]
    fn mutable(&mut self, here: &mut Here<City>) {}

    #[on_visit]
    fn bare(&mut self, here: &City) {}

    #[on_visit]
    fn swapped(&mut self, walk: &mut Walk, here: &Here<City>) {}
}

fn main() {}
