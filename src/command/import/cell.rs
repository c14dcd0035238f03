//! What a cell of a table becomes: a number, a boolean, text, or nothing.

use clap::ValueEnum;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum CellType {
    /// Whatever the cell looks like.
    #[default]
    Auto,
    /// A whole number of 64 bits.
    Int,
    /// A number, scientific notation included.
    Float,
    /// True or false.
    Bool,
    /// Text.
    Text,
    /// Any JSON.
    Json,
}

/// A cell that was read. Serialises as the field it becomes.
#[derive(Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(&'a str),
    Json(Value),
}

impl CellType {
    /// Reads a cell that is not empty.
    ///
    /// # Errors
    /// What the cell is not.
    pub(super) fn read(self, text: &str) -> Result<Cell<'_>, &'static str> {
        match self {
            Self::Auto => Ok(recognised(text)),
            Self::Int => text.parse().map(Cell::Int).map_err(|_| "is no whole number of 64 bits"),
            Self::Float => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Cell::Float(number)),
                _ => Err("is no number"),
            },
            Self::Bool => boolean(text).map(Cell::Bool).ok_or("is neither true nor false"),
            Self::Text => Ok(Cell::Text(text)),
            Self::Json => serde_json::from_str(text).map(Cell::Json).map_err(|_| "is no JSON"),
        }
    }
}

/// The words that `--types name=bool` takes, in any case.
fn boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 5]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["true", "t", "yes", "y", "1"]) {
        return Some(true);
    }
    is(["false", "f", "no", "n", "0"]).then_some(false)
}

/// Recognises what can be nothing else: whole numbers as they are usually written, numbers with digits on both
/// sides of a point, and true and false.
///
/// `007`, `+1`, `.5`, `1e5`, `NaN` and numbers beyond 64 bits stay text: they may be codes, and as numbers they
/// would not read back as they were written.
fn recognised(text: &str) -> Cell<'_> {
    match text {
        "true" | "True" | "TRUE" => return Cell::Bool(true),
        "false" | "False" | "FALSE" => return Cell::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
        return Cell::Text(text);
    }
    let number = match fraction {
        None => text.parse().map(Cell::Int).ok(),
        Some(fraction) if are_digits(fraction) => {
            text.parse().ok().filter(|n: &f64| n.is_finite()).map(Cell::Float)
        }
        Some(_) => None,
    };
    number.unwrap_or(Cell::Text(text))
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Json(value) => value.serialize(serializer),
        }
    }
}

/// The fields of one record, in the order of the columns.
pub(super) struct Fields<'a>(pub(super) Vec<(&'a str, Cell<'a>)>);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, cell)| (name, cell)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wayfare::Body;

    #[test]
    fn numbers_and_booleans_are_recognised_and_codes_are_not() {
        for (text, cell) in [
            ("0", Cell::Int(0)),
            ("-17", Cell::Int(-17)),
            ("9223372036854775807", Cell::Int(i64::MAX)),
            ("0.5", Cell::Float(0.5)),
            ("-12.25", Cell::Float(-12.25)),
            ("1.0", Cell::Float(1.0)),
            ("True", Cell::Bool(true)),
            ("false", Cell::Bool(false)),
        ] {
            assert_eq!(CellType::Auto.read(text), Ok(cell), "{text}");
        }
        for text in [
            "007",
            "+1",
            "1e5",
            "0E0",
            "1.5e3",
            ".5",
            "5.",
            "-",
            "-.5",
            "1.2.3",
            "1_000",
            "inf",
            "NaN",
            " 1",
            "1 ",
            "9223372036854775808",
            "0x10",
            "tRUE",
            "yes",
            "NA",
            "00.5",
            "١",
        ] {
            assert_eq!(CellType::Auto.read(text), Ok(Cell::Text(text)), "{text}");
        }
    }

    #[test]
    fn a_given_type_reads_more_and_refuses_the_rest() {
        assert_eq!(CellType::Int.read("007"), Ok(Cell::Int(7)));
        assert_eq!(CellType::Float.read("1e5"), Ok(Cell::Float(1e5)));
        assert_eq!(CellType::Float.read("3"), Ok(Cell::Float(3.0)));
        assert_eq!(CellType::Bool.read("Yes"), Ok(Cell::Bool(true)));
        assert_eq!(CellType::Text.read("12"), Ok(Cell::Text("12")));
        assert_eq!(CellType::Json.read("[1]"), Ok(Cell::Json(json!([1]))));
        for (cell_type, text) in [
            (CellType::Int, "1.5"),
            (CellType::Int, "9223372036854775808"),
            (CellType::Float, "NaN"),
            (CellType::Float, "1e999"),
            (CellType::Bool, "maybe"),
            (CellType::Json, "[1"),
        ] {
            assert!(cell_type.read(text).is_err(), "{cell_type:?} {text}");
        }
    }

    #[test]
    fn a_body_of_cells_is_that_of_the_same_json() {
        let fields = Fields(vec![
            ("i", Cell::Int(300)),
            ("n", Cell::Int(-5)),
            ("x", Cell::Float(2.0)),
            ("b", Cell::Bool(true)),
            ("t", Cell::Text("é")),
            ("j", Cell::Json(json!({"a": [null]}))),
        ]);
        let json = json!({"i": 300, "n": -5, "x": 2.0, "b": true, "t": "é", "j": {"a": [null]}});
        assert_eq!(Body::encode(&fields).unwrap(), Body::encode(&json).unwrap());
    }
}
