use wayfare::node;

#[node]
struct User {
    age: u32,
    #[serde(skip)]
    cache: u32,
}

fn main() {
    let _ = User::agee().gt(30);
    let _ = User::cache().gt(30);
}
