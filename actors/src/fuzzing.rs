//! The parsers of this floor as `cargo xtask fuzz` calls them; its tests try the kept inputs on them.

/// A name and what reads an input, panicking where something is wrong.
pub type Target = (&'static str, fn(&[u8]));

/// The targets of this floor.
pub const TARGETS: &[Target] = &[
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
