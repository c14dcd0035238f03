//! The programs that tests start, named by environment variables.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::{env, io, thread};

/// The variable that names `mongod`.
const MONGOD: &str = "WAYFARE_MONGOD";

/// The variable that names a Python with `jvspatial` and `pymongo`.
const JVSPATIAL: &str = "WAYFARE_JVSPATIAL";

/// The variable that names `redis-server`.
const REDIS: &str = "WAYFARE_REDIS";

/// Finds the Python that can import `jvspatial` and `pymongo`, for tests of what both sides store.
///
/// `None`, said aloud, where `WAYFARE_JVSPATIAL` does not name it.
///
/// # Panics
///
/// The variable is set and names no file.
pub fn jvspatial_python() -> Option<PathBuf> {
    named(JVSPATIAL, env::var_os(JVSPATIAL), &mut io::stderr())
}

/// The path of `mongod`; `None`, said aloud, where the variable is not set.
pub(crate) fn mongod() -> Option<PathBuf> {
    named(MONGOD, env::var_os(MONGOD), &mut io::stderr())
}

/// The path of `redis-server`; `None`, said aloud, where the variable is not set.
pub(crate) fn redis() -> Option<PathBuf> {
    named(REDIS, env::var_os(REDIS), &mut io::stderr())
}

fn named(variable: &str, value: Option<OsString>, told: &mut impl Write) -> Option<PathBuf> {
    let Some(value) = value else {
        // The harness names the thread of a test after the test.
        let thread = thread::current();
        let test = thread.name().unwrap_or("a test");
        let line = format!("SKIPPED {test}: {variable} is not set, as `cargo xtask test` does\n");
        // Past the capture of the test's output: a skipped test looks like a passed one.
        let _ = told.write_all(line.as_bytes());
        return None;
    };
    let path = PathBuf::from(value);
    assert!(path.is_file(), "`{}` is no file: {variable} is wrong", path.display());
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_skips_where_the_variable_is_not_set() {
        let mut told = Vec::new();
        assert_eq!(named("WAYFARE_NOTHING", None, &mut told), None);
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("SKIPPED program::tests::a_test_skips_"), "{told}");
        assert!(told.contains(": WAYFARE_NOTHING is not set"), "{told}");
    }

    #[test]
    fn a_file_that_the_variable_names_is_used() {
        let this = env::current_exe().unwrap();
        assert_eq!(named("WAYFARE_NOTHING", Some(this.clone().into()), &mut io::sink()), Some(this));
    }

    #[test]
    #[should_panic(expected = "`/no/such/file` is no file: WAYFARE_NOTHING is wrong")]
    fn a_variable_that_names_nothing_is_a_mistake_and_no_skip() {
        named("WAYFARE_NOTHING", Some("/no/such/file".into()), &mut io::sink());
    }
}
