use wayfare::{edge, node};

#[node(nmae = "City")]
struct Misspelt {}

#[node(table = "cities")]
struct Unknown {}

#[node(multi)]
struct Multi {}

#[edge(multi, multiple)]
struct Multiple {}

#[node(schema = 0)]
struct Zero {}

#[node(schema = "3")]
struct Quoted {}

#[node(name = City)]
struct Unquoted {}

fn main() {}
