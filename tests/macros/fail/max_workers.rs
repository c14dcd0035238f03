#![allow(unused_variables)]

use wayfare::{Here, walker};

mod none {
    use super::*;

    struct Census;

    #[walker(max_workers = 0)]
    impl Census {
        #[on_visit]
        fn count(&self, here: &Here) {}
    }
}

mod too_many {
    use super::*;

    struct Census;

    #[walker(max_workers = 5000)]
    impl Census {
        #[on_visit]
        fn count(&self, here: &Here) {}
    }
}

mod quoted {
    use super::*;

    struct Census;

    #[walker(max_workers = "4")]
    impl Census {
        #[on_visit]
        fn count(&self, here: &Here) {}
    }
}

mod no_visits {
    use super::*;

    struct Census;

    #[walker(max_workers = 4)]
    impl Census {
        #[on_exit]
        fn done(&mut self) {}
    }
}

fn main() {}
