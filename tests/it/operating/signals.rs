use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus};

use tempfile::TempDir;
use wayfare::{Id, Runtime};

use super::child;
use crate::walks::stage::{Hamlet, within};

/// A store with a child that works on it.
struct Operated {
    /// Holds the folder.
    _folder: TempDir,
    store: String,
    file: PathBuf,
}

/// A child under way. It does not outlive its owner.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    /// What it said so far.
    said: Vec<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has been waited for already, unless the test fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Operated {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("embedded:{}", folder.path().join("store").display());
        let runtime = Runtime::open(&store).unwrap();
        let graph = runtime.graph();
        for key in ["a", "b"] {
            graph.create_as(key, Hamlet { name: key.to_owned() }).await.unwrap();
        }
        for (from, to) in [("a", "b"), ("b", "a")] {
            let [from, to] = [from, to].map(crate::walks::stage::hamlet);
            graph.connect(from, to, crate::walks::stage::Lane {}).await.unwrap();
        }
        within(runtime.shutdown()).await;
        let file = folder.path().join("config.toml");
        // Longer than the test may take: whoever waits for all of it fails.
        std::fs::write(&file, "[workers]\ncount = 1\n[supervision]\ndrain_timeout_ms = 3_600_000\n").unwrap();
        Self { _folder: folder, store, file }
    }

    fn start(&self, is_stubborn: bool) -> Running {
        let mut child = child::start(&self.store, &self.file, is_stubborn);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines, said: Vec::new() }
    }

    /// Opens the store and looks for everything that a child said it had written.
    async fn holds(&self, said: &[String]) {
        let runtime = Runtime::open(&self.store).unwrap();
        let ids: Vec<Id> = said
            .iter()
            .filter_map(|line| line.strip_prefix("wrote "))
            .map(|id| id.parse().unwrap())
            .collect();
        let found = runtime.graph().documents(&ids).await.unwrap();
        assert!(found.iter().all(Option::is_some), "{} written", ids.len());
        within(runtime.shutdown()).await;
    }
}

impl Running {
    /// Reads on until it says something that begins so.
    #[track_caller]
    fn hears(&mut self, what: &str) {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if let Some(said) = line.strip_prefix("says ") {
                self.said.push(said.to_owned());
                if said.starts_with(what) {
                    return;
                }
            }
        }
        panic!("it ended without saying `{what}`: {:?}", self.child.wait());
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), pid]).status().unwrap().success());
    }

    /// Waits for its end; gives how it ended and all that it said.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
        for line in self.lines.by_ref() {
            self.said.extend(line.unwrap().strip_prefix("says ").map(str::to_owned));
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.said))
    }
}

#[tokio::test]
async fn on_sigterm_and_sigint_walks_finish_and_everything_acknowledged_is_in_the_store() {
    let operated = Operated::new().await;
    for (signal, name) in [("TERM", "Terminate"), ("INT", "Interrupt")] {
        let mut child = operated.start(false);
        child.hears("wrote");
        child.signal(signal);
        let (status, said) = child.end();
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(said.contains(&"drains".to_owned()) && said.contains(&"walked true".to_owned()));
        assert_eq!(said.last().unwrap(), &format!("stopped {name}"));
        operated.holds(&said).await;
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once_and_the_store_loses_nothing() {
    let operated = Operated::new().await;
    for (second, code) in [("TERM", 143), ("INT", 130)] {
        let mut child = operated.start(true);
        child.hears("wrote");
        child.signal("TERM");
        child.hears("drains");
        child.signal(second);
        let (status, said) = child.end();
        assert_eq!(status.code(), Some(code), "{status}");
        assert!(!said.iter().any(|line| line.starts_with("walked") || line.starts_with("stopped")));
        operated.holds(&said).await;
    }
}

#[tokio::test]
async fn a_signal_while_the_store_is_opened_ends_the_process_and_harms_nothing() {
    let operated = Operated::new().await;
    let (mut tries, mut ended_by_signal) = (0, 0);
    // Whose disk is quick and whose processes begin slowly may be quicker than the signal many times.
    while tries < 8 || ended_by_signal == 0 && tries < 200 {
        tries += 1;
        let mut child = operated.start(false);
        child.hears("opens");
        child.signal("TERM");
        let (status, said) = child.end();
        // One that was quicker than the signal has drained.
        assert!(status.signal() == Some(15) || status.code() == Some(0), "{status}");
        ended_by_signal += usize::from(status.signal() == Some(15));
        operated.holds(&said).await;
    }
    assert!(ended_by_signal > 0, "all children were quicker than the signal");
}

#[tokio::test]
async fn sighup_has_the_settings_read_again_also_where_the_file_is_as_it_was() {
    let operated = Operated::new().await;
    let mut child = operated.start(false);
    child.hears("reloaded 0");
    child.hears("wrote");
    // Nothing but the signal makes it tell of a file that has not changed.
    child.signal("HUP");
    child.hears("reloaded 0");
    let new = operated.file.with_extension("new");
    std::fs::write(&new, "[workers]\ncount = 2\n[supervision]\ndrain_timeout_ms = 3_600_000\n").unwrap();
    std::fs::rename(new, &operated.file).unwrap();
    child.signal("HUP");
    child.hears("reloaded 1");
    child.signal("TERM");
    let (status, said) = child.end();
    assert_eq!(status.code(), Some(0), "{status}");
    operated.holds(&said).await;
}
