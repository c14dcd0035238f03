//! The application that uses jvspatial.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A database as an application of jvspatial sees it.
pub struct Application {
    python: PathBuf,
    url: String,
}

impl Application {
    /// `None`, said aloud, where jvspatial is not to be had.
    pub fn new(url: impl Into<String>) -> Option<Self> {
        Some(Self { python: wayfare_testkit::jvspatial_python()?, url: url.into() })
    }

    /// Runs one command of the script and gives what it prints.
    pub fn run(&self, command: &str) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/interop/application.py");
        let done = Command::new(&self.python).args([script, command, &self.url]).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "`{command}` on {}: {said}", self.url);
        String::from_utf8(done.stdout).unwrap()
    }

    /// What the library sees.
    pub fn tells(&self) -> Value {
        serde_json::from_str(&self.run("tell")).unwrap()
    }

    /// The id of a city, as the library sees it.
    pub fn city(&self, name: &str) -> String {
        self.tells()["cities"][name]["id"].as_str().unwrap_or_else(|| panic!("no city {name}")).to_owned()
    }
}
