//! What a field may be compared with.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::id::Id;

/// A value that a field of type `T` may be compared with: it serialises in the form that a `T` has.
///
/// That is a `T` or a reference to one, for `Option<T>` a `T` too, for text `&str`, for a vector an array or
/// slice of what its items may be compared with, and for untyped fields whatever JSON has. For a type of
/// your own that serialises as text, `impl Operand<Email> for &str {}` allows text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared with a field of type `{T}`",
    label = "cannot be compared with a field of type `{T}`",
    note = "compare with a `{T}` or a reference to one; for `Option<T>` with a `T` too, for `String` with `&str`"
)]
pub trait Operand<T>: Serialize {}

impl<T: Serialize> Operand<T> for T {}
impl<T: Serialize> Operand<T> for &T {}
impl<T: Serialize> Operand<Option<T>> for T {}
impl<T: Serialize> Operand<Option<T>> for &T {}

impl<T, V: Operand<T>, const N: usize> Operand<Vec<T>> for [V; N] where [V; N]: Serialize {}
impl<T, V: Operand<T>, const N: usize> Operand<Vec<T>> for &[V; N] where [V; N]: Serialize {}
impl<T, V: Operand<T>> Operand<Vec<T>> for &[V] {}

impl<V: Operand<Value>> Operand<Value> for Vec<V> {}
impl<V: Operand<Value>> Operand<Value> for &[V] {}
impl<V: Operand<Value>, const N: usize> Operand<Value> for [V; N] where [V; N]: Serialize {}

macro_rules! operands {
    ($($operand:ty: $($field:ty),+;)+) => {
        $($(impl Operand<$field> for $operand {})+)+
    };
}

operands! {
    &str: String, Box<str>, Arc<str>, Cow<'static, str>;
    &str: Option<String>, Option<Box<str>>, Option<Arc<str>>, Option<Cow<'static, str>>;
    // An id in text. One that is none matches nothing.
    &str: Id, Option<Id>;
    &str: Value;
    String: Value;
    &String: Value;
    bool: Value;
    i8: Value;
    i16: Value;
    i32: Value;
    i64: Value;
    isize: Value;
    u8: Value;
    u16: Value;
    u32: Value;
    u64: Value;
    usize: Value;
    f32: Value;
    f64: Value;
}
