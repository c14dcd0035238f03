//! One cargo command, announced, timed, and given back to type again when it fails.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fmt};

/// A cargo command with environment variables of its own; displays as one would type it.
///
/// It inherits everything else, so `WAYFARE_DATA` and `CARGO_TARGET_DIR` reach it and all steps share one target
/// folder.
pub(crate) struct Step {
    arguments: &'static str,
    variables: Vec<(&'static str, OsString)>,
}

impl Step {
    /// `cargo` with `arguments`, which hold no quoting: they are split at spaces.
    pub(crate) const fn cargo(arguments: &'static str) -> Self {
        Self { arguments, variables: Vec::new() }
    }

    /// Sets an environment variable for the command.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Runs it with its output shown, between a line that announces it and one that tells the time it took.
    pub(crate) fn run_aloud(&self) -> bool {
        println!("==> {self}");
        let started = Instant::now();
        let status = self.command().status();
        let seconds = started.elapsed().as_secs_f64();
        match status {
            Ok(status) if status.success() => {
                println!("==> passed in {seconds:.1} s: {self}");
                return true;
            }
            Ok(status) => eprintln!("==> failed in {seconds:.1} s ({status}); to repeat: {self}"),
            Err(error) => eprintln!("==> could not start ({error}); to repeat: {self}"),
        }
        false
    }

    /// Runs it with its output thrown away.
    pub(crate) fn succeeds_quietly(&self) -> bool {
        let status = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        // The cargo that runs this chore, so that a chosen toolchain holds for every step.
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(self.arguments.split(' ')).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(f, "{name}='{}' ", value.display())?;
        }
        write!(f, "cargo {}", self.arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_shows_as_one_would_type_it() {
        assert_eq!(Step::cargo("fmt --check").to_string(), "cargo fmt --check");
        let step = Step::cargo("doc --no-deps").with("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(step.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
        let step = Step::cargo("test").with("A", "1").with("B", Path::new("/2"));
        assert_eq!(step.to_string(), "A='1' B='/2' cargo test");
    }

    #[test]
    fn a_step_tells_success_from_failure() {
        assert!(Step::cargo("--version").succeeds_quietly());
        assert!(!Step::cargo("no-such-command-of-cargo").succeeds_quietly());
    }
}
