//! What stands between a store and its server, counts commands and holds answers back.

use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is done to the answers to a command.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answers {
    /// So many are lost, the first ones.
    Lost(usize),
    Late(Duration),
}

#[derive(Default)]
struct Watched {
    rule: Mutex<Option<(&'static str, Answers)>>,
    counted: Mutex<Vec<(&'static str, usize)>>,
    lost: AtomicUsize,
    is_over: AtomicBool,
}

/// Passes on what is sent to a server, and its answers.
pub(crate) struct Between {
    port: u16,
    watched: Arc<Watched>,
}

impl Between {
    /// Stands before the server of a URL and counts commands in which some words are.
    pub(crate) fn new(url: &str, words: &[&'static str]) -> Self {
        let server = url.strip_prefix("mongodb://").unwrap().split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let counted = Mutex::new(words.iter().map(|word| (*word, 0)).collect());
        let watched = Arc::new(Watched { counted, ..Watched::default() });
        let seen = Arc::clone(&watched);
        thread::spawn(move || {
            for client in listener.incoming() {
                if seen.is_over.load(Ordering::SeqCst) {
                    return;
                }
                pass_on(client.unwrap(), TcpStream::connect(&server).unwrap(), &seen);
            }
        });
        Self { port, watched }
    }

    /// The URL of a database by way of this.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("mongodb://127.0.0.1:{}/{database}?directConnection=true", self.port)
    }

    /// Does something to the answers to commands in which a word is, from now on.
    pub(crate) fn hold(&self, word: &'static str, answers: Answers) {
        *self.watched.rule.lock().unwrap() = Some((word, answers));
    }

    /// How many commands had a word.
    pub(crate) fn count(&self, word: &str) -> usize {
        self.watched.counted.lock().unwrap().iter().find(|(known, _)| *known == word).unwrap().1
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.watched.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for clients.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Passes messages on in both directions. A connection has one command under way, so the next answer is its own.
fn pass_on(client: TcpStream, server: TcpStream, watched: &Arc<Watched>) {
    let held = Arc::new(Mutex::new(None));
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (noted, seen) = (Arc::clone(&held), Arc::clone(watched));
    thread::spawn(move || {
        while let Some(message) = message(&mut from) {
            *noted.lock().unwrap() = seen.note(&message);
            if to.write_all(&message).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let (mut from, mut to, seen) = (server, client, Arc::clone(watched));
    thread::spawn(move || {
        while let Some(message) = message(&mut from) {
            let answers = *held.lock().unwrap();
            match answers {
                Some(Answers::Lost(first)) if seen.lost.fetch_add(1, Ordering::SeqCst) < first => continue,
                // It is the wait itself that is looked at.
                Some(Answers::Late(by)) => thread::sleep(by),
                _ => {}
            }
            if to.write_all(&message).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

impl Watched {
    /// Counts a command; what is to be done to its answer.
    fn note(&self, message: &[u8]) -> Option<Answers> {
        let has = |word: &str| message.windows(word.len()).any(|part| part == word.as_bytes());
        for (word, count) in self.counted.lock().unwrap().iter_mut() {
            *count += usize::from(has(word));
        }
        let rule = *self.rule.lock().unwrap();
        rule.filter(|(word, _)| has(word)).map(|(_, answers)| answers)
    }
}

/// The next message, which begins with its length.
fn message(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut len = [0; 4];
    from.read_exact(&mut len).ok()?;
    let mut message = vec![0; usize::try_from(u32::from_le_bytes(len)).ok()?];
    message[..4].copy_from_slice(&len);
    from.read_exact(&mut message[4..]).ok()?;
    Some(message)
}
