#![allow(unused_variables)]

use wayfare::{Here, walker};

struct Census;

#[walker(max_workers = 4)]
impl Census {
    #[on_visit]
    fn exclusive(&mut self, here: &Here) {}

    #[on_visit]
    async fn typed(self: &mut Self, here: &[Here]) {}

    #[on_visit]
    fn by_value(self, here: &Here) {}

    #[on_visit]
    fn without(here: &Here) {}

    #[on_exit]
    fn done(&mut self) {}
}

fn main() {}
