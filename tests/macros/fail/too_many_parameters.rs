#![allow(unused_variables)]

use wayfare::{Here, Walk, walker};

struct Census;

#[walker]
impl Census {
    #[on_visit]
    fn visit(&mut self, here: &Here, walk: &mut Walk, limit: u32) {}

    #[on_exit]
    fn done(&mut self, walk: &mut Walk, limit: u32) {}
}

fn main() {}
