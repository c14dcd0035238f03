#![allow(unused_variables)]

use wayfare::{Here, walker};

struct Census;

#[walker]
impl Census {
    #[on_visit]
    fn by_value(self, here: &Here) {}

    #[on_visit]
    fn boxed(self: Box<Self>, here: &Here) {}

    #[on_visit]
    fn without(here: &Here) {}

    #[on_exit]
    fn alone() {}
}

fn main() {}
