mod unknown {
    struct Reach;

    #[wayfare::walker(odrer = "depth_first")]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod far_off {
    struct Reach;

    #[wayfare::walker(max_hops = 3)]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod values {
    struct Reach;

    #[wayfare::walker(order = "depth-first", unique = "edges")]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod twice {
    struct Reach;

    #[wayfare::walker(name = "A", name = "B")]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod decided_by_options {
    struct Reach;

    #[wayfare::walker(order = "depth_first", options = Self::options)]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

mod names {
    struct Reach;

    #[wayfare::walker(name = "a.b")]
    impl Reach {
        #[on_exit]
        fn done(&mut self) {}
    }
}

fn main() {}
