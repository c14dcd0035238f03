#![allow(unused_variables)]

use wayfare::{Here, walker};

struct Census;

#[walker]
impl Census {
    #[on_visit("City")]
    fn quoted(&mut self, here: &Here) {}

    #[on_visit()]
    fn empty(&mut self, here: &Here) {}

    #[on_visit = "City"]
    fn assigned(&mut self, here: &Here) {}
}

fn main() {}
