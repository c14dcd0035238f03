//! How the command ends: exit codes, and errors as one message for people.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;

use wayfare::{
    BodyError, Budget, ConfigError, CursorError, Error, FilterError, IdError, StoreError, WalkError,
    WriteError,
};

/// How the command ends; the numbers are the exit codes and part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was asked for was done, also when it found nothing.
    Done = 0,
    /// The store or a walk failed.
    Failed = 1,
    /// Something in the command line, the settings or the form of a file is wrong.
    BadInput = 2,
    /// Rows of an import were rejected.
    Rejected = 3,
    /// An id or an entity is not in the store; what was found of the others was told.
    NotFound = 4,
    /// A store has faults that are left, or a copy is not what it was made of.
    Faults = 5,
    /// A walk was ended with Ctrl-C.
    Interrupted = 130,
    /// It was asked to end by SIGTERM, and had no time to be done before.
    Terminated = 143,
}

/// The exit codes as `--help` lists them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done, also when nothing was found (no path, no match)
  1    the store or a walk failed, or a budget of a walk was reached
  2    wrong usage or bad input: an unknown option, a malformed id or filter, an unknown
       setting, a missing file, store or column
  3    import rejected rows: it stopped at one, or skipped them with --on-error skip
  4    not found: an id or an entity that the store does not have
  5    `doctor` found faults that are left, or `copy` found differences
  130  a walk was ended with Ctrl-C
  143  ended by SIGTERM before it was done, within `[supervision] drain_timeout_ms` of the
       settings; one that is done by then ends as if nothing had been";

/// Why the command did not do all that was asked, in one message.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// A failure with an exit code and a message, which is empty when everything has been said.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Something is wrong with what the user gave.
    pub(crate) fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Exit::BadInput, message)
    }

    /// Something is not in the store.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// Standard output cannot be written. A reader that has seen enough (`wayfare find … | head`) is no
    /// failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::new(Exit::Failed, format!("cannot write to standard output: {error}")),
        }
    }

    /// The same failure with something said after its message.
    pub(crate) fn and(mut self, more: &str) -> Self {
        self.message.push_str(more);
        self
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// What to tell the user.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = explain(&error) + advice(&error);
        Self::new(exit_of(&error), message)
    }
}

/// So that `?` needs no detour where the library gives one of its narrower errors.
macro_rules! failure_from {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Error::from(error).into()
            }
        })+
    };
}
failure_from!(BodyError, ConfigError, CursorError, FilterError, IdError, StoreError, WalkError, WriteError);

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Config(_)
        | Error::Id(_)
        | Error::Filter(_)
        | Error::Cursor(_)
        | Error::UnknownField { .. }
        | Error::WrongEntity { .. }
        | Error::Store(StoreError::Url { .. }) => Exit::BadInput,
        Error::Walk(WalkError::UnknownStart { .. }) | Error::Write(WriteError::NotFound { .. }) => {
            Exit::NotFound
        }
        Error::Walk(WalkError::Cancelled { .. }) => Exit::Interrupted,
        _ => Exit::Failed,
    }
}

/// What the library's message cannot know: the option of the command.
fn advice(error: &Error) -> &'static str {
    let Error::Walk(WalkError::BudgetReached { budget, .. }) = error else { return "" };
    match budget {
        Budget::Visits => " with --max-visits",
        Budget::Queue => " with --max-queue",
        Budget::WallMs => " with --deadline",
        _ => "",
    }
}

/// An error and its causes; a cause that the text before it has told already is not told again.
pub(crate) fn explain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            // Writing to a `String` cannot fail.
            let _ = write!(text, ": {told}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let error = StoreError::OutOfSpace { path: "x".into(), source: "no space left on device".into() };
        let told = explain(&Error::from(error));
        assert_eq!(told, "store `x` is out of space: free some and open it again: no space left on device");
        let error = StoreError::Io { path: "x".into(), source: "broken".into() };
        assert_eq!(explain(&Error::from(error)), "store `x`: broken");
    }

    #[test]
    fn bad_input_absence_and_failure_have_different_codes() {
        let url = StoreError::Url { url: "x".into(), reason: "write `embedded:PATH`".into() };
        assert_eq!(Failure::from(url).exit(), Exit::BadInput);
        let id = wayfare::Id::node("City", "x").unwrap();
        assert_eq!(Failure::from(WriteError::NotFound { id: id.clone() }).exit(), Exit::NotFound);
        let start = WalkError::UnknownStart { walker: "Reach".into(), id };
        assert_eq!(Failure::from(start).exit(), Exit::NotFound);
        assert_eq!(Failure::from(WalkError::Stopped).exit(), Exit::Failed);
    }

    #[test]
    fn a_budget_names_the_option_that_raises_it() {
        let reached =
            WalkError::BudgetReached { walker: "Reach".into(), budget: Budget::Visits, limit: 5, reached: 6 };
        assert!(Failure::from(reached).message().ends_with("set it for this walk with --max-visits"));
    }

    #[test]
    fn a_closed_pipe_ends_the_command_without_a_word() {
        let failure = Failure::output(&io::ErrorKind::BrokenPipe.into());
        assert_eq!((failure.exit(), failure.message()), (Exit::Done, ""));
    }
}
