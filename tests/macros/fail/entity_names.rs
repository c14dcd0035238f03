use wayfare::node;

#[node(name = "geo.City")]
struct Dotted {}

#[node(name = "")]
struct Empty {}

#[node(name = "line\nbreak")]
struct Control {}

#[node]
struct ATypeWhoseNameIsLongerThanTheSixtyFourBytesThatAnIdCanHoldOfAnEntity {}

fn main() {}
