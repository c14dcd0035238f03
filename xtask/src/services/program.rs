//! Programs of others: looking for them and running them.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fmt};

use super::error::ServiceError;

/// The file `name` in the first folder of `PATH` that has it.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    first_with(name, &env::var_os("PATH").unwrap_or_default())
}

fn first_with(name: &str, folders: &OsStr) -> Option<PathBuf> {
    env::split_paths(folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Runs a command and gives what it prints on its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, ServiceError> {
    let typed = Typed(command).to_string();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            // Some complain on the one, some on the other.
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).trim().to_owned();
            Err(ServiceError::Failed { command: typed, status: output.status, output: text })
        }
        Err(error) => Err(ServiceError::NotStarted { command: typed, error }),
    }
}

/// The command as one would type it.
struct Typed<'a>(&'a Command);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.get_program().display())?;
        self.0.get_args().try_for_each(|argument| write!(f, " {}", argument.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_that_has_the_file_counts() {
        let folders = env::join_paths(["/no/such/folder", "/bin", "/usr/bin"]).expect("no colons");
        assert_eq!(first_with("sh", &folders), Some("/bin/sh".into()));
        assert_eq!(first_with("no-such-program", &folders), None);
        assert_eq!(first_with("sh", OsStr::new("")), None);
    }

    #[test]
    fn a_command_that_fails_is_told_with_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo wrong >&2; exit 3"]);
        let error = output(&mut command).expect_err("it exits with 3").to_string();
        assert!(error.starts_with("`sh -c echo out;"), "{error}");
        assert!(error.ends_with("failed (exit status: 3): out\nwrong"), "{error}");
        let error = output(&mut Command::new("no-such-program")).expect_err("there is none").to_string();
        assert!(error.starts_with("`no-such-program` does not start: "), "{error}");
    }
}
