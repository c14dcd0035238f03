use wayfare::node;

#[node]
pub struct User {
    pub name: String,
    age: u32,
}

impl User {
    pub fn name(&self) -> &str {
        &self.name
    }

    fn age(&self) -> u32 {
        self.age
    }
}

fn main() {}
