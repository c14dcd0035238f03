//! Documents as the text of their files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use wayfare_graph::{BodyError, Document, Kind};

use super::file_state::FileState;

/// The text of a document's file, indented like those of jvspatial.
pub(super) fn to_text(document: &Document) -> Result<Vec<u8>, BodyError> {
    let json = document.to_json()?;
    serde_json::to_vec_pretty(&json).map_err(|error| BodyError::Encode { reason: error.to_string() })
}

/// What became of reading a file.
#[derive(Debug)]
pub(super) enum ReadFile {
    Document(Document, FileState),
    /// It is none, and why.
    Bad(String),
    /// It is not there.
    Gone,
}

/// Reads a document's file in the folder of a kind.
pub(super) fn read(path: &Path, kind: Kind) -> ReadFile {
    let (text, state) = match read_bytes(path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return ReadFile::Gone,
        Err(error) => return ReadFile::Bad(error.to_string()),
    };
    let json = match serde_json::from_slice(&text) {
        Ok(json) => json,
        Err(error) => return ReadFile::Bad(format!("it is no JSON: {error}")),
    };
    match Document::from_json(json) {
        Ok(document) if document.id().kind() != kind => {
            let (id, folder) = (document.id(), kind.collection());
            ReadFile::Bad(format!("it holds `{id}`, which does not belong into the folder `{folder}`"))
        }
        Ok(document) => ReadFile::Document(document, state),
        Err(error) => ReadFile::Bad(error.to_string()),
    }
}

fn read_bytes(path: &Path) -> io::Result<(Vec<u8>, FileState)> {
    let mut file = File::open(path)?;
    // Of the open file: it may be replaced under its name meanwhile, which will be seen as another change.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    file.read_to_end(&mut text)?;
    Ok((text, FileState::of(&metadata)))
}
