//! Why a service is not to be had, and what to do about it.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::{fmt, io};

/// Why a service is not to be had.
#[derive(Debug)]
pub(crate) enum ServiceError {
    /// A variable that is set names no file.
    VariableIsWrong { variable: &'static str, path: PathBuf },
    /// There is no `python3`, which fetches everything.
    NoPython { error: io::Error },
    /// The Python that is there cannot do what is needed of it.
    PythonLacks { module: &'static str, package: &'static str },
    /// A command was started and failed.
    Failed { command: String, status: ExitStatus, output: String },
    /// A command could not be started.
    NotStarted { command: String, error: io::Error },
    /// A package that was fetched does not hold what it should.
    NotInPackage { package: &'static str, file: &'static str },
    /// A file or folder cannot be used.
    File { path: PathBuf, error: io::Error },
    /// The service could not be fetched, and there is another way to have it.
    NotFetched { error: Box<ServiceError>, instead: &'static str },
}

impl ServiceError {
    /// Says of an error of the file system where it was.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VariableIsWrong { variable, path } => {
                write!(f, "{variable} is `{}`, which is no file; correct or unset it", path.display())
            }
            Self::NoPython { error } => {
                write!(
                    f,
                    "`python3` does not start ({error}); install Python 3 with its modules pip and venv"
                )
            }
            Self::PythonLacks { module, package } => {
                write!(f, "`python3` has no module `{module}`; install it (`{package}` on Debian and Ubuntu)")
            }
            Self::Failed { command, status, output } => write!(f, "`{command}` failed ({status}): {output}"),
            Self::NotStarted { command, error } => write!(f, "`{command}` does not start: {error}"),
            Self::NotInPackage { package, file } => write!(f, "`{package}` holds no file `{file}`"),
            Self::File { path, error } => write!(f, "`{}`: {error}", path.display()),
            Self::NotFetched { error, instead } => write!(f, "{error}\n    or {instead}"),
        }
    }
}

impl std::error::Error for ServiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoPython { error } | Self::NotStarted { error, .. } | Self::File { error, .. } => {
                Some(error)
            }
            Self::NotFetched { error, .. } => Some(error),
            _ => None,
        }
    }
}
