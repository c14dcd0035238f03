//! Python, by which packages are fetched.

use std::path::Path;
use std::process::Command;

use super::error::ServiceError;
use super::program;

/// `python3 -m` with one of its modules, once it is known to be there.
///
/// `package` is what has the module where Python comes in parts.
pub(crate) fn module(module: &'static str, package: &'static str) -> Result<Command, ServiceError> {
    let mut trial = Command::new("python3");
    trial.args(["-c", "import sys, importlib; importlib.import_module(sys.argv[1])", module]);
    match program::output(&mut trial) {
        Ok(_) => Ok(run_module("python3".as_ref(), module)),
        Err(ServiceError::NotStarted { error, .. }) => Err(ServiceError::NoPython { error }),
        Err(_) => Err(ServiceError::PythonLacks { module, package }),
    }
}

/// `pip`, which asks nothing and says nothing but what goes wrong.
pub(crate) fn pip(subcommand: &str) -> Result<Command, ServiceError> {
    let mut pip = module("pip", "python3-pip")?;
    pip.args(QUIET).arg(subcommand);
    Ok(pip)
}

/// The `pip` of the environment that `python` belongs to.
pub(crate) fn pip_of(python: &Path, subcommand: &str) -> Command {
    let mut pip = run_module(python, "pip");
    pip.args(QUIET).arg(subcommand);
    pip
}

const QUIET: [&str; 3] = ["--quiet", "--no-input", "--disable-pip-version-check"];

fn run_module(python: &Path, module: &str) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", module]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_not_there_is_told_with_its_package() {
        let error = module("no_such_module", "python3-nothing").expect_err("there is none").to_string();
        // Without Python that is what has to be installed.
        assert!(error.contains("`python3-nothing`") || error.contains("install Python 3"), "{error}");
    }

    #[test]
    fn pip_is_that_of_the_environment() {
        let pip = pip_of(Path::new("/services/python/bin/python"), "install");
        assert_eq!(pip.get_program(), "/services/python/bin/python");
        let arguments: Vec<_> = pip.get_args().collect();
        assert_eq!(arguments[..2], ["-m", "pip"]);
        assert_eq!(arguments.last(), Some(&"install".as_ref()));
    }
}
