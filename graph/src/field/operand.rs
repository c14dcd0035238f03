//! What a field may be compared with.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::id::Id;

/// A value that a field of type `T` may be compared with: it serialises in the form that a `T` has.
///
/// That is a `T` or a reference to one, for `Option<T>` a `T` too, for text `&str`, for a vector an array or
/// slice of what its items may be compared with, and for untyped fields whatever JSON has. Implement it for
/// what stands for a type of your own:
///
/// ```
/// # mod wayfare { pub use wayfare_graph::*; }
/// use wayfare::{Field, Operand, StoredAsText};
///
/// /// Serialises as text.
/// #[derive(serde::Serialize)]
/// struct Email(String);
///
/// impl Operand<Email> for &str {}
/// impl StoredAsText for Email {}
///
/// # struct User;
/// let email = Field::<User, Email>::new("context.email");
/// let condition = email.eq("ada@example.org").or(email.regex("@example.com$"));
/// # assert!(wayfare::Filter::try_from(condition).is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared with a field of type `{T}`",
    label = "cannot be compared with a field of type `{T}`",
    note = "compare with the type itself or a reference to it; `Option<T>` with `T` too, `String` with `&str`"
)]
pub trait Operand<T>: Serialize {}

// The others are told by the note; a list of them would bury it.
impl<T: Serialize> Operand<T> for T {}
#[diagnostic::do_not_recommend]
impl<T: Serialize> Operand<T> for &T {}
#[diagnostic::do_not_recommend]
impl<T: Serialize> Operand<Option<T>> for T {}
#[diagnostic::do_not_recommend]
impl<T: Serialize> Operand<Option<T>> for &T {}

#[diagnostic::do_not_recommend]
impl<T, V: Operand<T>, const N: usize> Operand<Vec<T>> for [V; N] where [V; N]: Serialize {}
#[diagnostic::do_not_recommend]
impl<T, V: Operand<T>, const N: usize> Operand<Vec<T>> for &[V; N] where [V; N]: Serialize {}
#[diagnostic::do_not_recommend]
impl<T, V: Operand<T>> Operand<Vec<T>> for &[V] {}

#[diagnostic::do_not_recommend]
impl<V: Operand<Value>> Operand<Value> for Vec<V> {}
#[diagnostic::do_not_recommend]
impl<V: Operand<Value>> Operand<Value> for &[V] {}
#[diagnostic::do_not_recommend]
impl<V: Operand<Value>, const N: usize> Operand<Value> for [V; N] where [V; N]: Serialize {}

macro_rules! operands {
    ($($operand:ty: $($field:ty),+;)+) => {
        $($(
            #[diagnostic::do_not_recommend]
            impl Operand<$field> for $operand {}
        )+)+
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
