//! One process of a server that can be killed, hung and started again.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::guarded::Guarded;
use crate::port;

/// Longest wait for a server that starts; it takes a quarter of a second on an idle machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often something is looked at that tells nobody when it changes.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How many ports are tried, and how often the one port of a server that is started again.
const ATTEMPTS: usize = 50;

/// How many lines of the log a failure shows.
const TAIL_LINES: usize = 20;

/// What differs between the servers of one program and of another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// How it is called in failures.
    pub(crate) name: &'static str,
    /// The command line of a server on a port, with a folder for its data, behind which come further options.
    pub(crate) arguments: fn(u16, &Path) -> Vec<OsString>,
    /// What it logs once it takes connections.
    pub(crate) ready: &'static str,
    /// What it logs before it exits because another process has its port.
    pub(crate) port_taken: &'static str,
    /// How it marks what it dies of.
    pub(crate) fatal: &'static str,
}

/// A server, running or killed, and where its data lie. Killed when dropped.
pub(crate) struct Server {
    kind: Kind,
    binary: PathBuf,
    /// What is particular to this server, such as its replica set.
    options: Vec<String>,
    port: u16,
    data: PathBuf,
    log: PathBuf,
    /// The folder that goes if this process ends early.
    root: PathBuf,
    process: Mutex<Option<Guarded>>,
}

/// Why a server is not up.
enum Failure {
    PortTaken,
    Other(String),
}

impl Server {
    /// Starts a server whose data lie in the new folder `name` of `root`, and waits until it takes connections.
    ///
    /// # Panics
    ///
    /// It does not come up; the message has the end of its log.
    pub(crate) fn start(kind: Kind, binary: &Path, options: &[&str], root: &Path, name: &str) -> Self {
        let data = root.join(name);
        fs::create_dir(&data).unwrap_or_else(|error| panic!("{}: {error}", data.display()));
        let mut server = Self {
            kind,
            binary: binary.to_owned(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            port: 0,
            log: root.join(format!("{name}.log")),
            data,
            root: root.to_owned(),
            process: Mutex::new(None),
        };
        for _ in 0..ATTEMPTS {
            server.port = port::free();
            match server.launch() {
                Ok(()) => return server,
                Err(Failure::PortTaken) => {}
                Err(Failure::Other(reason)) => panic!("{reason}"),
            }
        }
        panic!("each of {ATTEMPTS} ports that were free was taken before {} had it", kind.name);
    }

    /// Starts it again on its port with its data, if it does not run.
    ///
    /// # Panics
    ///
    /// It does not come up; the message has the end of its log.
    pub(crate) fn restart(&self) {
        if self.process().is_some() {
            return;
        }
        for _ in 0..ATTEMPTS {
            match self.launch() {
                Ok(()) => return,
                // It has to be this port, so whoever has it for the moment is waited for.
                Err(Failure::PortTaken) => thread::sleep(10 * POLL_INTERVAL),
                Err(Failure::Other(reason)) => panic!("{reason}"),
            }
        }
        panic!("port {} was taken while its server was down", self.port);
    }

    /// Kills it at once, as a loss of power would; returns when it is dead.
    pub(crate) fn kill(&self) {
        self.process().take();
    }

    /// Hangs it: it keeps its connections and answers nothing.
    pub(crate) fn stop(&self) {
        self.signal("stopped", Guarded::stop);
    }

    /// Lets it go on after [`stop`](Self::stop).
    pub(crate) fn cont(&self) {
        self.signal("let go on", Guarded::cont);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// The id of its process, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process().as_ref().map(Guarded::id)
    }

    /// How its process ended, if it did and nobody killed it.
    pub(crate) fn exited(&self) -> Option<ExitStatus> {
        self.process().as_mut().and_then(|process| process.exited().ok().flatten())
    }

    /// The last lines that it logged.
    pub(crate) fn log_tail(&self) -> String {
        tail(&self.logged_since(0), self.kind.fatal)
    }

    fn signal(&self, what: &str, send: fn(&Guarded) -> io::Result<()>) {
        let process = self.process();
        let process = process.as_ref().unwrap_or_else(|| panic!("no server runs to be {what}"));
        send(process).unwrap_or_else(|error| panic!("a server was not {what}: {error}"));
    }

    /// One try to start it and to see it take connections.
    fn launch(&self) -> Result<(), Failure> {
        // A server that is started again appends to its log, where an earlier start was ready too.
        let begin = fs::metadata(&self.log).map_or(0, |log| log.len());
        let mut arguments = (self.kind.arguments)(self.port, &self.data);
        arguments.extend(self.options.iter().map(OsString::from));
        let started = Guarded::start(&self.binary, &arguments, &self.log, &self.root);
        let mut process = started
            .map_err(|error| Failure::Other(format!("{} was not started: {error}", self.kind.name)))?;
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            // Asked before the log is read: all that a dead server had to say is then in there.
            let exited = process.exited();
            let logged = self.logged_since(begin);
            match exited {
                // The port alone would not do: another server may answer there, while this one fails.
                Ok(None) if logged.contains(self.kind.ready) => break,
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL_INTERVAL),
                Ok(Some(_)) if logged.contains(self.kind.port_taken) => return Err(Failure::PortTaken),
                _ => return Err(Failure::Other(self.failure(&exited, &logged))),
            }
        }
        *self.process() = Some(process);
        Ok(())
    }

    fn failure(&self, exited: &impl std::fmt::Debug, logged: &str) -> String {
        format!(
            "`{}` does not take connections on port {}: {exited:?}\nthe end of its log:\n{}",
            self.binary.display(),
            self.port,
            tail(logged, self.kind.fatal)
        )
    }

    fn logged_since(&self, begin: u64) -> String {
        let mut logged = Vec::new();
        let read = File::open(&self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(begin))?;
            log.read_to_end(&mut logged)
        });
        read.unwrap_or_else(|error| panic!("{}: {error}", self.log.display()));
        String::from_utf8_lossy(&logged).into_owned()
    }

    fn process(&self) -> MutexGuard<'_, Option<Guarded>> {
        // A test that failed while it held the lock has left the process as it was.
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a log, after what was fatal: a server that aborts logs its stack behind that, which would hide it.
fn tail(log: &str, fatal: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let (earlier, last) = lines.split_at(lines.len().saturating_sub(TAIL_LINES));
    let marked = earlier.iter().filter(|line| line.contains(fatal));
    marked.chain(last).copied().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FATAL: &str = "FATAL";

    const ECHO: Kind = Kind {
        name: "echo",
        arguments: |port, _| vec!["--port".into(), port.to_string().into()],
        ready: "ready",
        port_taken: "taken",
        fatal: FATAL,
    };

    #[test]
    fn a_tail_is_the_last_lines_or_all_there_are() {
        let log: String = (0..100).map(|line| format!("{line}\n")).collect();
        assert!(tail(&log, FATAL).starts_with("80\n81\n"));
        assert!(tail(&log, FATAL).ends_with("\n99"));
        assert!(tail(&format!("{FATAL} x\n{log}"), FATAL).starts_with("FATAL x\n80\n"));
        assert_eq!(tail("a\nb\n", FATAL), "a\nb");
        assert_eq!(tail("", FATAL), "");
    }

    #[test]
    #[should_panic(expected = "the end of its log:\n--port ")]
    fn a_server_that_does_not_start_is_told_with_its_log() {
        let root = tempfile::tempdir().unwrap();
        Server::start(ECHO, Path::new("/bin/echo"), &["more"], root.path(), "echo");
    }
}
