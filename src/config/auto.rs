//! Values that the machine decides.

use std::{fs, thread};

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

/// Half of the machine's memory in bytes, where the system tells it.
pub(super) fn half_of_memory() -> Option<u64> {
    half_of_total(&fs::read_to_string("/proc/meminfo").ok()?)
}

/// Half of the line `MemTotal:  24689764 kB`, in bytes.
fn half_of_total(meminfo: &str) -> Option<u64> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024 / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_memory_is_read_from_the_total_line() {
        assert_eq!(half_of_total("MemFree: 1 kB\n"), None);
        assert_eq!(half_of_total("MemTotal:       24689764 kB\nMemFree:  1 kB\n"), Some(24_689_764 * 512));
        assert_eq!(half_of_total("MemTotal: lots kB\n"), None);
        assert_eq!(half_of_total("MemTotal: 18446744073709551615 kB\n"), None);
    }
}
