//! What an import did, file by file.

use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};

use crate::command::exit::Failure;
use crate::command::output::to_value;

/// Rejected rows that are told one by one; of the rest only the number is told.
pub(super) const TOLD: usize = 20;

/// Why a row was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Rejection {
    /// The line on which it begins, counted from 1.
    pub(super) line: u64,
    /// What is wrong with it.
    pub(super) reason: String,
}

/// What became of the rows of one file. Every row is new, changed, unchanged or rejected.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct FileReport {
    /// The file as the user named it.
    pub(super) file: String,
    /// What it held: `node`, `edge` or `document`.
    pub(super) kind: &'static str,
    /// The entity, unless each document has its own.
    pub(super) entity: Option<String>,
    /// Records read, rejected ones included.
    pub(super) rows: u64,
    /// Documents that were made.
    pub(super) new: u64,
    /// Documents whose fields were written over.
    pub(super) changed: u64,
    /// Documents that had these fields already.
    pub(super) unchanged: u64,
    /// Rows that name what an earlier row named too; they are counted above as well.
    pub(super) duplicates: u64,
    /// Rows that were not imported.
    pub(super) rejected: u64,
    /// The first of them.
    pub(super) first_rejected: Vec<Rejection>,
}

impl FileReport {
    /// Counts a rejected row.
    pub(super) fn reject(&mut self, rejection: Rejection) {
        self.rows += 1;
        self.rejected += 1;
        if self.first_rejected.len() < TOLD {
            self.first_rejected.push(rejection);
        }
    }

    /// Rows that are in the store now.
    pub(super) fn imported(&self) -> u64 {
        self.new + self.changed + self.unchanged
    }
}

/// The whole report as JSON.
pub(super) fn whole(files: &[FileReport], begun: Instant) -> Result<Value, Failure> {
    let seconds = begun.elapsed().as_secs_f64();
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    Ok(json!({
        "files": to_value(&files)?,
        "elapsed_ms": (seconds * 1e6).round() / 1e3,
        "rows_per_second": (rows as f64 / seconds.max(1e-6)).round() as u64,
    }))
}
