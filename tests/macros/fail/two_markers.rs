#![allow(unused_variables)]

use wayfare::{Here, walker};

struct Census;

#[walker]
impl Census {
    #[on_visit]
    #[on_exit]
    fn both(&mut self, here: &Here) {}
}

fn main() {}
