//! The parsers of this floor as `cargo xtask fuzz` calls them; its tests try the kept inputs on them.

mod addresses;

/// The targets of this floor: a name, and what reads an input and panics where something is wrong.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
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
