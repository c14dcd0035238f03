//! Fields of entity types, from which filters and sort keys are made that the compiler checks.

mod condition;
mod element;
mod into_filter;
mod operand;
mod stored_as;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde_json::{Value, json};

use crate::filter::FilterError;
use crate::query::SortKey;
use condition::operands;

pub use condition::Where;
pub use element::Element;
pub use into_filter::IntoFilter;
pub use operand::Operand;
pub use stored_as::{StoredAsInteger, StoredAsList, StoredAsText};

/// A field of the entity type `E` in its documents: where it is stored, and that it is a `T`.
///
/// `#[node]`, `#[edge]` and `#[object]` give an entity type a function for each stored field, by which a
/// misspelt field or a value of another type is an error of the compiler. Each test makes a [`Where`], and
/// means what the operator of MongoDB means that it is named after: see [`Filter`](crate::Filter). So a
/// list is equal to a value also when one of its elements is, and null is as good as missing.
///
/// ```
/// # mod wayfare { pub use wayfare_graph::*; }
/// use serde_json::json;
/// use wayfare::{Field, Filter};
///
/// struct User;
///
/// // What `#[node] struct User { age: u32, name: Option<String>, tags: Vec<String> }` makes.
/// impl User {
///     fn age() -> Field<User, u32> { Field::new("context.age") }
///     fn name() -> Field<User, Option<String>> { Field::new("context.name") }
///     fn tags() -> Field<User, Vec<String>> { Field::new("context.tags") }
/// }
///
/// let adults = User::age().gte(18).and(User::name().regex("^A").or(User::tags().contains("vip")));
/// let filter = Filter::try_from(adults)?;
/// assert!(filter.matches_value(&json!({"context": {"age": 30, "name": "Ada"}})));
/// assert!(filter.matches_value(&json!({"context": {"age": 18, "tags": ["new", "vip"]}})));
/// assert!(!filter.matches_value(&json!({"context": {"age": 17, "name": "Ada"}})));
/// # Ok::<(), wayfare::FilterError>(())
/// ```
#[must_use = "a field does nothing by itself"]
pub struct Field<E, T> {
    path: Cow<'static, str>,
    of: PhantomData<fn() -> (E, T)>,
}

impl<E, T> Field<E, T> {
    /// The field at a dotted path in the form of a document, such as `context.age` or `_version`.
    ///
    /// That `E` has it and that it is a `T` is for the caller to know.
    pub const fn new(path: &'static str) -> Self {
        Self { path: Cow::Borrowed(path), of: PhantomData }
    }

    fn at_path(path: String) -> Self {
        Self { path: Cow::Owned(path), of: PhantomData }
    }

    /// Where it is stored, such as `context.age`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What a dotted path below it names, without a type: in an object, or in the objects of a list.
    pub fn at(&self, path: &str) -> Field<E, Value> {
        Field::at_path(format!("{}.{path}", self.path))
    }

    /// Equal to the value; `None` is equal to what is missing too.
    pub fn eq(&self, value: impl Operand<T>) -> Where<E> {
        self.compared("$eq", &value)
    }

    /// Not equal to the value, or missing.
    pub fn ne(&self, value: impl Operand<T>) -> Where<E> {
        self.compared("$ne", &value)
    }

    /// Greater than the value.
    ///
    /// Only values of one type are compared: what is missing or null is neither greater nor less than
    /// anything else.
    pub fn gt(&self, value: impl Operand<T>) -> Where<E> {
        self.compared("$gt", &value)
    }

    /// Greater than the value or equal to it, as [`gt`](Self::gt).
    pub fn gte(&self, value: impl Operand<T>) -> Where<E> {
        self.compared("$gte", &value)
    }

    /// Less than the value, as [`gt`](Self::gt).
    pub fn lt(&self, value: impl Operand<T>) -> Where<E> {
        self.compared("$lt", &value)
    }

    /// Less than the value or equal to it, as [`gt`](Self::gt).
    pub fn lte(&self, value: impl Operand<T>) -> Where<E> {
        self.compared("$lte", &value)
    }

    /// Equal to one of the values; of none, never.
    pub fn is_in(&self, values: impl IntoIterator<Item: Operand<T>>) -> Where<E> {
        self.tested("$in", operands(&self.path, values))
    }

    /// Equal to none of the values, or missing.
    pub fn not_in(&self, values: impl IntoIterator<Item: Operand<T>>) -> Where<E> {
        self.tested("$nin", operands(&self.path, values))
    }

    /// Stored, if only as null.
    pub fn exists(&self) -> Where<E> {
        self.tested("$exists", Ok(Value::Bool(true)))
    }

    /// Null or missing.
    pub fn is_null(&self) -> Where<E> {
        self.tested("$eq", Ok(Value::Null))
    }

    /// Of a type by one of MongoDB's names, such as `"string"`, `"number"` or `"null"`; the elements of a
    /// list count beside the list. An unknown name is [`FilterError::WrongOperand`] in the filter.
    pub fn has_type(&self, name: &str) -> Where<E> {
        self.tested("$type", Ok(Value::from(name)))
    }

    /// The order of its values, smallest first.
    #[must_use]
    pub fn ascending(&self) -> SortKey {
        SortKey { path: self.path.clone().into_owned(), descending: false }
    }

    /// The order of its values, largest first.
    #[must_use]
    pub fn descending(&self) -> SortKey {
        SortKey { path: self.path.clone().into_owned(), descending: true }
    }

    fn compared(&self, operator: &str, value: &impl Operand<T>) -> Where<E> {
        self.tested(operator, condition::operand(&self.path, value))
    }

    fn tested(&self, operator: &str, operand: Result<Value, FilterError>) -> Where<E> {
        let path = &*self.path;
        Where::new(operand.map(|operand| json!({ path: { operator: operand } })))
    }
}

impl<E, T: StoredAsText> Field<E, T> {
    /// Text in which a pattern is found, in the dialect that [`Filter`](crate::Filter) tells of. With `^` in
    /// front it can use an index; options stand in the pattern, as in `(?i)oslo`.
    ///
    /// A bad pattern is [`FilterError::BadRegex`] in the filter.
    pub fn regex(&self, pattern: &str) -> Where<E> {
        self.tested("$regex", Ok(Value::from(pattern)))
    }
}

impl<E, T: StoredAsInteger> Field<E, T> {
    /// With this remainder when divided by `divisor`; the remainder of a negative number is negative, as
    /// in Rust.
    ///
    /// A divisor of 0 is [`FilterError::WrongOperand`] in the filter.
    pub fn rem(&self, divisor: i64, remainder: i64) -> Where<E> {
        self.tested("$mod", Ok(remainder_of(divisor, remainder)))
    }
}

impl<E, T: StoredAsList> Field<E, T> {
    /// A list with an element equal to the value.
    pub fn contains(&self, value: impl Operand<T::Element>) -> Where<E> {
        self.tested("$elemMatch", condition::operand(&self.path, &value).map(equal_to))
    }

    /// A list that has each of the values among its elements. As in MongoDB, of no values there is no such
    /// list.
    pub fn all(&self, values: impl IntoIterator<Item: Operand<T::Element>>) -> Where<E> {
        // Plain values would be equal to the list itself too, and null to a missing list.
        let element = |value| Ok(json!({ "$elemMatch": equal_to(condition::operand(&self.path, &value)?) }));
        self.tested("$all", values.into_iter().map(element).collect())
    }

    /// A list of so many elements. More than 2,147,483,647 are [`FilterError::WrongOperand`] in the filter.
    pub fn size(&self, elements: usize) -> Where<E> {
        self.tested("$size", Ok(Value::from(elements)))
    }

    /// A list with an element that passes every test.
    ///
    /// ```
    /// # mod wayfare { pub use wayfare_graph::*; }
    /// # use serde_json::{Value, json};
    /// # use wayfare::{Field, Filter};
    /// # struct User;
    /// # impl User {
    /// #     fn scores() -> Field<User, Vec<u32>> { Field::new("context.scores") }
    /// #     fn homes() -> Field<User, Vec<Value>> { Field::new("context.homes") }
    /// # }
    /// let scored = User::scores().elem_match(|score| score.gte(5).lt(8));
    /// let lives = User::homes().elem_match(|home| home.at("city").eq("Oslo").and(home.at("floor").gt(2)));
    /// let filter = Filter::try_from(scored.and(lives))?;
    /// let homes = json!([{"city": "Oslo", "floor": 3}, {"city": "Bergen"}]);
    /// assert!(filter.matches_value(&json!({"context": {"scores": [2, 7], "homes": homes}})));
    /// assert!(!filter.matches_value(&json!({"context": {"scores": [2, 9], "homes": homes}})));
    /// # Ok::<(), wayfare::FilterError>(())
    /// ```
    pub fn elem_match<C: Into<Where<Element<T::Element>>>>(
        &self,
        tests: impl FnOnce(Element<T::Element>) -> C,
    ) -> Where<E> {
        self.tested("$elemMatch", tests(Element::new(&self.path)).into().into_value())
    }
}

impl<E, T> Clone for Field<E, T> {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), of: PhantomData }
    }
}

impl<E, T> fmt::Debug for Field<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.path)
    }
}

fn equal_to(value: Value) -> Value {
    json!({ "$eq": value })
}

/// The operand of `$mod`.
fn remainder_of(divisor: i64, remainder: i64) -> Value {
    json!([divisor, remainder])
}

#[cfg(test)]
mod tests;
