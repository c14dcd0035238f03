//! The parsers of this floor as `cargo xtask fuzz` calls them; its tests try the kept inputs on them.

mod cursors;
mod walkers;

/// A name and what reads an input, panicking where something is wrong.
pub type Target = (&'static str, fn(&[u8]));

/// The targets of this floor.
pub const TARGETS: &[Target] = &[
    ("config", crate::config::fuzzing::file),
    ("environment", crate::config::fuzzing::environment),
    ("settings_urls", crate::config::fuzzing::urls),
    ("cursors", cursors::run),
    ("walkers", walkers::run),
    ("arguments", crate::command::fuzzing::arguments),
    ("imports", crate::command::fuzzing::imports),
    ("top_answers", crate::command::fuzzing::answers),
];

#[cfg(test)]
mod tests {
    #[test]
    fn kept_inputs_pass() {
        wayfare_testkit::try_corpus(super::TARGETS);
    }
}
