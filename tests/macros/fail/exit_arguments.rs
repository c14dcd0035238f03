struct Census;

#[wayfare::walker]
impl Census {
    #[on_exit(City)]
    fn done(&mut self) {}
}

fn main() {}
