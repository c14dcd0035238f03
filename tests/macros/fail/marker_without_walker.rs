#![allow(unused_variables)]

use wayfare::{Here, Walk, on_exit, on_visit};

struct Reach;

impl Reach {
    #[on_visit]
    fn visit(&mut self, here: &Here<'_>) {}

    #[on_exit]
    fn done(&mut self, walk: &mut Walk) {}
}

#[on_visit]
fn free() {}

fn main() {}
