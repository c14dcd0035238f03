use wayfare::{edge, node};

#[node]
struct Point(f64, f64);

#[edge]
struct Weighted<T> {
    weight: T,
}

#[node]
struct Borrowed<'a> {
    #[serde(borrow)]
    name: &'a str,
}

fn main() {}
