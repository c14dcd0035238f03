//! A MongoDB server that is no member of a replica set.

use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

use mongodb::bson::doc;
use tempfile::TempDir;

use crate::server::{Kind, Server};
use crate::url::percent_encoded;
use crate::{admin, program};

/// `mongod`, in a replica set or not.
pub(crate) const KIND: Kind = Kind {
    name: "mongod",
    arguments,
    ready: "Waiting for connections",
    port_taken: "Address already in use",
    fatal: r#""s":"F""#,
};

/// A single server on a free port of the loopback address, with an empty folder for its data.
///
/// Dropping it kills the server and removes the folder. If the test process ends without that, by a signal or because
/// the server is shared, the server dies and the folder goes all the same.
///
/// A single server has no transactions and no change streams: those need a [`ReplicaSet`](crate::ReplicaSet).
pub struct Mongod {
    // Before the folder, so that nothing is written there any more when it is removed.
    server: Server,
    credentials: Option<Credentials>,
    _folder: TempDir,
}

struct Credentials {
    user: String,
    password: String,
}

impl Mongod {
    /// Starts a server that lets everybody in; in about a quarter of a second.
    ///
    /// `None`, said aloud, where `WAYFARE_MONGOD` does not name the program.
    ///
    /// # Panics
    ///
    /// The server does not come up; the message has the end of its log.
    pub fn start() -> Option<Self> {
        Some(Self::start_from(&program::mongod()?, &["--noauth"]))
    }

    /// Starts a server that lets in nobody but `user`, who may do everything, with `password`.
    ///
    /// `None`, said aloud, where `WAYFARE_MONGOD` does not name the program.
    ///
    /// # Panics
    ///
    /// The server does not come up or refuses the user, as it does an empty name or password.
    pub fn start_with_auth(user: &str, password: &str) -> Option<Self> {
        let mut mongod = Self::start_from(&program::mongod()?, &["--auth"]);
        // Allowed without credentials from this machine, as long as there is no user.
        let create = doc! { "createUser": user, "pwd": password, "roles": ["root"] };
        if let Err(error) = admin::run(mongod.server.port(), create) {
            panic!("`{user}` is not made a user: {error}\n{}", mongod.server.log_tail());
        }
        mongod.credentials = Some(Credentials { user: user.to_owned(), password: password.to_owned() });
        Some(mongod)
    }

    /// Gives the one server that all tests of this process share, started at the first call.
    ///
    /// Tests keep apart by databases of their own, see [`unique_database`](crate::unique_database), and leave the
    /// server itself alone: whoever wants to kill or hang one takes [`start`](Self::start). It lives until the process
    /// ends.
    ///
    /// `None`, said aloud, where `WAYFARE_MONGOD` does not name the program.
    ///
    /// # Panics
    ///
    /// The server does not come up; the message has the end of its log.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Mongod> = OnceLock::new();
        // Looked up at each call, so that each test that skips says so.
        let binary = program::mongod()?;
        Some(SHARED.get_or_init(|| Self::start_from(&binary, &["--noauth"])))
    }

    /// The URL of a database, with the credentials of the user if the server wants any.
    pub fn url(&self, database: &str) -> String {
        match &self.credentials {
            Some(Credentials { user, password }) => self.url_as(user, password, database),
            None => format!("mongodb://127.0.0.1:{}/{database}", self.port()),
        }
    }

    /// The URL of a database with credentials that may be wrong.
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        let (user, password) = (percent_encoded(user), percent_encoded(password));
        // Users are kept in `admin`, whatever database they work on.
        format!("mongodb://{user}:{password}@127.0.0.1:{}/{database}?authSource=admin", self.port())
    }

    /// The port of the server, which it keeps when it is started again.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The id of the server's process; `None` after [`kill`](Self::kill).
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// What the server logs: a line of JSON for each message, over all its starts.
    pub fn log_path(&self) -> &Path {
        self.server.log()
    }

    /// Kills the server at once, as a crash would, and returns when it is dead. Its journaled data stay: a write that
    /// was acknowledged without a journal is lost if it is younger than a tenth of a second.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts the server again after [`kill`](Self::kill), on the same port with the same data; returns when it takes
    /// connections.
    ///
    /// # Panics
    ///
    /// The server does not come up; the message has the end of its log.
    pub fn restart(&self) {
        self.server.restart();
    }

    /// Hangs the server: it keeps its connections and answers nothing, until [`cont`](Self::cont).
    ///
    /// # Panics
    ///
    /// The server does not run.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Lets the server go on after [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// The server does not run.
    pub fn cont(&self) {
        self.server.cont();
    }

    fn start_from(binary: &Path, options: &[&str]) -> Self {
        let folder = TempDir::with_prefix("wayfare-mongod-").expect("there is room for a temporary folder");
        let server = Server::start(KIND, binary, options, folder.path(), "mongod");
        Self { server, credentials: None, _folder: folder }
    }
}

/// The command line of a server that is small, starts fast, and is seen by this machine only.
fn arguments(port: u16, data: &Path) -> Vec<OsString> {
    let port = port.to_string();
    let mut arguments: Vec<OsString> = [
        "--bind_ip",
        "127.0.0.1",
        "--port",
        &port,
        "--nounixsocket",
        "--wiredTigerCacheSizeGB",
        "0.25",
        // Three files of 100 MiB for each server, written at its start, are what it does by default.
        "--wiredTigerEngineConfigString",
        "log=(file_max=8MB,prealloc=false)",
        "--setParameter",
        "diagnosticDataCollectionEnabled=false",
        "--dbpath",
    ]
    .map(OsString::from)
    .into();
    arguments.push(data.into());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_listens_on_the_loopback_address_only() {
        let arguments = arguments(20_001, Path::new("/tmp/data"));
        let line = arguments.join(" ".as_ref()).into_string().unwrap();
        assert!(line.starts_with("--bind_ip 127.0.0.1 --port 20001 --nounixsocket "), "{line}");
        assert!(line.ends_with(" --dbpath /tmp/data"), "{line}");
    }
}
