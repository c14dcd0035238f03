use wayfare::node;

#[node]
struct User {
    age: u32,
    name: Option<String>,
    tags: Vec<String>,
}

fn main() {
    let _ = User::age().gt("x");
    let _ = User::age().is_in(["x"]);
    let _ = User::age().eq(Some(1));
    let _ = User::name().eq(3);
    let _ = User::tags().contains(3);
    let _ = User::age().regex("^3");
    let _ = User::name().size(3);
}
