use std::rc::Rc;

use wayfare::{Here, walker};

struct Slow;

#[walker]
impl Slow {
    #[on_visit]
    async fn wait(&mut self, _here: &Here) {
        let shared = Rc::new(0);
        std::future::ready(()).await;
        drop(shared);
    }
}

fn main() {}
