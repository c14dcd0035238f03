use wayfare::node;

#[node(index(keys = ["emial", "active"], unique))]
struct UnknownKey {
    email: String,
    active: bool,
}

#[node(index(keys = ["cache"]))]
struct NotStored {
    #[serde(skip)]
    cache: u8,
    #[field(index)]
    #[serde(skip)]
    also: u8,
}

#[node(index(keys = ["email", "email"]))]
struct Repeated {
    email: String,
}

#[node(index(unique))]
struct WithoutKeys {
    email: String,
}

#[node(index(keys = ["email"], uniqe))]
struct Misspelt {
    email: String,
}

#[node(index = "email")]
struct WithoutList {
    email: String,
}

fn main() {}
