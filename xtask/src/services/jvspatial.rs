//! The Python library whose data Wayfare has to read, and whose Python tests ask what it reads of Wayfare's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ServiceError;
use super::{Service, folder, program, python};

pub(super) const SERVICE: Service =
    Service { name: "jvspatial", variable: "WAYFARE_JVSPATIAL", find, version };

/// What is installed; the driver for MongoDB, pymongo, comes with it.
const PACKAGE: &str = "jvspatial==0.2.2";

/// The file that is written when all else is there. An environment knows its own path, so it cannot be made elsewhere
/// and then be moved to where it is looked for.
const MARKER: &str = "complete";

/// The Python of an environment in the folder of services, made if it is not there yet.
fn find(services: &Path) -> Result<PathBuf, ServiceError> {
    let environment = services.join("python");
    let python = environment.join("bin/python");
    if is_complete(&environment) {
        return Ok(python);
    }
    let _lock = folder::lock(services)?;
    // Whoever held the lock may have made it.
    if is_complete(&environment) {
        return Ok(python);
    }
    println!("==> fetching {PACKAGE} and what it needs");
    folder::remove(&environment)?;
    let mut make = venv()?;
    program::output(make.arg(&environment))?;
    program::output(python::pip_of(&python, "install").arg(PACKAGE))?;
    version(&python)?;
    let marker = environment.join(MARKER);
    fs::write(&marker, PACKAGE).map_err(ServiceError::at(&marker))?;
    Ok(python)
}

/// Makes environments. Where Python comes in parts it may lack `ensurepip`, without which they have no pip.
fn venv() -> Result<Command, ServiceError> {
    python::module("ensurepip", "python3-venv")?;
    python::module("venv", "python3-venv")
}

/// Whether the environment has all of this package, and its Python still finds it there: it is a link to the
/// machine's, which may have been replaced by another version.
fn is_complete(environment: &Path) -> bool {
    let is_marked = fs::read_to_string(environment.join(MARKER)).is_ok_and(|package| package == PACKAGE);
    is_marked && version(&environment.join("bin/python")).is_ok()
}

/// The versions of library and driver, as only a Python that has both can tell them.
fn version(python: &Path) -> Result<String, ServiceError> {
    const TELL: &str = "from importlib.metadata import version\n\
                        print('jvspatial', version('jvspatial'), 'with pymongo', version('pymongo'))";
    Ok(program::output(Command::new(python).args(["-c", TELL]))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_environment_is_complete_with_its_marker_and_its_python() {
        let environment = std::env::temp_dir().join(format!("wayfare-xtask-{}-python", std::process::id()));
        folder::empty(&environment.join("bin")).expect("a temporary folder can be made");
        let (python, marker) = (environment.join("bin/python"), environment.join(MARKER));
        assert!(!is_complete(&environment), "nothing is there");
        symlink("/bin/true", &python).expect("a link can be made");
        assert!(!is_complete(&environment), "it was not finished");
        fs::write(&marker, "jvspatial==0.0.1").expect("it can be written to");
        assert!(!is_complete(&environment), "it has another version");
        fs::write(&marker, PACKAGE).expect("it can be written to");
        assert!(is_complete(&environment));
        fs::remove_file(&python).expect("it is there");
        assert!(!is_complete(&environment), "its Python is gone");
        symlink("/bin/false", &python).expect("a link can be made");
        assert!(!is_complete(&environment), "its Python does not find the package");
        folder::remove(&environment).expect("it can be removed");
    }
}
