#![allow(unused_variables)]

use wayfare::{Here, walker};

struct Census;

#[walker]
impl Census {
    #[on_visit]
    fn generic<T>(&mut self, here: &Here) {}

    #[on_visit]
    unsafe fn dangerous(&mut self, here: &Here) {}

    #[on_exit]
    #[cfg(debug_assertions)]
    fn conditional(&mut self) {}
}

fn main() {}
