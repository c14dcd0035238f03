#[wayfare::walker]
struct Reach {
    hops: u32,
}

#[wayfare::walker]
fn reach() {}

fn main() {}
