#![allow(unused_variables)]

use wayfare::{Here, walker};

struct Census;

#[walker]
impl Census {
    #[on_enter(City)]
    fn begin(&mut self) {}

    #[on_enter]
    fn at_a_node(&mut self, here: &Here) {}
}

fn main() {}
