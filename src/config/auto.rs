//! Values that the machine decides.

use std::thread;

use serde::{Serialize, Serializer};

/// A setting that the machine decides unless a value is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrAuto<T> {
    /// Derived from the machine at start; written `"auto"`.
    #[default]
    Auto,
    /// The value itself.
    Fixed(T),
}

impl<T> From<T> for OrAuto<T> {
    fn from(value: T) -> Self {
        Self::Fixed(value)
    }
}

impl<T: Serialize> Serialize for OrAuto<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Fixed(value) => value.serialize(serializer),
        }
    }
}

/// Cores this process may use, 1 where that is unknown.
pub(super) fn available_cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Half of the memory that this process may have, in bytes, where the system tells it.
pub(super) fn half_of_memory() -> Option<u64> {
    Some(wayfare_actors::memory_of_process()? / 2)
}
