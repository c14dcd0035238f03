#![allow(unused_variables)]

use wayfare::{Here, Step, Walk, hosts, node, walker};

#[node]
struct City {}

struct Tourist;

#[walker]
impl Tourist {
    #[on_exit]
    fn done(&mut self) {}
}

#[hosts]
impl City {
    #[on_visit]
    fn exclusive(&mut self, visitor: &mut Tourist) {}

    #[on_visit]
    fn without_visitor(&self) {}

    #[on_visit]
    fn shared_visitor(&self, visitor: &Tourist) {}

    #[on_visit]
    fn swapped(&self, walk: &mut Walk, visitor: &mut Tourist) {}

    #[on_visit]
    fn told_where(&self, here: &Here<City>) -> Step {
        Step::Continue
    }

    #[on_visit]
    fn generic<W>(&self, visitor: &mut W) {}

    #[on_visit(City)]
    fn listed(&self, visitor: &mut Tourist) {}

    #[on_exit]
    fn done(&self, visitor: &mut Tourist) {}

    #[on_visit]
    fn too_many(&self, visitor: &mut Tourist, walk: &mut Walk, limit: u32) {}
}

#[hosts]
impl City {
    fn unmarked(&self) {}
}

#[hosts(Tourist)]
impl City {
    #[on_visit]
    fn with_arguments(&self, visitor: &mut Tourist) {}
}

#[hosts]
impl<T> Guide<T> {
    #[on_visit]
    fn of_parameters(&self, visitor: &mut Tourist) {}
}

struct Guide<T>(T);

trait Welcome {
    fn welcome(&self, visitor: &mut Tourist);
}

#[hosts]
impl Welcome for City {
    #[on_visit]
    fn welcome(&self, visitor: &mut Tourist) {}
}

#[hosts]
struct Village {}

fn main() {}
