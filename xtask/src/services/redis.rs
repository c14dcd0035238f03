//! Redis's server, `redis-server`: that of the machine, or else the one of its Debian packages, which are unpacked and
//! not installed, so that nobody has to be root.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ServiceError;
use super::{Service, folder, program};

pub(super) const SERVICE: Service =
    Service { name: "redis-server", variable: "WAYFARE_REDIS", find, version };

/// The package that holds the server, under the name of another tool; `redis-server` itself holds a link to it.
const PACKAGE: &str = "redis-tools";

/// The file in the package.
const PACKED: &str = "redis-check-rdb";

/// The server's name, by which it knows what it is to be.
const FILE: &str = "redis-server";

/// How to have it without the package.
const INSTEAD: &str = "install Redis 6 or newer by yourself and have its `redis-server` on the PATH";

/// Starts the server with the libraries beside it, as the same process.
const STARTER: &str = r#"#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/bin/redis-server" "$@"
"#;

fn find(services: &Path) -> Result<PathBuf, ServiceError> {
    // One that does not run, as after an update of a library, is as good as none, and so is one that is too old.
    match program::on_path(FILE).filter(|path| version(path).is_ok_and(|said| is_new_enough(&said))) {
        Some(path) => Ok(path),
        None => fetched(services)
            .map_err(|error| ServiceError::NotFetched { error: Box::new(error), instead: INSTEAD }),
    }
}

/// What it says of itself up to its build, such as `Redis server v=7.0.15`.
fn version(server: &Path) -> Result<String, ServiceError> {
    let said = program::output(Command::new(server).arg("--version"))?;
    Ok(said.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

/// Whether it has the protocol by which changes are told.
fn is_new_enough(version: &str) -> bool {
    let major = version.split_once("v=").and_then(|(_, version)| version.split('.').next());
    major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 6)
}

/// The server in the folder of services, brought there if it is not there yet.
fn fetched(services: &Path) -> Result<PathBuf, ServiceError> {
    let own = services.join("redis");
    let complete = own.join("debian");
    let server = complete.join(FILE);
    // The machine may have had a new C library since.
    if version(&server).is_ok() {
        return Ok(server);
    }
    let _lock = folder::lock(services)?;
    // Whoever held the lock may have brought it.
    if version(&server).is_ok() {
        return Ok(server);
    }
    println!("==> fetching {FILE}: {PACKAGE} and its libraries, from the archive of this machine's system");
    let partial = own.join("partial");
    folder::empty(&partial)?;
    let ready = fetch(&partial)?;
    folder::remove(&complete)?;
    fs::rename(&ready, &complete).map_err(ServiceError::at(&complete))?;
    folder::remove(&partial)?;
    Ok(server)
}

/// Fetches into a folder, and gives the folder within that holds the server and what it needs, once it runs.
fn fetch(partial: &Path) -> Result<PathBuf, ServiceError> {
    let (packages, unpacked, ready) =
        (partial.join("packages"), partial.join("unpacked"), partial.join("ready"));
    folder::empty(&packages)?;
    if download(&Apt::machine(), &packages).is_err() {
        // A new machine has no lists of packages, an old one lists of packages that are gone.
        let apt = Apt::own(&partial.join("apt"))?;
        program::output(apt.command("apt-get").arg("update"))?;
        download(&apt, &packages)?;
    }
    for package in files(&packages)? {
        program::output(Command::new("dpkg-deb").arg("-x").arg(package).arg(&unpacked))?;
    }
    let (bin, lib) = (ready.join("bin"), ready.join("lib"));
    folder::empty(&bin)?;
    folder::empty(&lib)?;
    let found = folder::file_within(&unpacked, PACKED)?;
    let found = found.ok_or(ServiceError::NotInPackage { package: PACKAGE, file: PACKED })?;
    let server = bin.join(FILE);
    fs::rename(&found, &server).map_err(ServiceError::at(&server))?;
    collect_libraries(&unpacked, &lib)?;
    let starter = ready.join(FILE);
    fs::write(&starter, STARTER).map_err(ServiceError::at(&starter))?;
    fs::set_permissions(&starter, Permissions::from_mode(0o755)).map_err(ServiceError::at(&starter))?;
    version(&starter)?;
    Ok(ready)
}

/// Downloads the package and the libraries that it needs, but not the C library: that has to be the one of the system's
/// loader.
fn download(apt: &Apt, packages: &Path) -> Result<(), ServiceError> {
    let depends = |names: &[String]| program::output(apt.command("apt-cache").args(DEPENDS).args(names));
    let direct = needed(&depends(&[PACKAGE.into()])?);
    let mut recursive = vec!["--recurse".to_owned()];
    recursive.extend(direct.iter().cloned());
    let mut wanted = [direct, needed(&depends(&recursive)?)].concat();
    wanted.sort_unstable();
    wanted.dedup();
    let mut fetch = apt.command("apt-get");
    fetch.arg("download").arg(PACKAGE).args(wanted).current_dir(packages);
    program::output(&mut fetch)?;
    Ok(())
}

/// What a package needs, and nothing that it only goes well with.
const DEPENDS: [&str; 8] = [
    "depends",
    "--no-pre-depends",
    "--no-recommends",
    "--no-suggests",
    "--no-conflicts",
    "--no-breaks",
    "--no-replaces",
    "--no-enhances",
];

/// The libraries that `apt-cache depends` tells.
fn needed(told: &str) -> Vec<String> {
    let names = told.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let libraries = names.filter(|name| name.starts_with("lib") && !name.starts_with("libc6"));
    libraries.map(str::to_owned).collect()
}

/// The commands of the system's package manager, with the lists of packages that they know.
struct Apt {
    options: Vec<String>,
}

impl Apt {
    /// With the lists of the machine.
    fn machine() -> Self {
        Self { options: Vec::new() }
    }

    /// With lists of their own in a folder.
    fn own(folder: &Path) -> Result<Self, ServiceError> {
        for inner in ["lists/partial", "cache/archives/partial"] {
            let inner = folder.join(inner);
            fs::create_dir_all(&inner).map_err(ServiceError::at(&inner))?;
        }
        let folder = folder.display();
        Ok(Self {
            options: vec![
                format!("Dir::State::Lists={folder}/lists"),
                format!("Dir::Cache={folder}/cache"),
                // Where it is run by root it would become another user, who may not write there.
                "APT::Sandbox::User=root".into(),
            ],
        })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        self.options.iter().for_each(|option| _ = command.arg("-o").arg(option));
        command
    }
}

/// Brings all shared libraries within a folder to another, links as links.
fn collect_libraries(unpacked: &Path, lib: &Path) -> Result<(), ServiceError> {
    let mut folders = vec![unpacked.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in files(&folder)? {
            let is_link = path.is_symlink();
            if path.is_dir() && !is_link {
                folders.push(path);
                continue;
            }
            let Some(name) = path.file_name().filter(|name| name.to_string_lossy().contains(".so.")) else {
                continue;
            };
            let here = lib.join(name);
            fs::rename(&path, &here).map_err(ServiceError::at(&here))?;
        }
    }
    Ok(())
}

/// What lies in a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ServiceError> {
    let entries = fs::read_dir(folder).map_err(ServiceError::at(folder))?;
    entries.map(|entry| Ok(entry.map_err(ServiceError::at(folder))?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_needed_and_nothing_else_is() {
        let told = "redis-tools\n  Depends: adduser\n  Depends: libatomic1\n  Depends: libc6\n |Depends: libssl3\n  \
                    Depends: libsystemd0\n    libelogind0\n  Breaks: libfoo\n<libbar>\n";
        assert_eq!(needed(told), ["libatomic1", "libsystemd0"]);
    }

    #[test]
    fn servers_without_the_protocol_are_too_old() {
        assert!(is_new_enough("Redis server v=7.0.15"));
        assert!(is_new_enough("Redis server v=10.1"));
        assert!(!is_new_enough("Redis server v=5.0.14"));
        assert!(!is_new_enough("something else"));
    }

    #[test]
    fn what_is_there_and_runs_is_not_fetched() {
        let services = std::env::temp_dir().join(format!("wayfare-xtask-{}-redis", std::process::id()));
        let complete = services.join("redis/debian");
        folder::empty(&complete).expect("a temporary folder can be made");
        let server = complete.join(FILE);
        std::os::unix::fs::symlink("/bin/true", &server).expect("a link can be made");
        assert_eq!(fetched(&services).ok(), Some(server));
        assert!(!services.join("lock").exists());
        folder::remove(&services).expect("it can be removed");
    }

    #[test]
    fn own_lists_are_named_to_every_command() {
        let folder = std::env::temp_dir().join(format!("wayfare-xtask-{}-apt", std::process::id()));
        let apt = Apt::own(&folder).expect("a temporary folder can be made");
        let command = apt.command("apt-get");
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        assert_eq!(arguments[..2], ["-o".into(), format!("Dir::State::Lists={}/lists", folder.display())]);
        assert!(folder.join("lists/partial").is_dir());
        folder::remove(&folder).expect("it can be removed");
    }

    #[test]
    fn a_server_that_does_not_run_here_is_told() {
        let error = version(Path::new("/bin/false")).expect_err("it fails").to_string();
        assert!(error.starts_with("`/bin/false --version` failed"), "{error}");
    }
}
