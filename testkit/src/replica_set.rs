//! A replica set whose members can be killed, hung and started again.

use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use tempfile::TempDir;

use crate::hello::{Hello, is_healthy, newest_primary};
use crate::mongod::KIND;
use crate::server::{POLL_INTERVAL, Server};
use crate::{admin, program};

/// The name of every set; sets know each other by the ports of their members.
const NAME: &str = "rs0";

/// How long the members hear nothing of a primary before they elect another: short, so that a test can kill many.
const ELECTION_TIMEOUT_MS: i32 = 1000;

/// How often the members tell each other that they are there.
const HEARTBEAT_INTERVAL_MS: i32 = 200;

/// How long a member waits for an answer to that, in the whole seconds that MongoDB takes.
const HEARTBEAT_TIMEOUT_S: i32 = 1;

/// Longest wait for a primary, and for members that catch up; both take a second or two on an idle machine.
const ELECTION_DEADLINE: Duration = Duration::from_secs(60);

/// Members on free ports of the loopback address, each with an empty folder for its data; numbered from 0.
///
/// Dropping it kills the members and removes the folders. If the test process ends without that, by a signal or
/// because the set is shared, the members die and the folders go all the same.
///
/// A primary that was killed is replaced after a second, if most members run. All methods may be called while other
/// threads work on the set.
pub struct ReplicaSet {
    // Before the folder, so that nothing is written there any more when it is removed.
    members: Vec<Server>,
    _folder: TempDir,
}

impl ReplicaSet {
    /// Starts a set and returns when it has a primary that takes writes and its other members have caught up; in about
    /// a second for one member, two or three for three.
    ///
    /// `None`, said aloud, where `WAYFARE_MONGOD` does not name the program.
    ///
    /// # Panics
    ///
    /// A member does not come up, or no primary is elected; the message has the ends of the logs. So does a number of
    /// members that MongoDB refuses, which are none and more than seven.
    pub fn start(members: usize) -> Option<Self> {
        Some(Self::start_from(&program::mongod()?, members))
    }

    /// Gives the one set of a single member that all tests of this process share, started at the first call: the
    /// smallest that has transactions.
    ///
    /// Tests keep apart by databases of their own, see [`unique_database`](crate::unique_database), and leave the
    /// member itself alone. It lives until the process ends.
    ///
    /// `None`, said aloud, where `WAYFARE_MONGOD` does not name the program.
    ///
    /// # Panics
    ///
    /// The member does not come up; the message has the end of its log.
    pub fn shared_single() -> Option<&'static Self> {
        static SHARED: OnceLock<ReplicaSet> = OnceLock::new();
        // Looked up at each call, so that each test that skips says so.
        let binary = program::mongod()?;
        Some(SHARED.get_or_init(|| Self::start_from(&binary, 1)))
    }

    /// The URL of a database of the set, with all members.
    pub fn url(&self, database: &str) -> String {
        let hosts: Vec<String> = self.members.iter().map(host).collect();
        format!("mongodb://{}/{database}?replicaSet={NAME}", hosts.join(","))
    }

    /// The URL of a database as one member has it, whether it is primary or not.
    ///
    /// # Panics
    ///
    /// There is no such member.
    pub fn member_url(&self, member: usize, database: &str) -> String {
        format!("mongodb://{}/{database}?directConnection=true", host(&self.members[member]))
    }

    /// The number of the member that takes writes now, waited for if there is none.
    ///
    /// # Panics
    ///
    /// None is elected within a minute, as when most members do not run; the message has the ends of the logs.
    pub fn primary(&self) -> usize {
        self.poll("no primary is elected", || newest_primary(&self.hellos()))
    }

    /// Kills the primary at once, waited for if there is none, and gives its number.
    ///
    /// # Panics
    ///
    /// As [`primary`](Self::primary).
    pub fn kill_primary(&self) -> usize {
        let primary = self.primary();
        self.kill(primary);
        primary
    }

    /// Kills a member at once, as a crash would, and returns when it is dead. What it had journaled stays.
    ///
    /// # Panics
    ///
    /// There is no such member.
    pub fn kill(&self, member: usize) {
        self.members[member].kill();
    }

    /// Starts a member again after [`kill`](Self::kill), on the same port with the same data; returns when it takes
    /// connections, which is before it has caught up.
    ///
    /// # Panics
    ///
    /// There is no such member, or it does not come up; the message has the end of its log.
    pub fn restart(&self, member: usize) {
        self.members[member].restart();
    }

    /// Returns when there is one primary and all other members that run have caught up, so that any may be killed
    /// next.
    ///
    /// # Panics
    ///
    /// That is not so within a minute; the message has the ends of the logs.
    pub fn wait_until_healthy(&self) {
        self.poll("the members have not caught up", || is_healthy(&self.hellos()).then_some(()));
    }

    /// Hangs a member: it keeps its connections and answers nothing, until [`cont`](Self::cont).
    ///
    /// # Panics
    ///
    /// There is no such member, or it does not run.
    pub fn stop(&self, member: usize) {
        self.members[member].stop();
    }

    /// Lets a member go on after [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// There is no such member, or it does not run.
    pub fn cont(&self, member: usize) {
        self.members[member].cont();
    }

    /// The id of a member's process; `None` after [`kill`](Self::kill).
    ///
    /// # Panics
    ///
    /// There is no such member.
    pub fn pid(&self, member: usize) -> Option<u32> {
        self.members[member].pid()
    }

    /// What a member logs: a line of JSON for each message, over all its starts.
    ///
    /// # Panics
    ///
    /// There is no such member.
    pub fn log_path(&self, member: usize) -> &Path {
        self.members[member].log()
    }

    fn start_from(binary: &Path, members: usize) -> Self {
        let folder =
            TempDir::with_prefix("wayfare-replica-set-").expect("there is room for a temporary folder");
        let start = |member: usize| {
            let options = ["--noauth", "--replSet", NAME];
            Server::start(KIND, binary, &options, folder.path(), &format!("member-{member}"))
        };
        let members = thread::scope(|scope| {
            let started: Vec<_> = (0..members).map(|member| scope.spawn(move || start(member))).collect();
            let members = started.into_iter().map(|server| server.join());
            members.map(|server| server.unwrap_or_else(|cause| std::panic::resume_unwind(cause))).collect()
        });
        let set = Self { members, _folder: folder };
        set.initiate();
        set.wait_until_healthy();
        set.wait_until_recoverable();
        set
    }

    fn initiate(&self) {
        let hosts: Vec<String> = self.members.iter().map(host).collect();
        let first = self.members.first().expect("a set has members");
        if let Err(error) = admin::run(first.port(), doc! { "replSetInitiate": configuration(&hosts) }) {
            panic!("the set is refused: {error}\n{}", self.log_tails());
        }
    }

    /// Has every member keep a state to which it can go back, and returns when all have.
    ///
    /// A primary that hangs or is killed may have written what the set has decided against by its return. It then goes
    /// back to the last state that most members had, and aborts if it knows of none yet, as in the first moments of a
    /// set. Left alone, members keep such states once a minute.
    fn wait_until_recoverable(&self) {
        self.poll("the members keep no common state", || {
            self.members.iter().all(|server| keeps_state(server.port())).then_some(())
        });
    }

    /// Looks again and again until `find` gives something: a set tells nobody outside of it when it changes.
    fn poll<T>(&self, failure: &str, find: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + ELECTION_DEADLINE;
        loop {
            if let Some(found) = find() {
                return found;
            }
            assert!(Instant::now() < deadline, "{failure}: {:?}\n{}", self.hellos(), self.log_tails());
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// What the members that run say of themselves.
    fn hellos(&self) -> Vec<Hello> {
        let members = self.members.iter().enumerate();
        // Those that were killed are not asked: the port of a dead server may be another's by now.
        let running: Vec<(usize, u16)> = members
            .filter(|(_, server)| server.pid().is_some())
            .map(|(member, server)| (member, server.port()))
            .collect();
        for &(member, _) in &running {
            if let Some(status) = self.members[member].exited() {
                panic!("member {member} has ended by itself ({status})\n{}", self.log_tails());
            }
        }
        let ports: Vec<u16> = running.iter().map(|(_, port)| *port).collect();
        let answers = running.iter().zip(admin::hello(&ports));
        answers.map(|(&(member, _), answer)| Hello { member, answer }).collect()
    }

    fn log_tails(&self) -> String {
        let tail = |server: &Server| format!("{}:\n{}", server.log().display(), server.log_tail());
        self.members.iter().map(tail).collect::<Vec<_>>().join("\n\n")
    }
}

/// Has the member at `port` write its state to the disk, and says whether that is one most members have too.
fn keeps_state(port: u16) -> bool {
    admin::run(port, doc! { "fsync": 1 })
        .and_then(|_| admin::run(port, doc! { "replSetGetStatus": 1 }))
        .is_ok_and(|status| {
            status.get_timestamp("lastStableRecoveryTimestamp").is_ok_and(|kept| kept.time > 0)
        })
}

fn host(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port())
}

fn configuration(hosts: &[String]) -> Document {
    let members: Vec<Document> =
        (0_i32..).zip(hosts).map(|(member, host)| doc! { "_id": member, "host": host }).collect();
    doc! {
        "_id": NAME,
        "version": 1,
        "members": members,
        "settings": {
            "electionTimeoutMillis": ELECTION_TIMEOUT_MS,
            "heartbeatIntervalMillis": HEARTBEAT_INTERVAL_MS,
            "heartbeatTimeoutSecs": HEARTBEAT_TIMEOUT_S,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_numbered_from_0_in_the_configuration() {
        let configuration = configuration(&["127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned()]);
        let members = configuration.get_array("members").unwrap();
        assert_eq!(members[1], doc! { "_id": 1, "host": "127.0.0.1:2" }.into());
    }
}
