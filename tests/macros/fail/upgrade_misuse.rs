//! Upgrades that cannot be.

use wayfare::{Fields, node, upgrade};

#[node(schema = 2)]
struct User {
    name: String,
}

struct Plain;

#[upgrade(User)]
fn without_from(_: &mut Fields) {}

#[upgrade(User, from = 0)]
fn from_nothing(_: &mut Fields) {}

#[upgrade(User, from = 2)]
fn from_the_last(_: &mut Fields) {}

#[upgrade(Plain, from = 1)]
fn of_no_entity(_: &mut Fields) {}

#[upgrade(User, from = 1)]
fn with_a_result_of_its_own(_: &mut Fields) -> bool {
    true
}

#[upgrade(User, from = 1)]
fn without_fields() {}

#[upgrade(User, from = 1)]
async fn asynchronous(_: &mut Fields) {}

#[upgrade(User, from = 1)]
struct NoFunction;

fn main() {}
