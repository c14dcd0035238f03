//! The inputs that fuzzing has kept, tried once each.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// A target of fuzzing: its name, and what reads an input and panics where something is wrong.
pub type FuzzTarget = (&'static str, fn(&[u8]));

/// Runs each target on every input in its folder of `fuzz/corpus`.
///
/// # Panics
/// Where a target does, after naming it and the input; and when a target has no inputs, because nobody would fuzz it.
pub fn try_corpus(targets: &[FuzzTarget]) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, target) in targets {
        let folder = corpus.join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| {
            panic!("target `{name}` has no inputs in `{}`: {error}", folder.display())
        });
        let mut tried = 0;
        for file in files {
            let path = file.expect("a folder that opened can be listed").path();
            let input = fs::read(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()));
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
                eprintln!("target `{name}` failed on `{}`", path.display());
                resume_unwind(panic);
            }
            tried += 1;
        }
        assert!(tried > 0, "target `{name}` has no inputs in `{}`", folder.display());
    }
}
