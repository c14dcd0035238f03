//! Folders that are on the disk, and not only in memory: what lies in a folder that is lost with the power is lost too.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes a folder with its parents. Those that were made are on the disk then.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    let holders = holders_of_new(path);
    fs::create_dir_all(path)?;
    holders.iter().try_for_each(|holder| sync(holder))
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    // Elsewhere a folder is no file that could be synced.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// The folders that get a new name when a path is made.
fn holders_of_new(path: &Path) -> Vec<PathBuf> {
    let new = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    let holder = |folder: &Path| match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    new.map(holder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_that_holds_a_new_one_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        assert_eq!(holders_of_new(&at("a/b/c")), [at("a/b"), at("a"), folder.path().to_owned()]);
        make(&at("a/b/c")).unwrap();
        assert!(at("a/b/c").is_dir() && holders_of_new(&at("a/b/c")).is_empty());
        assert_eq!(holders_of_new(&at("a/d")), [at("a")]);
        assert_eq!(
            holders_of_new(Path::new("no such folder/x")),
            [Path::new("no such folder"), Path::new(".")]
        );
        make(&at("a/b/c")).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(make(&folder.path().join("file/x")).is_err());
        assert!(sync(&folder.path().join("none")).is_err());
    }
}
