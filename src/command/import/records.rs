//! The records of a file, whatever its form: one after another, each a write or a rejection.

use wayfare::{EntityName, Id, Write};

use super::documents::DocumentReader;
use super::group::{Form, Group};
use super::input::Input;
use super::occurrences::Occurrences;
use super::report::Rejection;
use super::table::{TableReader, read_header};
use crate::command::exit::Failure;

/// Makes the ids of edges, each of an entity.
pub(super) type NewEdgeId = Box<dyn Fn(EntityName) -> Id + Send>;

/// What a record became.
#[derive(Debug)]
pub(super) struct Record {
    /// The line on which it begins.
    pub(super) line: u64,
    /// What to write.
    pub(super) write: Write,
    /// Whether an earlier record names the same.
    pub(super) repeats: bool,
}

/// Reads a file record by record.
pub(super) enum Records {
    Table(Box<TableReader>),
    Documents(Box<DocumentReader>),
}

impl Records {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When there is no such file, or its header lacks a column that the options name.
    pub(super) fn open(input: Input, group: &Group, new_edge_id: NewEdgeId) -> Result<Self, Failure> {
        Ok(match group.form().map_err(Failure::bad_input)? {
            Form::Documents { entity } => Self::Documents(Box::new(DocumentReader::new(input.lines, entity))),
            form => Self::Table(Box::new(TableReader::open(input.lines, group, form, new_edge_id)?)),
        })
    }

    /// Looks at the header only.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn check(input: Input, group: &Group) -> Result<(), Failure> {
        match group.form().map_err(Failure::bad_input)? {
            Form::Documents { .. } => Ok(()),
            form => read_header(input.lines, group, &form).map(|_| ()),
        }
    }

    /// The next record; `None` at the end, and after what lies behind cannot be read.
    pub(super) fn next(&mut self, occurrences: &mut Occurrences) -> Option<Result<Record, Rejection>> {
        match self {
            Self::Table(reader) => reader.next(occurrences),
            Self::Documents(reader) => reader.next(),
        }
    }
}

/// What to tell when the rest of a file cannot be read.
pub(super) fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            "the gzipped data ends in the middle: the file is cut off, what follows is lost".to_owned()
        }
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
            format!("the gzipped data is damaged, what follows cannot be read: {error}")
        }
        _ => format!("what follows cannot be read: {error}"),
    }
}
