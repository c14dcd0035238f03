#![allow(unused_variables)]

use wayfare::{Here, Walk, walker};

struct Census;

#[walker]
impl Census {
    #[on_visit]
    fn shared(&mut self, here: &Here, walk: &Walk) {}

    #[on_exit]
    fn count(&mut self, total: u64) {}

    #[on_exit]
    fn at_a_node(&mut self, here: &Here) {}
}

fn main() {}
