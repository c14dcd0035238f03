//! The parsers of this floor as `cargo xtask fuzz` calls them; its tests try the kept inputs on them.

mod bodies;
mod documents;
mod filters;
mod ids;

/// A name and what reads an input, panicking where something is wrong.
pub type Target = (&'static str, fn(&[u8]));

/// The targets of this floor.
pub const TARGETS: &[Target] =
    &[("ids", ids::run), ("bodies", bodies::run), ("documents", documents::run), ("filters", filters::run)];

#[cfg(test)]
mod tests {
    #[test]
    fn kept_inputs_pass() {
        wayfare_testkit::try_corpus(super::TARGETS);
    }
}
