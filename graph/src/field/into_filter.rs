//! What may stand where a filter of one entity type is wanted.

use serde_json::Value;

use super::condition::Where;
use crate::filter::{Filter, FilterError};

/// A filter of documents of the entity type `E`: a condition on `E`'s own fields, or JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a filter of `{E}`",
    label = "not a filter of `{E}`",
    note = "filter by a condition on fields of `{E}`, or by a `Filter`, JSON or its text"
)]
pub trait IntoFilter<E> {
    /// The filter.
    ///
    /// # Errors
    /// [`FilterError`] for what the compiler cannot see: see [`Where`]; for JSON as [`Filter::parse`].
    fn into_filter(self) -> Result<Filter, FilterError>;
}

impl<E> IntoFilter<E> for Where<E> {
    fn into_filter(self) -> Result<Filter, FilterError> {
        self.try_into()
    }
}

impl<E> IntoFilter<E> for Filter {
    fn into_filter(self) -> Result<Self, FilterError> {
        Ok(self)
    }
}

impl<E> IntoFilter<E> for &Filter {
    fn into_filter(self) -> Result<Filter, FilterError> {
        Ok(self.clone())
    }
}

impl<E> IntoFilter<E> for Value {
    fn into_filter(self) -> Result<Filter, FilterError> {
        Filter::parse(&self)
    }
}

impl<E> IntoFilter<E> for &Value {
    fn into_filter(self) -> Result<Filter, FilterError> {
        Filter::parse(self)
    }
}

impl<E> IntoFilter<E> for &str {
    fn into_filter(self) -> Result<Filter, FilterError> {
        self.parse()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::field::tests::{User, age};

    fn of_users(filter: impl IntoFilter<User>) -> Result<Filter, FilterError> {
        filter.into_filter()
    }

    #[test]
    fn conditions_and_json_are_filters() {
        let value = json!({"context.age": {"$gt": 30}});
        let filter = Filter::parse(&value).unwrap();
        assert_eq!(of_users(age().gt(30)), Ok(filter.clone()));
        assert_eq!(of_users(&filter), Ok(filter.clone()));
        assert_eq!(of_users(&value), Ok(filter.clone()));
        assert_eq!(of_users(value.to_string().as_str()), Ok(filter.clone()));
        assert_eq!(of_users(value), Ok(filter.clone()));
        assert_eq!(of_users(filter.clone()), Ok(filter));
        assert!(matches!(of_users("{"), Err(FilterError::NotJson { .. })));
        assert!(matches!(of_users(json!({"a": {"$gtt": 1}})), Err(FilterError::UnknownOperator { .. })));
    }
}
