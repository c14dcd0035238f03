#![allow(unused_variables)]

use wayfare::{Here, walker};

mod merged {
    use super::*;

    struct Census;

    #[walker(max_workers = 4)]
    impl Census {
        #[on_visit]
        fn count(&self, here: &Here) -> u32 {
            1
        }

        #[on_merge]
        fn add(&mut self, people: u64) {}
    }
}

mod without_merge {
    use super::*;

    struct Census;

    #[walker(max_workers = 4)]
    impl Census {
        #[on_visit]
        fn count(&self, here: &Here) -> u32 {
            1
        }
    }
}

fn main() {}
