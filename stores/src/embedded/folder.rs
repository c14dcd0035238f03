//! The folder of a store: whether it is one, and the lock that keeps others out.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use wayfare_graph::StoreError;

use super::fault::Fault;
use crate::folders;
use crate::out_of_space::is_out_of_space;

/// LMDB's own file, which holds everything.
pub(super) const DATA_FILE: &str = "data.mdb";
const READERS_FILE: &str = "lock.mdb";
const LOCK_FILE: &str = "wayfare.lock";

/// Holds a folder for one store of one process; given back when dropped or when the process dies.
#[derive(Debug)]
pub(super) struct FolderLock {
    file: File,
    path: PathBuf,
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file would not do: a process that is being started just now holds a copy of the
        // descriptor until it runs its own program, and with it the lock.
        let _ = self.file.unlock();
    }
}

/// `EIO`, which is also what LMDB says when the system took only a part of a write.
const INPUT_OUTPUT: i32 = 5;

impl FolderLock {
    /// Makes the folder if there is none, and locks it.
    ///
    /// # Errors
    /// [`StoreError::NotAStore`] when something else lies there, [`StoreError::Busy`] when another
    /// process or handle holds it, [`StoreError::OutOfSpace`], [`StoreError::Io`].
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| Fault::Lmdb(error.into()).into_error(path);
        check(path)?;
        folders::make(path).map_err(failed)?;
        let mut options = File::options();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_FILE))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.display().to_string();
                return Err(StoreError::Busy { path, holder: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        file.write_all(std::process::id().to_string().as_bytes()).map_err(failed)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Waits until its files have their names on the disk. LMDB waits for what is in them alone.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        folders::sync(&self.path).map_err(|error| Fault::Lmdb(error.into()).into_error(&self.path))
    }

    /// The bytes of all files of the store.
    pub(super) fn file_bytes(&self) -> u64 {
        [DATA_FILE, READERS_FILE, LOCK_FILE].into_iter().map(|name| self.bytes_of(name)).sum()
    }

    fn bytes_of(&self, name: &str) -> u64 {
        fs::metadata(self.path.join(name)).map_or(0, |file| file.len())
    }

    /// Finds out whether it was for want of space that LMDB could write only a part.
    pub(super) fn explain(&self, fault: Fault) -> Fault {
        match &fault {
            Fault::Lmdb(heed::Error::Io(error)) if error.raw_os_error() == Some(INPUT_OUTPUT) => {
                match self.write_beyond_data() {
                    Err(error) if is_out_of_space(&error) => Fault::Lmdb(error.into()),
                    _ => fault,
                }
            }
            _ => fault,
        }
    }

    /// Does what LMDB tried, but in the lock file: writes a page where the data ends.
    fn write_beyond_data(&self) -> io::Result<()> {
        let mut file = &self.file;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(self.bytes_of(DATA_FILE)))?;
        let written = file.write_all(&[0; 4096]);
        file.set_len(len)?;
        written
    }
}

/// Refuses a path that holds something else. Looks before anything is written there.
fn check(path: &Path) -> Result<(), StoreError> {
    let refused = |reason: String| StoreError::NotAStore { path: path.display().to_string(), reason };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(refused("it is a file, a store is a folder".into()));
        }
        Err(error) => return Err(refused(error.to_string())),
    };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    // What a crash may leave of a store that was about to be made counts as an empty folder.
    let foreign = names.iter().find(|name| **name != *LOCK_FILE && **name != *READERS_FILE);
    match foreign {
        Some(foreign) if names.iter().all(|name| **name != *DATA_FILE) => {
            Err(refused(format!("it holds `{}` but no `{DATA_FILE}`", foreign.to_string_lossy())))
        }
        _ => Ok(()),
    }
}

/// Who holds the lock, as far as the file tells.
fn holder(file: &mut File) -> String {
    let mut pid = String::new();
    match file.take(20).read_to_string(&mut pid) {
        Ok(_) if !pid.trim().is_empty() => format!("process {}", pid.trim()),
        // The holder has not written it yet, or the system does not let locked files be read.
        _ => "another process".into(),
    }
}
