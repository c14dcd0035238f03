//! Telling a full disk from other failures.

use std::io::{Error, ErrorKind};

/// Whether the disk, a quota or a limit of the process is exhausted.
pub(crate) fn is_out_of_space(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
