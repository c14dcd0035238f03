//! Records gathered into batches on a thread of their own, so that reading and writing overlap.

use std::thread;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use wayfare::Write;

use super::occurrences::Occurrences;
use super::records::Records;
use super::report::Rejection;
use crate::command::exit::{Exit, Failure};

/// Most rows of a batch, which is one durable commit. Edges in random order touch a page or two each, and
/// each page is written once a commit: 2 M of them took 76 s in batches of 8,192, and 47 s in batches of 65,536.
/// Beyond this size, the pages of one commit may not fit into what LMDB keeps in memory.
const BATCH_ROWS: usize = 32_768;

/// Most bytes of fields in a batch, so that wide rows do not fill the memory.
const BATCH_BYTES: usize = 32 << 20;

/// Batches that wait for the store. One is enough to keep it busy.
const WAITING: usize = 1;

/// Rows that are written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What to write.
    pub(super) writes: Vec<Write>,
    /// The line of each write.
    pub(super) lines: Vec<u64>,
    /// Rows that cannot be written.
    pub(super) rejected: Vec<Rejection>,
    /// Rows among the writes that name what an earlier row named, by their places.
    pub(super) repeats: Vec<usize>,
}

/// Reads all records of a file into batches. With `stop`, the first rejected row is the last that is read.
///
/// The receiver gets nothing more when all is read; dropping it ends the reading. The thread gives back the
/// occurrences, for the next file.
pub(super) fn read(
    mut records: Records,
    mut occurrences: Occurrences,
    stop: bool,
) -> Result<(Receiver<Batch>, thread::JoinHandle<Occurrences>), Failure> {
    let (tx, rx) = channel(WAITING);
    let work = move || {
        read_into(&mut records, &mut occurrences, stop, &tx);
        occurrences
    };
    let thread = thread::Builder::new().name("wayfare-import".into()).spawn(work);
    let thread =
        thread.map_err(|error| Failure::new(Exit::Failed, format!("cannot start a thread: {error}")))?;
    Ok((rx, thread))
}

fn read_into(records: &mut Records, occurrences: &mut Occurrences, stop: bool, tx: &Sender<Batch>) {
    let mut batch = Batch::default();
    let mut bytes = 0;
    while let Some(record) = records.next(occurrences) {
        match record {
            Ok(record) => {
                bytes += bytes_of(&record.write);
                if record.repeats {
                    batch.repeats.push(batch.writes.len());
                }
                batch.writes.push(record.write);
                batch.lines.push(record.line);
            }
            Err(rejection) => {
                batch.rejected.push(rejection);
                if stop {
                    break;
                }
            }
        }
        if batch.writes.len() + batch.rejected.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
            bytes = 0;
            if tx.blocking_send(std::mem::take(&mut batch)).is_err() {
                return;
            }
        }
    }
    // The receiver may have had enough.
    let _ = tx.blocking_send(batch);
}

fn bytes_of(write: &Write) -> usize {
    match write {
        Write::Upsert { document } | Write::Connect { edge: document, .. } => {
            document.body().as_bytes().len()
        }
        _ => 0,
    }
}
