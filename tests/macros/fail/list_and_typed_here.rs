#![allow(unused_variables)]

use wayfare::{Here, node, walker};

#[node]
struct City {}

struct Census;

#[walker]
impl Census {
    #[on_visit(City)]
    fn city(&mut self, here: &Here<City>) {}
}

fn main() {}
