//! A Redis server.

use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::program;
use crate::server::{Kind, Server};
use crate::url::percent_encoded;

const KIND: Kind = Kind {
    name: "redis-server",
    arguments,
    ready: "Ready to accept connections",
    port_taken: "Address already in use",
    fatal: "=== REDIS BUG REPORT",
};

/// A server on a free port of the loopback address that keeps nothing on disk.
///
/// Dropping it kills the server. If the test process ends without that, by a signal or because the server is shared,
/// the server dies all the same.
pub struct Redis {
    // Before the folder, so that nothing is written there any more when it is removed.
    server: Server,
    password: Option<String>,
    _folder: TempDir,
}

impl Redis {
    /// Starts a server that lets everybody in, in a few milliseconds.
    ///
    /// `None`, said aloud, where `WAYFARE_REDIS` does not name the program.
    ///
    /// # Panics
    ///
    /// The server does not come up; the message has the end of its log.
    pub fn start() -> Option<Self> {
        Some(Self::start_from(&program::redis()?, None))
    }

    /// Starts a server that lets in nobody without a password.
    ///
    /// `None`, said aloud, where `WAYFARE_REDIS` does not name the program.
    ///
    /// # Panics
    ///
    /// The server does not come up, as with an empty password; the message has the end of its log.
    pub fn start_with_password(password: &str) -> Option<Self> {
        assert!(!password.is_empty(), "an empty password is none");
        Some(Self::start_from(&program::redis()?, Some(password)))
    }

    /// Gives the one server that all tests of this process share, started at the first call.
    ///
    /// Tests keep apart by prefixes of their own, see [`unique_prefix`](crate::unique_prefix), and leave the server
    /// itself alone: whoever wants to kill or hang one takes [`start`](Self::start). It lives until the process ends.
    ///
    /// `None`, said aloud, where `WAYFARE_REDIS` does not name the program.
    ///
    /// # Panics
    ///
    /// The server does not come up; the message has the end of its log.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        // Looked up at each call, so that each test that skips says so.
        let binary = program::redis()?;
        Some(SHARED.get_or_init(|| Self::start_from(&binary, None)))
    }

    /// The URL of the server, with its password if it wants one.
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => self.url_with(password),
            None => format!("redis://127.0.0.1:{}", self.port()),
        }
    }

    /// The URL of the server with a password that may be wrong.
    pub fn url_with(&self, password: &str) -> String {
        format!("redis://:{}@127.0.0.1:{}", percent_encoded(password), self.port())
    }

    /// The port of the server, which it keeps when it is started again.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Kills the server at once, as a crash would, and returns when it is dead. All that it held is lost.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts the server again after [`kill`](Self::kill), on the same port; returns when it takes connections.
    ///
    /// # Panics
    ///
    /// The server does not come up; the message has the end of its log.
    pub fn restart(&self) {
        self.server.restart();
    }

    /// Hangs the server: it keeps its connections and answers nothing, until [`resume`](Self::resume).
    ///
    /// # Panics
    ///
    /// The server does not run.
    pub fn suspend(&self) {
        self.server.stop();
    }

    /// Lets the server go on after [`suspend`](Self::suspend).
    ///
    /// # Panics
    ///
    /// The server does not run.
    pub fn resume(&self) {
        self.server.cont();
    }

    fn start_from(binary: &Path, password: Option<&str>) -> Self {
        let folder = TempDir::with_prefix("wayfare-redis-").expect("there is room for a temporary folder");
        let options: Vec<&str> =
            password.into_iter().flat_map(|password| ["--requirepass", password]).collect();
        let server = Server::start(KIND, binary, &options, folder.path(), "redis");
        Self { server, password: password.map(str::to_owned), _folder: folder }
    }
}

/// The command line of a server that writes no files and is seen by this machine only.
fn arguments(port: u16, data: &Path) -> Vec<OsString> {
    let port = port.to_string();
    let fixed = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no", "--dir"];
    let mut arguments: Vec<OsString> = fixed.map(OsString::from).into();
    arguments.push(data.into());
    arguments
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    /// Nothing within this time is no answer.
    const LONG: Duration = Duration::from_secs(30);

    fn ask(redis: &Redis, line: &str) -> std::io::Result<String> {
        ask_within(LONG, redis, line)
    }

    fn ask_within(time: Duration, redis: &Redis, line: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", redis.port()))?;
        stream.set_read_timeout(Some(time))?;
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        let mut answer = [0; 64];
        let length = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    #[test]
    fn a_server_answers_until_it_is_killed_and_again_when_it_is_restarted() {
        let Some(redis) = Redis::start() else { return };
        assert_eq!(ask(&redis, "SET a 1").unwrap(), "+OK\r\n");
        redis.kill();
        assert!(ask(&redis, "PING").is_err());
        redis.restart();
        assert_eq!(ask(&redis, "EXISTS a").unwrap(), ":0\r\n");
    }

    #[test]
    fn a_suspended_server_says_nothing_until_it_is_resumed() {
        let Some(redis) = Redis::start() else { return };
        redis.suspend();
        assert!(ask_within(Duration::from_millis(200), &redis, "PING").is_err());
        redis.resume();
        assert_eq!(ask(&redis, "PING").unwrap(), "+PONG\r\n");
    }

    #[test]
    fn a_password_is_wanted_and_stands_in_the_url() {
        let Some(redis) = Redis::start_with_password("p@ss word") else { return };
        assert!(ask(&redis, "PING").unwrap().starts_with("-NOAUTH"));
        assert_eq!(redis.url(), format!("redis://:p%40ss%20word@127.0.0.1:{}", redis.port()));
    }

    #[test]
    fn a_server_is_seen_by_this_machine_only_and_writes_nothing() {
        let line = arguments(20_001, Path::new("/tmp/data")).join(" ".as_ref()).into_string().unwrap();
        assert_eq!(line, "--bind 127.0.0.1 --port 20001 --save  --appendonly no --dir /tmp/data");
    }
}
