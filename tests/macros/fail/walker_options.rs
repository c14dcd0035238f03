mod values {
    struct Reach;

    #[wayfare::walker(order = "randon", unique = "paths", trail = "last", chunk_size = 0)]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod seed_of_nothing {
    struct Reach;

    #[wayfare::walker(order = "depth_first", seed = 7)]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod trail {
    struct Reach;

    #[wayfare::walker(trail = 0)]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod durable {
    struct Reach;

    #[wayfare::walker(durable(visits = 0, interval_ms = -1))]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod durable_in_seconds {
    struct Reach;

    #[wayfare::walker(durable(interval = 1))]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod durable_true {
    struct Reach;

    #[wayfare::walker(durable = true)]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod profile_true {
    struct Reach;

    #[wayfare::walker(profile = true)]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod decided_by_options {
    struct Reach;

    #[wayfare::walker(options = Self::how, trail = 3, durable, profile)]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

fn main() {}
