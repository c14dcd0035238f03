struct Idle;

#[wayfare::walker]
impl Idle {
    fn visit(&mut self) {}
}

fn main() {}
