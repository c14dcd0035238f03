#![allow(unused_variables)]

use wayfare::{Here, Walk, node, walker};

#[node]
struct City {}

struct Census;

#[walker(order = "depth_first")]
impl Census {
    #[on_leave]
    fn without_here(&mut self) {}

    #[on_leave]
    fn only_walk(&mut self, walk: &mut Walk) {}

    #[on_leave("City")]
    fn quoted(&mut self, here: &Here) {}

    #[on_leave(City)]
    fn listed(&mut self, here: &Here<City>) {}
}

fn main() {}
