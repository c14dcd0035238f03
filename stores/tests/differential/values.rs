//! Random values: few enough different ones that queries find some.

use serde_json::{Map, Value, json};
use wayfare_graph::Random;

const FIELDS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Fields that no list is in, nor in their members: MongoDB refuses to sort by two lists of one document at once.
const FLAT: [&str; 2] = ["f", "g"];
/// Names of members. None is a number: MongoDB refuses to sort by a path that may name a place in a list as well.
const MEMBERS: [&str; 2] = ["x", "y"];
/// What may come in a path below a field.
const BELOW: [&str; 3] = ["x", "y", "0"];

fn one_of<'a, T: ?Sized>(random: &mut Random, all: &[&'a T]) -> &'a T {
    all[random.below(all.len() as u64) as usize]
}

/// The fields of a document; some are missing.
pub fn fields(random: &mut Random) -> Map<String, Value> {
    let mut fields = Map::new();
    for name in FIELDS {
        if random.below(5) > 0 {
            fields.insert(name.into(), value(random, 3));
        }
    }
    for name in FLAT {
        if random.below(5) > 0 {
            fields.insert(name.into(), flat(random));
        }
    }
    fields
}

/// A value with no list in it, one of few: by these, sorts of several keys come to their later ones.
fn flat(random: &mut Random) -> Value {
    match random.below(10) {
        0 => scalar(random),
        1 => json!({"x": scalar(random)}),
        2 => json!({"x": random.below(3), "y": random.below(2)}),
        3 => Value::Null,
        4 => json!(["a", "b", "B"][random.below(3) as usize]),
        _ => json!(random.below(3)),
    }
}

/// A value nested no deeper than this.
pub fn value(random: &mut Random, depth: u32) -> Value {
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0..7 => scalar(random),
        7 | 8 => (0..random.below(4)).map(|_| value(random, depth - 1)).collect(),
        _ => {
            let mut members = Map::new();
            for _ in 0..random.below(3) {
                members.insert(one_of(random, &MEMBERS).into(), value(random, depth - 1));
            }
            Value::Object(members)
        }
    }
}

pub fn scalar(random: &mut Random) -> Value {
    match random.below(12) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2..6 => json!(random.below(7) as i64 - 3),
        6 => json!((random.below(9) as f64 - 4.0) / 2.0),
        7 => large(random),
        _ => json!(one_of(random, &["", "a", "b", "ab", "A", "é", "z", "10", "a\nb"])),
    }
}

/// Numbers at the limits of what types hold, and between them.
fn large(random: &mut Random) -> Value {
    match random.below(9) {
        0 => json!(i32::MAX),
        1 => json!(i64::from(i32::MAX) + 1),
        2 => json!(i32::MIN),
        3 => json!(i64::MAX),
        4 => json!(i64::MIN),
        5 => json!((1_i64 << 53) + 1),
        6 => json!(9_007_199_254_740_992.0),
        7 => json!(1e300),
        _ => json!(-0.0),
    }
}

/// A path into a document.
pub fn path(random: &mut Random) -> String {
    if random.below(20) == 0 {
        return one_of(random, &["id", "_version", "entity"]).to_owned();
    }
    let field = if random.below(6) == 0 { one_of(random, &FLAT) } else { one_of(random, &FIELDS) };
    let mut path = format!("context.{field}");
    for _ in 0..random.below(3) {
        path.push('.');
        path.push_str(one_of(random, &BELOW));
    }
    path
}

/// A path that leads to no list.
pub fn flat_path(random: &mut Random) -> String {
    match random.below(8) {
        0 => one_of(random, &["id", "_version", "entity"]).to_owned(),
        _ => format!("context.{}{}", one_of(random, &FLAT), one_of(random, &["", "", ".x"])),
    }
}
