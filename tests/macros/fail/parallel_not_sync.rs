#![allow(unused_variables)]

use std::cell::Cell;

use wayfare::{Here, walker};

struct Census {
    people: Cell<u64>,
}

#[walker(max_workers = 4)]
impl Census {
    #[on_visit]
    async fn count(&self, here: &Here<'_>) {
        std::future::ready(()).await;
    }
}

fn main() {}
