struct Reach;

trait Visits {
    fn city(&mut self);
}

#[wayfare::walker]
impl Visits for Reach {
    #[on_visit]
    fn city(&mut self) {}
}

fn main() {}
