//! What can go wrong below the port, before it is told to the caller.

use std::path::Path;

use heed::MdbError;
use wayfare_graph::{Id, StoreError, WriteError};

use crate::out_of_space::is_out_of_space;

/// A failure of the engine or of the stored bytes. It ends the transaction.
#[derive(Debug)]
pub(super) enum Fault {
    /// LMDB or the system failed.
    Lmdb(heed::Error),
    /// Stored bytes cannot be read.
    Damaged { what: String, reason: String },
    /// The documents do not allow the unique index.
    Violated(Box<StoreError>),
}

/// Why one write was not done: refused, which leaves the transaction as it was, or failed.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(WriteError),
    Failed(Fault),
}

impl Fault {
    pub(super) fn damaged(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), reason: reason.into() }
    }

    pub(super) fn damaged_document(id: &Id) -> Self {
        Self::damaged(id.to_string(), "its bytes are no document")
    }

    pub(super) fn is_map_full(&self) -> bool {
        matches!(self, Self::Lmdb(heed::Error::Mdb(MdbError::MapFull)))
    }

    /// Whether it leaves in doubt what the next write would find on the disk.
    pub(super) fn poisons(&self) -> bool {
        matches!(self, Self::Lmdb(_))
    }

    pub(super) fn into_error(self, path: &Path) -> StoreError {
        match self {
            Self::Lmdb(error) => lmdb_error(error, path),
            Self::Damaged { what, reason } => StoreError::Damaged { what, reason },
            Self::Violated(error) => *error,
        }
    }
}

fn lmdb_error(error: heed::Error, path: &Path) -> StoreError {
    let shown = path.display().to_string();
    match error {
        heed::Error::Io(source) if is_out_of_space(&source) => {
            StoreError::OutOfSpace { path: shown, source: source.into() }
        }
        heed::Error::Io(source) => StoreError::Io { path: shown, source: source.into() },
        heed::Error::Mdb(error @ (MdbError::Corrupted | MdbError::PageNotFound)) => {
            StoreError::Damaged { what: shown, reason: error.to_string() }
        }
        other => StoreError::Io { path: shown, source: other.into() },
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lmdb(error) => error.fmt(f),
            Self::Damaged { what, reason } => write!(f, "`{what}` is damaged: {reason}"),
            Self::Violated(error) => error.fmt(f),
        }
    }
}

impl From<heed::Error> for Fault {
    fn from(error: heed::Error) -> Self {
        Self::Lmdb(error)
    }
}

impl From<heed::Error> for Stop {
    fn from(error: heed::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl From<WriteError> for Stop {
    fn from(error: WriteError) -> Self {
        Self::Refused(error)
    }
}
