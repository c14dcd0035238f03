//! The folder where fetched services are kept, one process at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::{env, ffi::OsString};

use super::error::ServiceError;

/// The folder of all services, beside what cargo builds; absolute, since tests run in other folders.
pub(crate) fn services() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let here = env::current_dir().unwrap_or_else(|_| root.clone());
    target(&root, &here, env::var_os("CARGO_TARGET_DIR")).join("services")
}

/// Cargo's folder of a checkout at `root`, for somebody who works in `here`.
fn target(root: &Path, here: &Path, variable: Option<OsString>) -> PathBuf {
    match variable.filter(|variable| !variable.is_empty()) {
        Some(target) => here.join(target),
        // The root is named from within the chores; a variable that tests are given should read well.
        None => fs::canonicalize(root).unwrap_or_else(|_| root.to_owned()).join("target"),
    }
}

/// Waits until no other process fetches services; until the file is dropped none will.
///
/// The system gives the lock back when a process ends, by whatever way.
pub(crate) fn lock(services: &Path) -> Result<File, ServiceError> {
    fs::create_dir_all(services).map_err(ServiceError::at(services))?;
    let path = services.join("lock");
    let file = File::options().create(true).append(true).open(&path).map_err(ServiceError::at(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            println!("==> waiting for another process that fetches services");
            file.lock().map_err(ServiceError::at(&path))?;
        }
        Err(TryLockError::Error(error)) => return Err(ServiceError::at(&path)(error)),
    }
    Ok(file)
}

/// Makes a folder that is empty, whatever an earlier process has left there.
pub(crate) fn empty(path: &Path) -> Result<(), ServiceError> {
    remove(path)?;
    fs::create_dir_all(path).map_err(ServiceError::at(path))
}

/// Removes a folder, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), ServiceError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ServiceError::at(path)(error)),
        _ => Ok(()),
    }
}

/// The first file called `name` in a folder or the folders within.
pub(crate) fn file_within(folder: &Path, name: &str) -> Result<Option<PathBuf>, ServiceError> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(ServiceError::at(&folder))? {
            let path = entry.map_err(ServiceError::at(&folder))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|found| found == name) {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};
    use std::{process, thread};

    use super::*;

    /// An empty folder that is removed again.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("wayfare-xtask-{}-{name}", process::id()));
            empty(&path).expect("a temporary folder can be made");
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn services_lie_where_cargo_builds() {
        let of = |variable: Option<&str>| {
            target(Path::new("/no/checkout"), Path::new("/no/checkout/graph"), variable.map(OsString::from))
        };
        assert_eq!(of(None), Path::new("/no/checkout/target"));
        assert_eq!(of(Some("")), Path::new("/no/checkout/target"));
        assert_eq!(of(Some("/elsewhere")), Path::new("/elsewhere"));
        assert_eq!(of(Some("built")), Path::new("/no/checkout/graph/built"));
        assert!(services().is_absolute());
    }

    #[test]
    fn the_lock_is_held_until_it_is_dropped() {
        let scratch = Scratch::new("lock");
        let lock_of = || File::open(scratch.0.join("lock")).expect("it was made").try_lock();
        let held = lock(&scratch.0).expect("nobody holds it");
        assert!(matches!(lock_of(), Err(TryLockError::WouldBlock)));
        drop(held);
        // A child that another test has just forked holds the descriptor until its program begins.
        let begun = Instant::now();
        while let Err(error) = lock_of() {
            assert!(matches!(error, TryLockError::WouldBlock) && begun.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_folder_is_emptied_of_what_was_left_there() {
        let scratch = Scratch::new("empty");
        let folder = scratch.0.join("a/b");
        for _ in 0..2 {
            empty(&folder).expect("it can be made");
            assert_eq!(file_within(&scratch.0, "half").expect("it can be listed"), None);
            fs::write(folder.join("half"), "").expect("it can be written to");
            assert_eq!(file_within(&scratch.0, "half").expect("it can be listed"), Some(folder.join("half")));
        }
        remove(&folder).expect("it is there");
        remove(&folder).expect("what is not there is removed already");
    }
}
