//! The parsers of this floor as `cargo xtask fuzz` calls them; its tests try the kept inputs on them.

mod addresses;

/// A name and what reads an input, panicking where something is wrong.
pub type Target = (&'static str, fn(&[u8]));

/// The targets of this floor.
pub const TARGETS: &[Target] = &[
    ("addresses", addresses::run),
    ("json_files", crate::json::fuzzing::files),
    ("stored_documents", crate::embedded::fuzzing::documents),
    ("ordered_values", crate::embedded::fuzzing::ordered_values),
    #[cfg(feature = "redis")]
    ("cache_entries", crate::redis::fuzzing::entries),
];

#[cfg(test)]
mod tests {
    #[test]
    fn kept_inputs_pass() {
        wayfare_testkit::try_corpus(super::TARGETS);
    }
}
