struct Census;

#[wayfare::walker]
impl Census {
    #[on_visit]
    fn city(&mut self) {}
}

fn main() {}
