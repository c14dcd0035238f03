//! The bytes of a file: from the disk or standard input, unzipped where they are zipped, counted.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::group::Group;
use super::lines::Lines;
use crate::command::exit::Failure;

/// Bytes read from a file at a time.
const BUFFER_BYTES: usize = 256 << 10;

/// What every gzip file begins with, and no UTF-8 text.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file that is open.
pub(super) struct Input {
    /// Its lines.
    pub(super) lines: Lines<Box<dyn BufRead + Send>>,
    /// How many bytes of the file have been read.
    pub(super) read: Arc<AtomicU64>,
    /// How many it has, where that is known.
    pub(super) bytes: Option<u64>,
}

impl Input {
    /// Opens the file of a group.
    ///
    /// # Errors
    /// When there is none, or its first bytes cannot be read.
    pub(super) fn open(group: &Group) -> Result<Self, Failure> {
        let failed =
            |error: io::Error| Failure::bad_input(format!("cannot read `{}`: {error}", group.name()));
        let read = Arc::new(AtomicU64::new(0));
        let (source, bytes): (Box<dyn Read + Send>, _) = match group.is_standard_input() {
            true => (Box::new(stdin()), None),
            false => {
                let file = File::open(&group.file).map_err(failed)?;
                let about = file.metadata().map_err(failed)?;
                if about.is_dir() {
                    return Err(Failure::bad_input(format!("`{}` is a folder: name a file", group.name())));
                }
                let bytes = about.is_file().then_some(about.len());
                (Box::new(file), bytes)
            }
        };
        let counted = Counted { source, read: Arc::clone(&read) };
        Ok(Self { lines: Lines::new(unzipped(counted).map_err(failed)?), read, bytes })
    }
}

/// Unzips by the first bytes, not the name: standard input has none.
fn unzipped(mut source: Counted) -> io::Result<Box<dyn BufRead + Send>> {
    let mut first = Vec::with_capacity(GZIP.len());
    source.by_ref().take(GZIP.len() as u64).read_to_end(&mut first)?;
    let is_gzip = first == GZIP;
    let whole = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(first).chain(source));
    Ok(match is_gzip {
        true => Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(whole))),
        false => Box::new(whole),
    })
}

/// Counts what is read, for the progress bar.
struct Counted {
    source: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        // A figure to look at; nothing hangs on its order.
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
