//! The process that kills: one store through many children.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wayfare::{Config, Random, Runtime};

use super::child;
use super::said::Said;
use super::verify::Known;
use super::work;

/// The signal that cannot be caught.
const SIGKILL: i32 = 9;

/// When a child is killed, in microseconds after it said its first line.
const KILLED_AFTER_US: u64 = 200_000;

/// One child in so many is killed before that: while it starts, opens the store, or begins to work.
const KILLED_EARLY: u64 = 8;

/// When such a child is killed, in microseconds after it was started.
const KILLED_EARLY_AFTER_US: u64 = 60_000;

/// How long a child may take to say its first line. A store that cannot be opened says nothing.
const PATIENCE: Duration = Duration::from_secs(120);

/// One store with what is known of it.
pub struct Series {
    seed: u64,
    number: u64,
    random: Random,
    /// Holds the folder.
    _folder: TempDir,
    /// As its URL.
    store: String,
    known: Known,
}

impl Series {
    /// A fresh store with what the work begins with.
    pub fn new(scheme: &str, seed: u64, number: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("{scheme}:{}", folder.path().join("store").display());
        // Each worker and each shard has files open.
        let settings = Config::builder().store_url(store.as_str()).workers_count(2).shards_count(2);
        let runtime = Runtime::start(&settings.build().unwrap()).unwrap();
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        executor.block_on(async {
            work::set_up(&runtime.graph()).await.unwrap();
            runtime.shutdown().await;
        });
        let random = Random::stream(seed, number);
        Self { seed, number, random, _folder: folder, store, known: Known::default() }
    }

    /// Starts a child, kills it and looks at what it left, as often as asked; tells how many lines were checked.
    pub fn kill_again_and_again(mut self, times: usize) -> u64 {
        let mut lines = 0;
        for round in 0..times {
            let said = self.kill_one(round as u64);
            lines += said.len() as u64;
            let what = format!("seed {} store {} round {round}", self.seed, self.number);
            self.known.check(&self.store, &said, &what);
        }
        lines
    }

    /// Everything a child said before it was killed.
    fn kill_one(&mut self, round: u64) -> Vec<Said> {
        let mut running = Running::start(child::start(&self.store, self.random.next_u64(), round));
        let mut said = Vec::new();
        let mut after = self.random.below(KILLED_EARLY_AFTER_US);
        if self.random.below(KILLED_EARLY) > 0 {
            let first = running.lines.recv_timeout(PATIENCE);
            said.push(first.unwrap_or_else(|_| panic!("{}", running.ended_by_itself(&said))));
            after = self.random.below(KILLED_AFTER_US);
        }
        let until = Instant::now() + Duration::from_micros(after);
        loop {
            match running.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("{}", running.ended_by_itself(&said)),
            }
        }
        said.extend(running.kill());
        said
    }
}

/// A child under way. It does not outlive its owner.
struct Running {
    child: Child,
    lines: Receiver<Said>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    fn start(mut child: Child) -> Self {
        let out = child.stdout.take().expect("the output is piped");
        let (heard, lines) = channel();
        let reader = thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut line = String::new();
            // The last line may be cut off by the kill.
            while matches!(out.read_line(&mut line), Ok(read) if read > 0 && line.ends_with('\n')) {
                if let Some(said) = Said::hear(line.trim_end())
                    && heard.send(said).is_err()
                {
                    return;
                }
                line.clear();
            }
        });
        Self { child, lines, reader: Some(reader) }
    }

    /// Kills it and gives the lines it had said by then and nobody had read.
    fn kill(&mut self) -> Vec<Said> {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let said: Vec<Said> = self.lines.try_iter().collect();
        assert_eq!(status.signal(), Some(SIGKILL), "{status}: {}", self.ended_by_itself(&said));
        said
    }

    /// Why it ended before it was killed, or said nothing at all.
    fn ended_by_itself(&mut self, said: &[Said]) -> String {
        let _ = self.child.kill();
        let failed = said.iter().find(|said| matches!(said, Said::Failed { .. }));
        let mut words = String::new();
        if let Some(error) = &mut self.child.stderr {
            let _ = error.read_to_string(&mut words);
        }
        format!("a child went wrong: {failed:?} {words}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has been waited for already, unless the test fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
