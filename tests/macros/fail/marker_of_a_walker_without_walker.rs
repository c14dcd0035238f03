#![allow(unused_variables)]

use wayfare::{Here, on_enter, on_event, on_leave, on_merge};

struct Reach;

impl Reach {
    #[on_enter]
    fn begin(&mut self) {}

    #[on_leave]
    fn leave(&mut self, here: &Here<'_>) {}

    #[on_event]
    fn event(&mut self, event: &u8) {}

    #[on_merge]
    fn merged(&mut self, output: u8) {}
}

fn main() {}
