//! What went wrong on the way to a server, and what is left to do about it.

use std::fmt;

use mongodb::error::{Error, ErrorKind, RETRYABLE_WRITE_ERROR, WriteFailure};
use wayfare_graph::{Id, StoreError};

use super::reply::DUPLICATE;

/// Codes of errors that pass with an election or a network's recovery: those of MongoDB's specification of retryable
/// reads.
pub(super) const PASSING_CODES: [i32; 13] =
    [11600, 11602, 10107, 13435, 13436, 189, 91, 7, 6, 89, 9001, 134, 262];

/// WriteConcernFailed: it took too long, and may be done yet.
const WRITE_CONCERN_FAILED: i32 = 64;

/// Codes by which a server refuses a user: Unauthorized, AuthenticationFailed, and the one of Atlas.
const REFUSING_CODES: [i32; 3] = [13, 18, 8000];

/// Why a command brought no answer that can be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// The driver's own error.
    Driver(Box<Error>),
    /// There was no answer in time.
    Elapsed,
    /// What was written is not yet where it has to be before it counts as written.
    Unconfirmed { code: i32, reason: String },
    /// The server could not do a write.
    Failed { code: i32, reason: String },
    /// It is known what to say already.
    Store(Box<StoreError>),
}

pub(super) type Tried<T> = Result<T, Fault>;

impl Fault {
    /// Whether the server was away or on the move, so that the same may work later. What was sent may have been done.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Self::Driver(error) => is_away(error),
            Self::Elapsed => true,
            Self::Unconfirmed { code, .. } => *code == WRITE_CONCERN_FAILED || PASSING_CODES.contains(code),
            Self::Failed { .. } | Self::Store(_) => false,
        }
    }

    /// Of a write whose answer was lost, and of which what is stored tells nothing any more.
    pub(super) fn unknown(id: &Id) -> Self {
        let reason = format!(
            "the answer to a write of `{id}` was lost, and others have written it since: read it again"
        );
        Self::Unconfirmed { code: WRITE_CONCERN_FAILED, reason }
    }

    /// Whether the driver attached a label.
    pub(super) fn has_label(&self, label: &str) -> bool {
        matches!(self, Self::Driver(error) if error.contains_label(label))
    }

    /// Whether a document was refused because its id, or another unique value, is taken.
    pub(super) fn is_duplicate(&self) -> bool {
        let Self::Driver(error) = self else { return false };
        match &*error.kind {
            ErrorKind::Write(WriteFailure::WriteError(error)) => error.code == DUPLICATE,
            ErrorKind::Command(error) => error.code == DUPLICATE,
            _ => false,
        }
    }

    /// The server's code.
    pub(super) fn code(&self) -> Option<i32> {
        match self {
            Self::Driver(error) => code(error),
            Self::Unconfirmed { code, .. } | Self::Failed { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// What to tell the caller, given the server's URL as it may be shown.
    pub(super) fn told(self, url: &str) -> StoreError {
        let url = url.to_owned();
        match self {
            Self::Store(error) => *error,
            Self::Elapsed | Self::Unconfirmed { .. } if self.is_away() => {
                StoreError::Unreachable { url, source: Box::new(self.words()) }
            }
            Self::Driver(ref error) if is_away(error) => {
                StoreError::Unreachable { url, source: Box::new(self.words()) }
            }
            Self::Driver(ref error) if is_refusal(error) => {
                StoreError::Refused { url, reason: self.words().text }
            }
            Self::Driver(_) | Self::Elapsed | Self::Unconfirmed { .. } | Self::Failed { .. } => {
                StoreError::Io { path: url, source: Box::new(self.words()) }
            }
        }
    }

    fn words(&self) -> Words {
        let text = match self {
            Self::Driver(error) => error.kind.to_string(),
            Self::Unconfirmed { reason, .. } | Self::Failed { reason, .. } => reason.clone(),
            Self::Elapsed => "there was no answer in time".to_owned(),
            Self::Store(error) => error.to_string(),
        };
        Words { text, code: self.code() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Driver(Box::new(error))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<bson::error::Error> for Fault {
    fn from(error: bson::error::Error) -> Self {
        Error::from(error).into()
    }
}

/// What to tell of a batch for which others did not let go of documents in time.
pub(super) fn contended(url: &str) -> StoreError {
    let text = "others hold documents of the batch and did not let go in time: do it again".to_owned();
    StoreError::Unreachable { url: url.to_owned(), source: Box::new(Words { text, code: None }) }
}

/// The driver's error in a sentence. Its own form has the server's whole answer behind it.
#[derive(Debug)]
struct Words {
    text: String,
    code: Option<i32>,
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Words {}

/// The code that a server gave with an error.
pub(super) fn code_of(error: &StoreError) -> Option<i32> {
    match error {
        StoreError::Io { source, .. } => source.downcast_ref::<Words>()?.code,
        _ => None,
    }
}

fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        _ => None,
    }
}

fn is_away(error: &Error) -> bool {
    let by_kind = matches!(
        &*error.kind,
        ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::DnsResolve { .. }
    );
    by_kind
        || code(error).is_some_and(|code| PASSING_CODES.contains(&code))
        || error.contains_label(RETRYABLE_WRITE_ERROR)
}

fn is_refusal(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Authentication { .. })
        || code(error).is_some_and(|code| REFUSING_CODES.contains(&code))
}
