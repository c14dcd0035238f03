#![allow(unused_variables)]

use wayfare::{Here, Walk, walker};

mod without_workers {
    use super::*;

    struct Census;

    #[walker]
    impl Census {
        #[on_visit]
        fn count(&mut self, here: &Here) {}

        #[on_merge]
        fn add(&mut self, people: u64) {}
    }
}

mod twice {
    use super::*;

    struct Census;

    #[walker(max_workers = 4)]
    impl Census {
        #[on_visit]
        fn count(&self, here: &Here) -> u64 {
            1
        }

        #[on_merge]
        fn add(&mut self, people: u64) {}

        #[on_merge]
        fn add_more(&mut self, people: u64) {}
    }
}

mod signatures {
    use super::*;

    struct Census;

    #[walker(max_workers = 4)]
    impl Census {
        #[on_visit]
        fn count(&self, here: &Here) -> u64 {
            1
        }

        #[on_merge]
        async fn waits(&mut self, people: u64) {}

        #[on_merge]
        fn nothing(&mut self) {}

        #[on_merge]
        fn only_walk(&mut self, walk: &mut Walk) {}

        #[on_merge]
        fn borrowed(&mut self, people: &u64) {}

        #[on_merge(u64)]
        fn listed(&mut self, people: u64) {}
    }
}

fn main() {}
