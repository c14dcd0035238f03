//! What stands behind `cargo xtask fuzz`.

use std::path::PathBuf;

/// How it is used.
pub(super) const USAGE: &str = "\
usage: cargo xtask fuzz [--seconds N] [TARGET]   mutate inputs for N seconds altogether [default: 60]
       cargo xtask fuzz TARGET FILE…             run a target on these inputs, once each
       cargo xtask fuzz --keep [TARGET]          take into the corpus some of what was found and reaches new code";

/// How long all targets together mutate inputs unless said.
const SECONDS: u64 = 60;

/// A command line that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) help: bool,
    pub(super) keep: bool,
    pub(super) seconds: u64,
    pub(super) target: Option<String>,
    pub(super) files: Vec<PathBuf>,
}

impl CommandLine {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(words: &[String]) -> Result<Self, String> {
        let mut line = Self { help: false, keep: false, seconds: SECONDS, target: None, files: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--help" | "-h" => line.help = true,
                "--keep" => line.keep = true,
                "--seconds" => {
                    let number = words.next().and_then(|number| number.parse().ok()).filter(|n| *n > 0);
                    line.seconds = number.ok_or("`--seconds` needs a whole number from 1")?;
                }
                flag if flag.starts_with('-') => return Err(format!("`{flag}` is no option of it")),
                name if line.target.is_none() => line.target = Some(name.to_owned()),
                file => line.files.push(file.into()),
            }
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<CommandLine, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        CommandLine::read(&words)
    }

    #[test]
    fn a_target_its_files_and_the_time_are_read() {
        let line = read("--seconds 600 filters a b").unwrap();
        assert_eq!((line.seconds, line.target.as_deref(), line.files.len()), (600, Some("filters"), 2));
        let line = read("").unwrap();
        assert_eq!((line.seconds, line.target, line.keep), (SECONDS, None, false));
        assert!(read("--keep").unwrap().keep);
    }

    #[test]
    fn a_time_of_nothing_and_unknown_options_are_refused() {
        for line in ["--seconds", "--seconds 0", "--seconds x", "--second 3"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
