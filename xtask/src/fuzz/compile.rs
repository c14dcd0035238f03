//! Building the parsers so that libFuzzer sees which of their code an input reaches.
//!
//! Cargo calls this program in the place of the compiler, for the crates of the workspace only. It adds flags for those
//! with parsers and leaves all others alone: macros and build scripts run in the compiler, where no libFuzzer is linked.
//! What cargo keeps for such a build lies beside what it keeps for others, and neither makes it build the other again.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

use crate::step::Step;

/// Set while cargo is to call this program in the place of the compiler.
const VARIABLE: &str = "WAYFARE_FUZZ_COMPILE";

/// Crates with parsers.
const PARSERS: [&str; 4] = ["wayfare_graph", "wayfare_stores", "wayfare_actors", "wayfare"];

/// The crate that links them with libFuzzer.
const DRIVER: &str = "wayfare_fuzz";

/// What `-Zsanitizer` would do on an unstable compiler: a counter for each edge between blocks of code, where each
/// lies, and calls that tell what numbers and lengths are compared with.
const INSTRUMENTED: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Inputs a second count for more than the time to build; checks of overflow stay on.
    "-Copt-level=1",
    "-Cdebuginfo=line-tables-only",
];

/// The compiler's exit code, when cargo called this program in its place.
pub(crate) fn compile_instead() -> Option<ExitCode> {
    env::var_os(VARIABLE)?;
    let mut words = env::args_os().skip(1);
    let mut compiler = Command::new(words.next()?);
    let words: Vec<_> = words.collect();
    let name_at = words.iter().position(|word| word == "--crate-name");
    let name = name_at.and_then(|at| words.get(at + 1)).and_then(|name| name.to_str()).unwrap_or_default();
    compiler.args(&words);
    if PARSERS.contains(&name) || name == DRIVER {
        compiler.args(["--cfg", "fuzzing"]);
    }
    if PARSERS.contains(&name) {
        compiler.args(INSTRUMENTED);
    }
    // Only comes back when there is no compiler.
    let error = compiler.exec();
    eprintln!("cannot start `{}`: {error}", compiler.get_program().display());
    Some(ExitCode::FAILURE)
}

/// Builds the program that holds every target, and gives its path.
pub(super) fn build(target_folder: &Path) -> Result<PathBuf, String> {
    let wrapper = wrapper(target_folder)
        .map_err(|error| format!("cannot copy this program for cargo to call: {error}"))?;
    // The whole workspace, as all other chores have it: else features would differ, and much be built again.
    let build = Step::cargo("build --workspace --example wayfare-fuzz --quiet")
        .with(VARIABLE, "1")
        .with("RUSTC_WORKSPACE_WRAPPER", wrapper);
    if !build.run_aloud() {
        return Err("the targets do not build; this needs a C++ compiler".to_owned());
    }
    Ok(target_folder.join("debug/examples/wayfare-fuzz"))
}

/// A copy of this program under a name that tells the flags it adds: cargo builds again when the name is another one,
/// and does not look at what the program does.
fn wrapper(target_folder: &Path) -> io::Result<PathBuf> {
    let mut hash = DefaultHasher::new();
    (PARSERS, DRIVER, INSTRUMENTED).hash(&mut hash);
    let folder = target_folder.join("fuzz");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("compiler-{:016x}", hash.finish()));
    // By another name first: a program that runs cannot be written over.
    let fresh = folder.join("compiler-new");
    fs::copy(env::current_exe()?, &fresh)?;
    fs::rename(&fresh, &path)?;
    Ok(path)
}
