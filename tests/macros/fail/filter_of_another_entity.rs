use wayfare::{IntoFilter, node};

#[node]
struct User {
    age: u32,
}

#[node]
struct City {
    people: u32,
}

fn find(_users: impl IntoFilter<User>) {}

fn main() {
    find(City::people().gt(30));
    find(30);
    find(User::age().gt(30).and(City::people().gt(30)));
}
