//! A parsed filter and how it is evaluated.

use serde_json::Value;

use super::compare::{class, compare_values, equal};
use super::path::{Leaf, Path, member};
use super::pattern::Pattern;
use crate::document::Document;

/// A condition on a whole document.
pub(super) enum Condition {
    /// Every one holds; of none, always.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// None holds.
    Neither(Vec<Condition>),
    /// Every test holds at a path, each for a value of its own choice.
    Field(Field),
}

/// Tests of what one path reaches.
pub(super) struct Field {
    /// The path as it was written.
    pub(super) name: String,
    pub(super) path: Path,
    pub(super) tests: Vec<Test>,
}

/// A condition on what a path reaches, or on one value.
pub(super) enum Test {
    Equal(Value),
    Compare(Comparison, Value),
    In(OneOf),
    Exists,
    Type(TypeSet),
    Size(usize),
    Remainder {
        divisor: i64,
        remainder: i64,
    },
    Pattern(Pattern),
    /// An array that has an element which, as a document, satisfies the condition.
    ElementDocument(Box<Condition>),
    /// An array that has an element which passes every test.
    ElementValue(Vec<Test>),
    /// Not every one of the tests holds.
    Not(Vec<Test>),
    Never,
}

/// `$gt`, `$gte`, `$lt` or `$lte`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) greater: bool,
    pub(super) or_equal: bool,
}

/// The values of `$in`, in the order of [`compare_values`], each once.
pub(super) struct OneOf(Vec<Value>);

/// Types of values, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TypeSet(pub(super) u8);

/// What a condition is evaluated on.
#[derive(Clone, Copy)]
pub(super) enum Root<'a> {
    Document(&'a Document),
    Value(&'a Value),
}

impl Condition {
    pub(super) fn matches(&self, root: Root<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(root)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(root)),
            Self::Neither(parts) => !parts.iter().any(|part| part.matches(root)),
            Self::Field(field) => field.matches(root),
        }
    }

    /// Whether it holds for everything because it asks for nothing.
    pub(super) fn is_all(&self) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(Self::is_all),
            _ => false,
        }
    }

    /// Whether some test looks at what has to be decoded.
    pub(super) fn decodes(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) | Self::Neither(parts) => parts.iter().any(Self::decodes),
            Self::Field(field) => Document::must_decode_for(field.path.names()),
        }
    }
}

impl Field {
    fn matches(&self, root: Root<'_>) -> bool {
        let names = self.path.names();
        match root {
            Root::Document(document) => match document.peek(names) {
                Some((value, taken)) => self.holds(Some(&value), taken),
                None => self.holds(None, names.len()),
            },
            Root::Value(value) => self.holds(member(value, &names[0]), 1),
        }
    }

    fn holds(&self, start: Option<&Value>, at: usize) -> bool {
        self.tests.iter().all(|test| test.holds(&self.path, start, at))
    }
}

impl Test {
    /// Whether it accepts some value of those that the path reaches from `start` on.
    fn holds(&self, path: &Path, start: Option<&Value>, at: usize) -> bool {
        let leaf = match self {
            Self::Not(tests) => return !tests.iter().all(|test| test.holds(path, start, at)),
            Self::Size(_) | Self::ElementDocument(_) | Self::ElementValue(_) => Leaf::Whole,
            _ => Leaf::Elements,
        };
        path.any(start, at, leaf, &mut |value| self.accepts(value))
    }

    /// Whether it accepts one value, or that there is none.
    fn accepts(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else {
            return self.accepts_missing();
        };
        match self {
            Self::Equal(operand) => equal(value, operand),
            Self::Compare(comparison, operand) => comparison.holds(value, operand),
            Self::In(values) => values.contains(value),
            Self::Exists => true,
            Self::Type(types) => types.contains(value),
            Self::Size(len) => value.as_array().is_some_and(|items| items.len() == *len),
            Self::Remainder { divisor, remainder } => {
                whole_number(value).is_some_and(|n| n.wrapping_rem(*divisor) == *remainder)
            }
            Self::Pattern(pattern) => value.as_str().is_some_and(|text| pattern.matches(text)),
            Self::ElementDocument(condition) => any_item(value, |item| {
                (item.is_object() || item.is_array()) && condition.matches(Root::Value(item))
            }),
            Self::ElementValue(tests) => {
                any_item(value, |item| tests.iter().all(|test| test.accepts(Some(item))))
            }
            Self::Not(tests) => !tests.iter().all(|test| test.accepts(Some(value))),
            Self::Never => false,
        }
    }

    /// A missing value is as good as null to comparisons.
    fn accepts_missing(&self) -> bool {
        match self {
            Self::Equal(operand) => operand.is_null(),
            Self::Compare(comparison, operand) => comparison.or_equal && operand.is_null(),
            Self::In(values) => values.contains(&Value::Null),
            Self::Not(tests) => !tests.iter().all(Self::accepts_missing),
            _ => false,
        }
    }
}

impl Comparison {
    /// Only values of one type are compared; those of others are on neither side.
    fn holds(self, value: &Value, operand: &Value) -> bool {
        if class(value) != class(operand) {
            return false;
        }
        let order = compare_values(value, operand);
        if order.is_eq() { self.or_equal } else { order.is_gt() == self.greater }
    }
}

impl OneOf {
    pub(super) fn new(mut values: Vec<Value>) -> Self {
        values.sort_by(compare_values);
        values.dedup_by(|one, two| equal(one, two));
        Self(values)
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.0
    }

    fn contains(&self, value: &Value) -> bool {
        self.0.binary_search_by(|candidate| compare_values(candidate, value)).is_ok()
    }
}

impl TypeSet {
    pub(super) const DOUBLE: Self = Self(1);
    pub(super) const STRING: Self = Self(1 << 1);
    pub(super) const OBJECT: Self = Self(1 << 2);
    pub(super) const ARRAY: Self = Self(1 << 3);
    pub(super) const BOOL: Self = Self(1 << 4);
    pub(super) const NULL: Self = Self(1 << 5);
    pub(super) const INT: Self = Self(1 << 6);
    pub(super) const LONG: Self = Self(1 << 7);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Numbers have the type that MongoDB's drivers give them: the smallest that fits.
    fn contains(self, value: &Value) -> bool {
        let of_value = match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOL,
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
            Value::Number(number) => match number.as_i64() {
                Some(n) if i32::try_from(n).is_ok() => Self::INT,
                Some(_) => Self::LONG,
                None => Self::DOUBLE,
            },
        };
        self.0 & of_value.0 != 0
    }
}

fn any_item(value: &Value, test: impl FnMut(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().any(test))
}

/// A number cut to 64 bits and a sign towards zero; `None` for what does not fit.
pub(super) fn whole_number(value: &Value) -> Option<i64> {
    let number = value.as_number()?;
    number.as_i64().or_else(|| {
        let whole = number.as_f64()?.trunc();
        // -2^63 is a float, 2^63 - 1 is not: the next one, 2^63, is already out of range.
        (whole >= i64::MIN as f64 && whole < -(i64::MIN as f64)).then_some(whole as i64)
    })
}
