use wayfare::event;

#[event(nmae = "price")]
struct Misspelt {}

#[event(name = "")]
struct Empty {}

#[event(name = price)]
struct Unquoted {}

#[event]
struct Generic<T> {
    value: T,
}

#[event]
enum Change {
    Price,
}

#[event]
fn change() {}

fn main() {}
