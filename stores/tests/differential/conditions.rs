//! Random filters that MongoDB takes.

use serde_json::{Map, Value, json};
use wayfare_graph::Random;

use crate::values::{path, scalar, value};

/// How deep `$and`, `$or` and `$nor` nest.
const DEPTH: u32 = 2;

pub fn filter(random: &mut Random) -> Value {
    members(random, DEPTH)
}

fn members(random: &mut Random, depth: u32) -> Value {
    let mut filter = Map::new();
    for _ in 0..1 + random.below(2) {
        if depth > 0 && random.below(4) == 0 {
            let operator = ["$and", "$or", "$nor"][random.below(3) as usize];
            let filters: Vec<Value> = (0..1 + random.below(3)).map(|_| members(random, depth - 1)).collect();
            filter.insert(operator.into(), filters.into());
        } else {
            filter.insert(path(random), condition(random));
        }
    }
    Value::Object(filter)
}

/// What a field must be: a value, or some operators.
fn condition(random: &mut Random) -> Value {
    if random.below(4) == 0 {
        return operand(random);
    }
    let mut operators = Map::new();
    for _ in 0..1 + random.below(2) {
        let (operator, operand) = operator(random, 1);
        operators.insert(operator.into(), operand);
    }
    with_options(&mut operators, random);
    Value::Object(operators)
}

fn operator(random: &mut Random, depth: u32) -> (&'static str, Value) {
    match random.below(if depth == 0 { 14 } else { 17 }) {
        0 => ("$eq", operand(random)),
        1 => ("$ne", operand(random)),
        2 => ("$gt", operand(random)),
        3 => ("$gte", operand(random)),
        4 => ("$lt", operand(random)),
        5 => ("$lte", operand(random)),
        6 => ("$in", operands(random, 4)),
        7 => ("$nin", operands(random, 4)),
        8 => ("$exists", json!(random.below(2) == 0)),
        9 => ("$type", type_name(random)),
        10 => ("$regex", json!(["^a", "b$", "a.b", "A", "^$", "é", "[a-z]+", "1"][random.below(8) as usize])),
        11 => ("$size", json!(random.below(4))),
        12 => ("$mod", json!([1 + random.below(3), random.below(3)])),
        13 => ("$all", operands(random, 2)),
        14 => ("$not", negated(random)),
        _ => ("$elemMatch", element(random)),
    }
}

/// Operators that a value must not satisfy all of.
fn negated(random: &mut Random) -> Value {
    let mut operators = Map::new();
    let (operator, operand) = operator(random, 0);
    operators.insert(operator.into(), operand);
    Value::Object(operators)
}

/// What a member of a list must be: a value with operators, or an object with fields.
fn element(random: &mut Random) -> Value {
    let mut members = Map::new();
    if random.below(2) == 0 {
        let (operator, operand) = operator(random, 0);
        members.insert(operator.into(), operand);
    } else {
        let below = ["x", "y", "x.y"][random.below(3) as usize];
        members.insert(below.into(), scalar(random));
    }
    Value::Object(members)
}

fn with_options(operators: &mut Map<String, Value>, random: &mut Random) {
    if operators.contains_key("$regex") && random.below(2) == 0 {
        let options = ["i", "m", "s", "im"][random.below(4) as usize];
        operators.insert("$options".into(), options.into());
    }
}

/// A value to compare with. A list or an object is compared as a whole.
fn operand(random: &mut Random) -> Value {
    let operand = if random.below(4) == 0 { value(random, 2) } else { scalar(random) };
    match operand {
        // An object whose first member is an operator is no value.
        Value::Object(members) if members.is_empty() => json!({"x": 1}),
        operand => operand,
    }
}

fn operands(random: &mut Random, most: u64) -> Value {
    (0..random.below(most + 1)).map(|_| operand(random)).collect()
}

fn type_name(random: &mut Random) -> Value {
    let names = ["null", "bool", "int", "long", "double", "number", "string", "array", "object"];
    let name = |random: &mut Random| json!(names[random.below(9) as usize]);
    match random.below(4) {
        0 => json!([name(random), name(random)]),
        1 => json!([1, 2, 3, 4, 8, 10, 16, 18][random.below(8) as usize]),
        _ => name(random),
    }
}
