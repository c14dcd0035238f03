#![allow(unused_variables)]

use wayfare::walker;

struct NoEvent;

struct Cheapest;

#[walker]
impl Cheapest {
    #[on_event]
    fn priced(&mut self, event: &NoEvent) {}
}

fn main() {}
