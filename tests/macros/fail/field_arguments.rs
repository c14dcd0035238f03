use wayfare::node;

#[node]
struct City {
    #[field(uniqe)]
    code: String,
    #[field]
    country: String,
    #[field(primary_key)]
    name: String,
}

fn main() {}
