//! How much memory has to be free.

use crate::machine::memories;

/// The part of the machine's memory that has to be free, where nothing else is said.
const AUTO_PART: u64 = 20;

/// The most that has to be free then.
const MOST_AUTO: u64 = 1 << 30;

/// Memory that has to be free for walks to be admitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryReserve {
    /// A twentieth of the machine's, or of what the control group may have, at most 1 GiB.
    #[default]
    Auto,
    /// So many bytes; none where it is 0.
    Bytes(u64),
}

/// Whether there is as much memory as is to be kept free; `true` where nobody says how much there is.
pub(crate) fn has_reserve(reserve: MemoryReserve) -> bool {
    if reserve == MemoryReserve::Bytes(0) {
        return true;
    }
    memories().into_iter().all(|memory| {
        let least = match reserve {
            MemoryReserve::Auto => (memory.total / AUTO_PART).min(MOST_AUTO),
            MemoryReserve::Bytes(bytes) => bytes,
        };
        memory.available >= least
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_beyond_all_memory_is_never_there_and_none_always_is() {
        assert!(has_reserve(MemoryReserve::Bytes(0)));
        if !memories().is_empty() {
            assert!(has_reserve(MemoryReserve::Bytes(1)));
            assert!(!has_reserve(MemoryReserve::Bytes(u64::MAX)));
        }
    }
}
