use wayfare::__private::serde::{Deserialize, Serialize};

#[wayfare::edge]
#[derive(Serialize, Deserialize)]
#[serde(crate = "wayfare::__private::serde")]
struct Knows;

#[wayfare::edge]
#[serde(deny_unknown_fields)]
struct Likes;

fn main() {}
