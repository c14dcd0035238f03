//! What one element of a list must be.

use std::fmt;
use std::marker::PhantomData;

use serde_json::{Map, Value, json};

use super::condition::{Where, operand, operands};
use super::operand::Operand;
use super::stored_as::{StoredAsInteger, StoredAsText};
use super::{Field, remainder_of};
use crate::filter::FilterError;

/// An element of a list, in [`Field::elem_match`]: each test is one that the same element must pass.
///
/// Elements that are objects have fields, which [`at`](Self::at) names; these are combined with
/// [`Where::and`] and what belongs to it.
#[must_use = "tests of an element do nothing until `elem_match` is given them"]
pub struct Element<T> {
    /// The list, for errors.
    path: String,
    tests: Result<Map<String, Value>, FilterError>,
    of: PhantomData<fn() -> T>,
}

impl<T> Element<T> {
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), tests: Ok(Map::new()), of: PhantomData }
    }

    /// Equal to the value.
    pub fn eq(self, value: impl Operand<T>) -> Self {
        self.compared("$eq", &value)
    }

    /// Not equal to the value.
    pub fn ne(self, value: impl Operand<T>) -> Self {
        self.compared("$ne", &value)
    }

    /// Greater than the value, and of its type.
    pub fn gt(self, value: impl Operand<T>) -> Self {
        self.compared("$gt", &value)
    }

    /// Greater than the value or equal to it, and of its type.
    pub fn gte(self, value: impl Operand<T>) -> Self {
        self.compared("$gte", &value)
    }

    /// Less than the value, and of its type.
    pub fn lt(self, value: impl Operand<T>) -> Self {
        self.compared("$lt", &value)
    }

    /// Less than the value or equal to it, and of its type.
    pub fn lte(self, value: impl Operand<T>) -> Self {
        self.compared("$lte", &value)
    }

    /// Equal to one of the values.
    pub fn is_in(self, values: impl IntoIterator<Item: Operand<T>>) -> Self {
        let values = operands(&self.path, values);
        self.tested("$in", values)
    }

    /// Equal to none of the values.
    pub fn not_in(self, values: impl IntoIterator<Item: Operand<T>>) -> Self {
        let values = operands(&self.path, values);
        self.tested("$nin", values)
    }

    /// Text in which the pattern is found, see [`Field::regex`].
    pub fn regex(self, pattern: &str) -> Self
    where
        T: StoredAsText,
    {
        self.tested("$regex", Ok(Value::from(pattern)))
    }

    /// With this remainder when divided by `divisor`, see [`Field::rem`].
    pub fn rem(self, divisor: i64, remainder: i64) -> Self
    where
        T: StoredAsInteger,
    {
        self.tested("$mod", Ok(remainder_of(divisor, remainder)))
    }

    /// What a dotted path names in an element that is an object.
    pub fn at(&self, path: &str) -> Field<Self, Value> {
        Field::at_path(path.to_owned())
    }

    fn compared(self, operator: &str, value: &impl Operand<T>) -> Self {
        let value = operand(&self.path, value);
        self.tested(operator, value)
    }

    fn tested(mut self, operator: &str, value: Result<Value, FilterError>) -> Self {
        self.tests = self.tests.and_then(|mut tests| {
            add(&mut tests, operator, value?);
            Ok(tests)
        });
        self
    }
}

impl<T> From<Element<T>> for Where<Element<T>> {
    fn from(element: Element<T>) -> Self {
        Self::new(element.tests.map(|mut tests| {
            // An empty object would ask for an element that is an object.
            if tests.is_empty() {
                tests.insert("$exists".to_owned(), Value::Bool(true));
            }
            Value::Object(tests)
        }))
    }
}

impl<T> fmt::Debug for Element<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element").field("path", &self.path).field("tests", &self.tests).finish()
    }
}

/// Adds a test to an object of operators. Where the operator is taken, the test goes behind a double
/// negation, which leaves it as it is.
fn add(tests: &mut Map<String, Value>, operator: &str, value: Value) {
    if !tests.contains_key(operator) {
        tests.insert(operator.to_owned(), value);
        return;
    }
    let hidden = tests.entry("$not").or_insert_with(|| json!({"$not": {}}));
    if let Some(hidden) = hidden.get_mut("$not").and_then(Value::as_object_mut) {
        add(hidden, operator, value);
    }
}
