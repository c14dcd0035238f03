//! The `wayfare` command on a store that nobody else has open.

use std::path::{Path, PathBuf};
use std::process;

use serde_json::Value;

use super::subject::Subject;

/// The command with its store.
pub struct Command {
    store: PathBuf,
}

impl Command {
    pub fn on(store: &Path) -> Self {
        Self { store: store.to_owned() }
    }

    /// Runs it and gives what it printed; it must succeed.
    pub fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Value {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        let mut command = process::Command::new(env!("CARGO_BIN_EXE_wayfare"));
        command.args(&arguments).args(["--store", &format!("embedded:{}", self.store.display())]);
        // Settings of the checkout or of whoever runs the tests must not reach it.
        command.current_dir(self.store.parent().expect("the store lies in a folder"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAYFARE_")) {
            command.env_remove(name);
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`wayfare {}`: {}: {told}", arguments.join(" "), output.status);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("`wayfare {}` printed no JSON: {error}", arguments.join(" ")))
    }

    /// Runs a walk from the source of a row in its direction.
    pub fn walk(&self, walk: &str, subject: &Subject, row: &Value, more: &[&str]) -> Value {
        let source = subject.id(&row["source"]).to_string();
        let direction = row["direction"].as_str().expect("the row has a direction");
        let arguments = ["walk", walk, "--from", &source, "--direction", direction];
        self.run(&[&arguments, more].concat())
    }
}
