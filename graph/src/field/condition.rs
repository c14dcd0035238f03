//! Conditions on the fields of one entity type.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Not;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::body::stored_form;
use crate::filter::{Filter, FilterError};

/// A condition on documents of the entity type `E`, made from its [`Field`](super::Field)s.
///
/// It becomes a [`Filter`] where one is wanted, by [`IntoFilter`](super::IntoFilter) or `Filter::try_from`.
/// What the compiler cannot see is an error only then: [`FilterError::NoStoredForm`] for NaN and the like,
/// [`FilterError::BadRegex`], an unknown name of a type, a path with an empty segment.
///
/// The filter itself says nothing of the entity. `Graph::find` asks only documents of `E`; a walk asks
/// whatever it comes by, and a node of another entity may have such fields too.
#[must_use = "a condition does nothing until something is filtered by it"]
pub struct Where<E> {
    filter: Result<Value, FilterError>,
    of: PhantomData<fn() -> E>,
}

impl<E> Where<E> {
    /// The condition that every document satisfies, to begin a condition that is put together in steps.
    pub fn all() -> Self {
        Self::new(Ok(Value::Object(Map::new())))
    }

    pub(super) fn new(filter: Result<Value, FilterError>) -> Self {
        Self { filter, of: PhantomData }
    }

    /// Satisfied when both are.
    pub fn and(self, other: Self) -> Self {
        match (&self.filter, &other.filter) {
            (Ok(filter), Ok(_)) if is_all(filter) => other,
            (Ok(_), Ok(filter)) if is_all(filter) => self,
            _ => self.joined("$and", other),
        }
    }

    /// Satisfied when at least one is.
    pub fn or(self, other: Self) -> Self {
        self.joined("$or", other)
    }

    /// Satisfied when this is not; `!condition` is the same.
    ///
    /// What is missing is not greater than anything: `!User::age().gt(30)` is satisfied by a document
    /// without the field, unlike `User::age().lte(30)`.
    #[allow(clippy::should_implement_trait, reason = "it does; this one needs no import of the trait")]
    pub fn not(self) -> Self {
        Self::new(self.filter.map(|filter| json!({"$nor": [filter]})))
    }

    /// What it says in MongoDB's language, unchecked.
    pub(super) fn into_value(self) -> Result<Value, FilterError> {
        self.filter
    }

    /// Lists in a list of the same operator are taken into it: a long chain must not nest as deep as it is
    /// long.
    fn joined(self, operator: &str, other: Self) -> Self {
        Self::new(self.filter.and_then(|one| {
            let mut joined = parts(operator, one);
            joined.extend(parts(operator, other.filter?));
            Ok(Value::Object(Map::from_iter([(operator.to_owned(), Value::Array(joined))])))
        }))
    }
}

/// A filter that was written by hand; that it is one for `E` is not checked.
impl<E> From<Filter> for Where<E> {
    fn from(filter: Filter) -> Self {
        Self::new(Ok(filter.to_value()))
    }
}

impl<E> TryFrom<Where<E>> for Filter {
    type Error = FilterError;

    fn try_from(condition: Where<E>) -> Result<Self, FilterError> {
        Self::parse(&condition.filter?)
    }
}

impl<E> Not for Where<E> {
    type Output = Self;

    fn not(self) -> Self {
        self.not()
    }
}

impl<E> Clone for Where<E> {
    fn clone(&self) -> Self {
        Self::new(self.filter.clone())
    }
}

impl<E> fmt::Debug for Where<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.filter {
            Ok(filter) => write!(f, "Where({filter})"),
            Err(error) => write!(f, "Where(<{error}>)"),
        }
    }
}

/// What a value compared with the field at `path` is in JSON.
pub(super) fn operand(path: &str, value: &impl Serialize) -> Result<Value, FilterError> {
    stored_form(value)
        .map_err(|error| FilterError::NoStoredForm { path: path.to_owned(), reason: error.to_string() })
}

/// The same for a list of values.
pub(super) fn operands(path: &str, values: impl IntoIterator<Item: Serialize>) -> Result<Value, FilterError> {
    values.into_iter().map(|value| operand(path, &value)).collect()
}

fn is_all(filter: &Value) -> bool {
    filter.as_object().is_some_and(Map::is_empty)
}

/// The filters in the list of an operator when that is all there is, else the filter alone.
fn parts(operator: &str, filter: Value) -> Vec<Value> {
    match filter {
        Value::Object(mut members) if members.len() == 1 => match members.remove(operator) {
            Some(Value::Array(parts)) => parts,
            Some(operand) => vec![json!({ operator: operand })],
            None => vec![Value::Object(members)],
        },
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;
    use crate::field::tests::{User, active, age, filter};

    #[test]
    fn chains_of_one_operator_are_one_list() {
        let condition = active().eq(true).and(age().gt(1).and(age().lt(9))).and(age().ne(5));
        assert_eq!(
            filter(condition).to_value(),
            json!({"$and": [
                {"context.active": {"$eq": true}},
                {"context.age": {"$gt": 1}},
                {"context.age": {"$lt": 9}},
                {"context.age": {"$ne": 5}},
            ]})
        );
        let mixed = active().eq(true).and(age().gt(1)).or(age().lt(0));
        let both = json!({"$and": [{"context.active": {"$eq": true}}, {"context.age": {"$gt": 1}}]});
        assert_eq!(filter(mixed).to_value(), json!({"$or": [both, {"context.age": {"$lt": 0}}]}));
        let long = (0..1_000).fold(age().eq(0), |condition, n| condition.or(age().eq(n)));
        assert!(filter(long).matches_value(&json!({"context": {"age": 999}})));
    }

    #[test]
    fn everything_is_a_beginning_for_and_and_an_end_for_or() {
        assert!(filter(Where::<User>::all()).is_all());
        let condition = Where::all().and(age().eq(1)).and(Where::all());
        assert_eq!(filter(condition).to_value(), json!({"context.age": {"$eq": 1}}));
        assert!(filter(age().eq(1).or(Where::all())).matches_value(&json!({})));
        assert!(!filter(!Where::<User>::all()).matches_value(&json!({})));
    }

    #[test]
    fn a_negation_is_satisfied_by_what_is_missing() {
        let (young, old) = (json!({"context": {"age": 3}}), json!({"context": {"age": 70}}));
        for negated in [age().gt(30).not(), !age().gt(30)] {
            let negated = filter(negated);
            assert!(negated.matches_value(&young) && negated.matches_value(&json!({})));
            assert!(!negated.matches_value(&old));
        }
        assert!(filter(!!age().gt(30)).matches_value(&old));
    }

    #[test]
    fn filters_by_hand_join_in() {
        let by_hand = Filter::parse(&json!({"context.active": true, "_version": {"$gt": 1}})).unwrap();
        let joined = filter(Where::from(by_hand.clone()).and(age().gt(1)));
        assert_eq!(joined.to_value(), json!({"$and": [by_hand.to_value(), {"context.age": {"$gt": 1}}]}));
        let either = Filter::parse(&json!({"$or": [{"a": 1}], "b": 2})).unwrap();
        let joined = filter(age().gt(1).or(either.clone().into()));
        assert_eq!(joined.to_value()["$or"][1], either.to_value());
    }

    #[test]
    fn the_first_error_stays() {
        let score = Field::<User, f64>::new("context.score");
        for condition in [
            score.gt(f64::NAN).and(age().eq(1)),
            age().eq(1).or(score.eq(f64::INFINITY)),
            !score.is_in([1.0, f64::NEG_INFINITY]),
            Where::all().and(score.ne(f64::NAN)),
        ] {
            let shown = format!("{condition:?}");
            let error = Filter::try_from(condition).unwrap_err();
            assert!(matches!(&error, FilterError::NoStoredForm { path, .. } if path == "context.score"));
            assert_eq!(shown, format!("Where(<{error}>)"));
        }
    }
}
