//! Names of databases, and of what else tests have for themselves.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many names this process has been given.
static NAMED: AtomicU32 = AtomicU32::new(0);

/// Makes a name that no other call in this process gets: `prefix` and a number.
///
/// Servers belong to one process, so tests that share one keep out of each other's way by it. MongoDB takes at most 63
/// bytes and tells no upper from lower case, so the prefix should be short and in lower case.
pub fn unique_database(prefix: &str) -> String {
    // Relaxed: only that the numbers differ matters.
    format!("{prefix}_{}", NAMED.fetch_add(1, Ordering::Relaxed))
}

/// Makes a prefix for keys that no other call in this process gets: `name`, a point and a number.
///
/// Tests that share a [`Redis`](crate::Redis) keep apart by it. `name` should be of letters, digits, `-`, `_` and `.`.
pub fn unique_prefix(name: &str) -> String {
    // Relaxed: only that the numbers differ matters.
    format!("{name}.{}", NAMED.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_prefix_differ() {
        let (first, second) = (unique_database("orders"), unique_database("orders"));
        assert_ne!(first, second);
        assert!(first.starts_with("orders_"), "{first}");
        let (first, second) = (unique_prefix("orders"), unique_prefix("orders"));
        assert_ne!(first, second);
        assert!(first.starts_with("orders."), "{first}");
    }
}
