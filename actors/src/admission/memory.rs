//! How much memory the machine has left.

use std::fs;

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

/// What a machine has.
struct Memory {
    total: u64,
    available: u64,
}

/// Whether there is as much memory as is to be kept free; `true` where nobody says how much there is.
pub(crate) fn has_reserve(reserve: MemoryReserve) -> bool {
    if reserve == MemoryReserve::Bytes(0) {
        return true;
    }
    let Some(memory) = of_machine() else { return true };
    let within = [Some(memory), of_group()].into_iter().flatten();
    within.into_iter().all(|memory| {
        let least = match reserve {
            MemoryReserve::Auto => (memory.total / AUTO_PART).min(MOST_AUTO),
            MemoryReserve::Bytes(bytes) => bytes,
        };
        memory.available >= least
    })
}

/// What the kernel says in `/proc/meminfo`.
fn of_machine() -> Option<Memory> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Memory { total: kib("MemTotal:")? * 1_024, available: kib("MemAvailable:")? * 1_024 })
}

/// What the control group of this process may have, where it is bounded.
fn of_group() -> Option<Memory> {
    let number = |file: &str| -> Option<u64> {
        fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok()?.trim().parse().ok()
    };
    let (total, current) = (number("memory.max")?, number("memory.current")?);
    // Pages of files are given back when they are needed.
    let stat = fs::read_to_string("/sys/fs/cgroup/memory.stat").ok()?;
    let files = stat.lines().find_map(|line| line.strip_prefix("file ")?.trim().parse::<u64>().ok());
    let used = current.saturating_sub(files.unwrap_or(0));
    Some(Memory { total, available: total.saturating_sub(used) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_beyond_all_memory_is_never_there_and_none_always_is() {
        assert!(has_reserve(MemoryReserve::Bytes(0)));
        if of_machine().is_some() {
            assert!(has_reserve(MemoryReserve::Bytes(1)));
            assert!(!has_reserve(MemoryReserve::Bytes(u64::MAX)));
        }
    }
}
