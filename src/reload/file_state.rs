//! Whether a settings file is as it was.

use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

/// By what a changed file is known without reading it. A link is followed, so that one which is turned counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileState {
    length: u64,
    modified: Option<SystemTime>,
    /// Another file of the same name, length and time is another file.
    number: u64,
}

impl FileState {
    /// The state of a file, `None` where there is none that can be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self { length: file.len(), modified: file.modified().ok(), number: number_of(&file) })
    }
}

#[cfg(unix)]
fn number_of(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

#[cfg(not(unix))]
fn number_of(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_another_when_it_is_written_replaced_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        assert_eq!(FileState::of(&path), None);
        std::fs::write(&path, "a").unwrap();
        let first = FileState::of(&path);
        assert_eq!(FileState::of(&path), first);
        std::fs::write(&path, "ab").unwrap();
        let longer = FileState::of(&path);
        assert_ne!(longer, first);
        // The same length and time.
        let other = folder.path().join("other");
        std::fs::write(&other, "cd").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(FileState::of(&path), longer);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(FileState::of(&path), None);
    }
}
