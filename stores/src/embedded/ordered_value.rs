//! Values as bytes whose order is that of [`compare_values`](wayfare_graph::compare_values).
//!
//! No encoding is the beginning of another one, so encodings can follow each other in a key, and a
//! complement of all bits turns their order round.

use serde_json::{Number, Value};

/// Ends texts, lists and objects. Below every class and every byte that may stand in a text.
const END: u8 = 0;
/// Stands before the bytes 0 and 1 of a text, which become 1 and 2.
const ESCAPE: u8 = 1;

/// What a field that is an empty list is indexed and sorted as: below everything else, as in MongoDB.
pub(super) const EMPTY_LIST: u8 = 0x02;

/// Writes encodings one after the other.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    pub(super) bytes: Vec<u8>,
    /// Where the value that is being written must end.
    limit: usize,
    /// Whether a value was cut because it was too long.
    pub(super) cut: bool,
}

impl Encoder {
    /// Goes on after bytes that are there already.
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// Appends a value; what goes beyond `limit` bytes is cut off.
    pub(super) fn push(&mut self, value: &Value, limit: usize) {
        self.limit = self.bytes.len().saturating_add(limit);
        self.value(value);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.put(&[class(value)]),
            Value::Bool(flag) => self.put(&[class(value) + u8::from(*flag)]),
            Value::Number(number) => {
                let (float, rest) = split(number);
                self.put(&[class(value)]);
                self.put(&ordered_bits(float).to_be_bytes());
                self.put(&((rest as u16) ^ 0x8000).to_be_bytes());
            }
            Value::String(text) => {
                self.put(&[class(value)]);
                self.text(text);
            }
            Value::Array(items) => {
                self.put(&[class(value)]);
                for item in items {
                    if self.is_full() {
                        return;
                    }
                    self.value(item);
                }
                self.put(&[END]);
            }
            Value::Object(members) => {
                self.put(&[class(value)]);
                for (name, member) in members {
                    if self.is_full() {
                        return;
                    }
                    self.put(&[class(member)]);
                    self.text(name);
                    self.value(member);
                }
                self.put(&[END]);
            }
        }
    }

    fn text(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|&byte| byte <= ESCAPE) {
            self.put(&rest[..at]);
            self.put(&[ESCAPE, rest[at] + 1]);
            rest = &rest[at + 1..];
        }
        self.put(rest);
        self.put(&[END]);
    }

    /// Whether there is no room for what is still to come, so that a long value is not walked through.
    fn is_full(&mut self) -> bool {
        let full = self.bytes.len() >= self.limit;
        self.cut |= full;
        full
    }

    fn put(&mut self, bytes: &[u8]) {
        let room = self.limit - self.bytes.len();
        self.cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// The first byte of a value's encoding; for booleans, that of `false`.
pub(super) fn class(value: &Value) -> u8 {
    match value {
        Value::Null => 0x10,
        Value::Number(_) => 0x20,
        Value::String(_) => 0x30,
        Value::Object(_) => 0x40,
        Value::Array(_) => 0x50,
        Value::Bool(_) => 0x60,
    }
}

/// A number as the nearest float and what is left: whole numbers beyond 2^53 share their float with
/// others, and the rest, at most 1,024 to either side, tells them apart.
fn split(number: &Number) -> (f64, i16) {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match whole {
        Some(whole) => {
            let float = whole as f64;
            // Floats of this size are whole, so the cast back is exact.
            (float, (whole - float as i128) as i16)
        }
        None => (number.as_f64().unwrap_or(f64::NAN), 0),
    }
}

/// The bits of a float, turned so that their order as a number is that of the floats; NaN is lowest.
fn ordered_bits(float: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    if float.is_nan() {
        return 0;
    }
    // Adding zero makes a negative zero positive.
    let bits = (float + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wayfare_graph::{Random, compare_values};

    fn encoded(value: &Value) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.push(value, usize::MAX);
        assert!(!encoder.cut);
        encoder.bytes
    }

    fn random_value(random: &mut Random, depth: u32) -> Value {
        let mut pick = |n: u64| random.next_u64() % n;
        match pick(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => Value::Bool(pick(2) == 0),
            2 => json!(pick(5) as i64 - 2),
            3 => json!((pick(9) as f64 - 4.0) / 2.0),
            4 => json!(u64::MAX - pick(3) * 1000),
            5 => Value::from(["", "a", "a\0", "a\u{1}", "a\u{1}b", "ab", "b", "é"][pick(8) as usize]),
            6 => (0..pick(3)).map(|_| random_value(random, depth - 1)).collect(),
            _ => {
                let names = [["a", "b"], ["b", "a"], ["", "a\0"]][pick(3) as usize];
                let size = pick(3) as usize;
                let members = names.into_iter().take(size);
                Value::Object(
                    members.map(|name| (name.to_owned(), random_value(random, depth - 1))).collect(),
                )
            }
        }
    }

    #[test]
    fn bytes_order_as_values_do() {
        let seed = 20_240_607;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let values: Vec<Value> = (0..600).map(|_| random_value(&mut random, 3)).collect();
        for one in &values {
            for two in &values {
                let (first, second) = (encoded(one), encoded(two));
                assert_eq!(first.cmp(&second), compare_values(one, two), "{one} {two}");
                assert!(first == second || !second.starts_with(&first), "{one} begins {two}");
            }
        }
    }

    #[test]
    fn numbers_beyond_the_floats_are_told_apart() {
        let ascending = [
            json!(-1e300),
            json!(i64::MIN),
            json!(i64::MIN + 1),
            json!(-0.5),
            json!(0),
            json!(5e-324),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_994.0),
            json!(i64::MAX),
            json!(9_223_372_036_854_775_808.0),
            json!(9_223_372_036_854_775_809_u64),
            json!(u64::MAX),
            json!(18_446_744_073_709_551_616.0),
        ];
        for pair in ascending.windows(2) {
            assert!(encoded(&pair[0]) < encoded(&pair[1]), "{} {}", pair[0], pair[1]);
        }
        assert_eq!(encoded(&json!(0.0)), encoded(&json!(-0.0)));
        assert_eq!(encoded(&json!(1)), encoded(&json!(1.0)));
    }

    #[test]
    fn long_values_are_cut_and_say_so() {
        for value in [
            json!("x".repeat(99)),
            json!([1, [2, [3, "xxxxxxxxxxxxxxxxxxxxxxxxx"]]]),
            json!({"a": {"b": "c".repeat(50)}}),
        ] {
            let mut encoder = Encoder::default();
            encoder.push(&value, 20);
            assert!(encoder.cut);
            assert_eq!(encoder.bytes, encoded(&value)[..20]);
        }
    }
}
