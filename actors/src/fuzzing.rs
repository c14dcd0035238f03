//! The parsers of this floor as `cargo xtask fuzz` calls them; its tests try the kept inputs on them.

/// The targets of this floor: a name, and what reads an input and panics where something is wrong.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("checkpoints", crate::durable::fuzzing::checkpoints),
    ("cached_values", crate::cache::fuzzing::values),
];

#[cfg(test)]
mod tests {
    #[test]
    fn kept_inputs_pass() {
        wayfare_testkit::try_corpus(super::TARGETS);
    }
}
