//! What a file is like, so that it can be seen whether somebody has written it since.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// The state of a document's file, and its name where that does not follow from the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileState {
    modified_ns: u64,
    size: u64,
    /// Another one after a file was replaced, also by one of the same size at the same time.
    inode: u64,
    pub(super) odd_name: Option<String>,
}

/// Bytes of the three numbers.
const NUMBERS: usize = 24;

impl FileState {
    /// The state of the file at a path, `None` where there is none.
    ///
    /// # Errors
    /// Where the system does not tell: the file may well be there.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn of(file: &Metadata) -> Self {
        let modified = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_ns = modified.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        Self { modified_ns, size: file.len(), inode: inode(file), odd_name: None }
    }

    pub(super) fn named(mut self, odd_name: Option<String>) -> Self {
        self.odd_name = odd_name;
        self
    }

    /// Whether it is the same file, unchanged.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        let numbers = |state: &Self| (state.modified_ns, state.size, state.inode);
        numbers(self) == numbers(other)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(NUMBERS);
        for number in [self.modified_ns, self.size, self.inode] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(self.odd_name.as_deref().unwrap_or_default().as_bytes());
        bytes
    }

    /// `None` for bytes of something else: the file is then read again, which is never wrong.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, name) = bytes.split_at_checked(NUMBERS)?;
        let number = |at: usize| Some(u64::from_be_bytes(numbers.get(at..at + 8)?.try_into().ok()?));
        let name = std::str::from_utf8(name).ok()?;
        let odd_name = (!name.is_empty()).then(|| name.to_owned());
        Some(Self { modified_ns: number(0)?, size: number(8)?, inode: number(16)?, odd_name })
    }
}

#[cfg(unix)]
fn inode(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_and_tells_files_apart() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        std::fs::write(&one, "x").unwrap();
        std::fs::write(&two, "x").unwrap();
        let state = |path| FileState::of(&std::fs::metadata(path).unwrap());
        let odd = state(&one).named(Some("odd.json".into()));
        assert_eq!(FileState::from_bytes(&odd.to_bytes()), Some(odd.clone()));
        assert!(odd.is_same_file(&state(&one)) && !odd.is_same_file(&state(&two)));
        assert_eq!(FileState::from_bytes(b"short"), None);
    }

    #[test]
    #[cfg(unix)]
    fn only_a_file_that_is_not_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (file, round) = (folder.path().join("file"), folder.path().join("round"));
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&round, &round).unwrap();
        assert!(FileState::at(&file).unwrap().is_some());
        assert_eq!(FileState::at(&folder.path().join("gone")).unwrap(), None);
        assert!(FileState::at(&round).is_err(), "a link to itself");
        assert!(FileState::at(&file.join("below")).is_err(), "below a file");
    }
}
