//! What form the values of a type have in a document, for tests that need one form.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

/// A type whose values are stored as text: [`Field::regex`](super::Field::regex) may look into it.
///
/// Implement it for a type of your own that serialises as text.
#[diagnostic::on_unimplemented(message = "`{Self}` is not stored as text", label = "not stored as text")]
pub trait StoredAsText {}

/// A type whose values are stored as whole numbers: [`Field::rem`](super::Field::rem) may divide them.
///
/// Implement it for a type of your own that serialises as a whole number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not stored as a whole number",
    label = "not stored as a whole number"
)]
pub trait StoredAsInteger {}

/// A type whose values are stored as lists: [`Field::contains`](super::Field::contains) and what belongs to
/// it look at the elements.
///
/// Implement it for a type of your own that serialises as a list.
#[diagnostic::on_unimplemented(message = "`{Self}` is not stored as a list", label = "not stored as a list")]
pub trait StoredAsList {
    /// The type of an element.
    type Element;
}

impl StoredAsText for Box<str> {}
impl StoredAsText for Arc<str> {}
impl StoredAsText for Cow<'_, str> {}
impl<T: StoredAsText> StoredAsText for Option<T> {}

impl<T: StoredAsInteger> StoredAsInteger for Option<T> {}

macro_rules! stored {
    ($form:ident: $($type:ty),+) => { $(impl $form for $type {})+ };
}

stored!(StoredAsText: String, char, Value);
stored!(StoredAsInteger: i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, Value);

impl<T> StoredAsList for Vec<T> {
    type Element = T;
}

impl<T> StoredAsList for Box<[T]> {
    type Element = T;
}

impl<T> StoredAsList for VecDeque<T> {
    type Element = T;
}

impl<T, const N: usize> StoredAsList for [T; N] {
    type Element = T;
}

impl<T> StoredAsList for BTreeSet<T> {
    type Element = T;
}

impl<T, S> StoredAsList for HashSet<T, S> {
    type Element = T;
}

impl<T: StoredAsList> StoredAsList for Option<T> {
    type Element = T::Element;
}

impl StoredAsList for Value {
    type Element = Self;
}
