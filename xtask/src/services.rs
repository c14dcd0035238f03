//! `cargo xtask services`: the programs that tests start, found or fetched.

mod error;
mod folder;
mod jvspatial;
mod mongod;
mod program;
mod python;
mod redis;

use std::env;
use std::ffi::OsString;
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;

use self::error::ServiceError;

/// A program that tests start, and the variable by which they know where it is.
///
/// A further one is a file beside [`mongod`] and a line in [`SERVICES`].
struct Service {
    name: &'static str,
    variable: &'static str,
    /// Finds the program or fetches it into the folder of all services.
    find: fn(&Path) -> Result<PathBuf, ServiceError>,
    /// Asks a program of this kind for its version, which shows that it runs here.
    version: fn(&Path) -> Result<String, ServiceError>,
}

const SERVICES: &[Service] = &[mongod::SERVICE, redis::SERVICE, jvspatial::SERVICE];

/// What was found of one service.
pub(crate) struct Found {
    pub(crate) name: &'static str,
    pub(crate) variable: &'static str,
    pub(crate) result: Result<Ready, ServiceError>,
}

/// A program that runs here.
pub(crate) struct Ready {
    pub(crate) path: PathBuf,
    version: String,
}

/// Makes sure that the programs are there, and says where.
pub(crate) fn run() -> ExitCode {
    // All of them, also behind one that fails: each has its own way to be had.
    let is_complete = find_all().iter().all(|found| found.result.is_ok());
    if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Finds or fetches every service, and says aloud what came of it.
pub(crate) fn find_all() -> Vec<Found> {
    let folder = folder::services();
    let found = SERVICES.iter().map(|service| {
        let named = env::var_os(service.variable);
        let result = find(service, named, &folder);
        match &result {
            Ok(Ready { path, version }) => {
                println!("==> {}: {version}, {}='{}'", service.name, service.variable, path.display());
            }
            Err(error) => eprintln!("==> {} is not to be had: {error}", service.name),
        }
        Found { name: service.name, variable: service.variable, result }
    });
    found.collect()
}

/// What the variable names already, or else what there is.
fn find(service: &Service, named: Option<OsString>, folder: &Path) -> Result<Ready, ServiceError> {
    let path = match named.map(PathBuf::from) {
        // Tests run in the folders of their crates, where a relative path leads elsewhere.
        Some(path) if path.is_file() => path::absolute(&path).map_err(ServiceError::at(&path))?,
        Some(path) => return Err(ServiceError::VariableIsWrong { variable: service.variable, path }),
        None => (service.find)(folder)?,
    };
    let version = (service.version)(&path)?;
    Ok(Ready { path, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE_UP: Service = Service {
        name: "made-up",
        variable: "WAYFARE_MADE_UP",
        find: |folder| Ok(folder.join("fetched")),
        version: |path| Ok(format!("version of {}", path.display())),
    };

    #[test]
    fn what_the_variable_names_is_used_and_nothing_fetched() {
        let this = env::current_exe().expect("a test knows its file");
        let ready = find(&MADE_UP, Some(this.clone().into()), Path::new("/services"));
        assert_eq!(ready.map(|ready| ready.path).ok(), Some(this));
        let ready = find(&MADE_UP, None, Path::new("/services"));
        assert_eq!(ready.map(|ready| ready.version).ok().as_deref(), Some("version of /services/fetched"));
    }

    #[test]
    fn a_variable_that_names_nothing_is_a_mistake() {
        let error = find(&MADE_UP, Some("/no/such/file".into()), Path::new("/services")).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("WAYFARE_MADE_UP is `/no/such/file`, which is no file"), "{error}");
    }

    #[test]
    fn services_are_told_apart() {
        for (index, service) in SERVICES.iter().enumerate() {
            for other in &SERVICES[index + 1..] {
                assert!(service.name != other.name && service.variable != other.variable);
            }
        }
    }
}
