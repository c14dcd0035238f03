use wayfare::{edge, node, object};

#[node]
enum Place {
    City,
}

#[object]
union Bits {
    a: u8,
}

#[edge]
fn road() {}

#[node]
impl Place {}

fn main() {}
