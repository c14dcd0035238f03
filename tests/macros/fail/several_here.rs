#![allow(unused_variables)]

use wayfare::{Here, node, walker};

#[node]
struct User {}

struct Census;

#[walker]
impl Census {
    #[on_visit]
    fn vector(&mut self, here: Vec<Here<User>>) {}

    #[on_visit]
    fn mutable(&mut self, here: &mut [Here<User>]) {}

    #[on_visit(User)]
    fn listed(&mut self, here: &[Here<User>]) {}

    #[on_leave]
    fn left(&mut self, here: &[Here<User>]) {}
}

fn main() {}
