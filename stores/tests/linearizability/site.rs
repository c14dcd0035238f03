//! One database with the clients that work on it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write as _};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use wayfare_graph::{Write, WriteBatch};
use wayfare_stores::{OpenOptions, open};

use crate::PATIENCE;
use crate::client::{self, KEYS};
use crate::event::{Event, MARK, Outcome};
use crate::history::{Call, Checked, check};

/// A database, its clients, and what they said.
pub struct Site {
    url: String,
    clients: Vec<Client>,
}

struct Client {
    child: Child,
    lines: Receiver<Event>,
    events: Vec<Event>,
}

impl Site {
    /// Makes the documents.
    pub fn new(url: String) -> Self {
        let store = open(&url, &OpenOptions::default()).unwrap();
        let writes =
            (0..KEYS).map(|key| Write::Create { document: client::document(key, 0, 0), multi: false });
        let batch = WriteBatch { writes: writes.collect(), all_or_nothing: false };
        for result in block_on(store.apply(&[batch])).unwrap().remove(0) {
            result.unwrap();
        }
        Self { url, clients: Vec::new() }
    }

    /// Starts a client and gives its number.
    pub fn start_client(&mut self) -> usize {
        let number = self.clients.len();
        let mut child = client::start(&self.url, number + 1);
        let out = BufReader::new(child.stdout.take().expect("the output is piped"));
        let (heard, lines) = channel();
        std::thread::spawn(move || {
            // The last line may be cut off by the kill.
            for line in out.lines().map_while(Result::ok) {
                let event = line.strip_prefix(MARK).and_then(|line| line.trim().parse().ok());
                if event.is_some_and(|event| heard.send(event).is_err()) {
                    return;
                }
            }
        });
        self.clients.push(Client { child, lines, events: Vec::new() });
        number
    }

    /// Waits until a client has said so many lines more.
    pub fn wait_for_events(&mut self, client: usize, events: usize) {
        let client = &mut self.clients[client];
        let until = Instant::now() + PATIENCE;
        client.events.extend(client.lines.try_iter());
        for _ in 0..events {
            match client.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(event) => client.events.push(event),
                Err(RecvTimeoutError::Timeout) => panic!("a client said nothing for {PATIENCE:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("a client ended by itself"),
            }
        }
    }

    pub fn kill(&mut self, client: usize) {
        let client = &mut self.clients[client];
        client.child.kill().unwrap();
        client.child.wait().unwrap();
        client.events.extend(client.lines.iter());
    }

    /// Holds what was said, and what is there, against the rules.
    pub fn check(&self) -> Checked {
        let store = open(&self.url, &OpenOptions::default()).unwrap();
        let ids: Vec<_> = (0..KEYS).map(client::id).collect();
        let last = block_on(store.get_many(&ids)).unwrap().into_iter().map(|document| {
            let document = document.unwrap();
            (document.version().0, client::value_of(&document))
        });
        let calls: Vec<Call> = self.clients.iter().flat_map(|client| calls(&client.events)).collect();
        check(&calls, &last.collect::<Vec<_>>()).unwrap_or_else(|fault| panic!("{fault}"))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for client in &mut self.clients {
            // It has been waited for already, unless the test fails.
            let _ = client.child.kill();
            let _ = client.child.wait();
        }
    }
}

/// The calls of one client. Those that never ended may have been done or not.
fn calls(events: &[Event]) -> Vec<Call> {
    let mut calls: HashMap<u64, Call> = HashMap::new();
    for event in events {
        let (call, begun) = match *event {
            Event::Saving { call, at, key, expected, value } => (call, (at, key, Some((expected, value)))),
            Event::Reading { call, at, key } => (call, (at, key, None)),
            Event::Ended { call, at, outcome } => {
                let call = calls.get_mut(&call).expect("a call begins before it ends");
                call.outcome = outcome;
                if outcome != Outcome::Unknown {
                    call.end = at;
                }
                continue;
            }
        };
        let (begin, key, saving) = begun;
        calls.insert(call, Call { key, begin, end: u64::MAX, saving, outcome: Outcome::Unknown });
    }
    calls.into_values().collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Past the capture of the test's output.
pub fn tell(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
