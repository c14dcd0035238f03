//! One target: its corpus, what was found, and how its process ends.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{fs, io};

/// Names the target to the program, which holds all of them.
const VARIABLE: &str = "WAYFARE_FUZZ_TARGET";

/// Begins the program with the stack of a thread, so that deep nesting overflows it as it would there, with so little
/// memory that a length taken from the input and allocated shows, and without a core dump.
const BOUNDED: &str = "ulimit -c 0; ulimit -s 2048; ulimit -v 2097152; exec \"$0\" \"$@\"";

/// Bounds on one input, and on the memory in use. The address space above is wider than what is in use, because
/// allocators reserve some. The time is that of the clock, so it has to outlast a pause of the whole machine.
const BOUNDS: [&str; 3] = ["-timeout=60", "-rss_limit_mb=512", "-max_len=4096"];

/// Lines of libFuzzer's output that are shown when a target fails.
const SHOWN_LINES: usize = 40;

/// Bytes of the input that are shown then.
const SHOWN_BYTES: usize = 2_048;

/// Most inputs that one call takes into the corpus of a target, and the most bytes of one.
const KEPT_AT_ONCE: usize = 12;
const MOST_KEPT_BYTES: u64 = 1_024;

/// A parser with what is tried on it.
pub(super) struct Target {
    name: String,
    /// Inputs under version control.
    corpus: PathBuf,
    /// Inputs that reached new code in runs of this checkout.
    found: PathBuf,
    crashes: PathBuf,
    /// Words of its language, where there are some.
    words: PathBuf,
    program: PathBuf,
}

impl Target {
    pub(super) fn new(name: &str, corpora: &Path, folder: &Path, program: &Path) -> Self {
        Self {
            name: name.to_owned(),
            corpus: corpora.join(name),
            found: folder.join(name).join("found"),
            crashes: folder.join(name).join("crashes"),
            words: corpora.join("../words").join(format!("{name}.dict")),
            program: program.to_owned(),
        }
    }

    /// Tries the corpus, then mutations for so many seconds; whether nothing went wrong.
    pub(super) fn run(&self, seconds: u64) -> bool {
        let mut words = vec![
            format!("-max_total_time={seconds}").into(),
            "-print_final_stats=1".into(),
            self.found.clone().into_os_string(),
            self.corpus.clone().into_os_string(),
        ];
        if self.words.exists() {
            words.push(format!("-dict={}", self.words.display()).into());
        }
        match self.output(words) {
            Ok(output) => self.told(&output),
            Err(error) => {
                eprintln!("    {}: cannot be started: {error}", self.name);
                false
            }
        }
    }

    /// Runs inputs once each, with everything shown.
    pub(super) fn repeat(&self, files: &[PathBuf]) -> Result<bool, String> {
        let status = self.command(files.iter().map(|file| file.clone().into_os_string())).status();
        status.map(|status| status.success()).map_err(|error| format!("{}: {error}", self.name))
    }

    /// Takes some of what was found into the corpus, out of what reaches code that the corpus does not.
    ///
    /// Not all of it: a few minutes find thousands of inputs for a parser of many branches, and who reads the corpus
    /// should be able to. Out of those in the order of their lengths, every so many-th is taken.
    pub(super) fn keep(&self) -> Result<bool, String> {
        let failed = |error: io::Error| format!("{}: {error}", self.name);
        let merged = self.found.with_file_name("merged");
        copy_all(&self.corpus, &merged).map_err(failed)?;
        // By edges alone, not by how often they were passed.
        let flags = ["-set_cover_merge=1", "-use_counters=0"].map(OsString::from);
        let folders = [merged.clone(), self.found.clone()].map(PathBuf::into_os_string);
        let output = self.output(flags.into_iter().chain(folders).collect()).map_err(failed)?;
        let mut new = files(&merged).map_err(failed)?;
        new.retain(|(length, path)| {
            *length <= MOST_KEPT_BYTES
                && path.file_name().is_some_and(|name| !self.corpus.join(name).exists())
        });
        new.sort();
        let taken = new.iter().step_by(new.len().div_ceil(KEPT_AT_ONCE).max(1));
        for (_, path) in taken.clone() {
            fs::copy(path, self.corpus.join(path.file_name().unwrap_or_default())).map_err(failed)?;
        }
        fs::remove_dir_all(&merged).map_err(failed)?;
        println!("    {}: took {} of {} inputs that reach new code", self.name, taken.count(), new.len());
        Ok(output.status.success())
    }

    fn output(&self, words: Vec<OsString>) -> io::Result<Output> {
        fs::create_dir_all(&self.found)?;
        fs::create_dir_all(&self.crashes)?;
        // The message of a panic is what is wanted of the end of the output; who repeats it can have the backtrace.
        self.command(words).env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(Stdio::null()).output()
    }

    fn command(&self, words: impl IntoIterator<Item = OsString>) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", BOUNDED]).arg(&self.program).args(BOUNDS);
        // What ends with a slash is a folder to libFuzzer, anything else the beginning of names.
        command.arg(format!("-artifact_prefix={}/", self.crashes.display()));
        command.args(words).env(VARIABLE, &self.name);
        command
    }

    /// Says how a run went, and after a crash how to see it again.
    fn told(&self, output: &Output) -> bool {
        let text = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            println!("    {}: {}", self.name, Figures::of(&text));
            return true;
        }
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
            eprintln!("        {line}");
        }
        eprintln!("    {}: failed ({})", self.name, output.status);
        let written = text.lines().find_map(|line| line.split("Test unit written to ").nth(1));
        match written {
            Some(file) => {
                // Whoever reads this may have nothing but the output.
                let input = fs::read(file).unwrap_or_default();
                let shown = &input[..input.len().min(SHOWN_BYTES)];
                eprintln!("    input of {} bytes: \"{}\"", input.len(), shown.escape_ascii());
                eprintln!("    to repeat: cargo xtask fuzz {} {file}", self.name);
            }
            None => eprintln!("    to repeat: cargo xtask fuzz {}", self.name),
        }
        false
    }
}

/// The files of a folder with their lengths.
fn files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let one = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.metadata()?.len(), entry.path()))
    };
    fs::read_dir(folder)?.map(one).collect()
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for (_, path) in files(from)? {
        fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// What libFuzzer says at the end of a run.
struct Figures<'a> {
    runs: &'a str,
    per_second: &'a str,
    edges: &'a str,
    new: &'a str,
}

impl<'a> Figures<'a> {
    fn of(text: &'a str) -> Self {
        let stat = |name: &str| {
            let line = text.lines().rev().find(|line| line.starts_with("stat::") && line.contains(name));
            line.and_then(|line| line.split_whitespace().last()).unwrap_or("?")
        };
        let covered = text.lines().rev().find_map(|line| line.split_once(" cov: "));
        let edges = covered.and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or("?");
        Self {
            runs: stat("number_of_executed_units"),
            per_second: stat("average_exec_per_sec"),
            edges,
            new: stat("new_units_added"),
        }
    }
}

impl std::fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { runs, per_second, edges, new } = self;
        write!(f, "{runs} inputs, {per_second}/s, {edges} edges reached, {new} inputs that were new")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_end_of_a_run() {
        let text = "#2 INITED cov: 12 ft: 13 corp: 1/1b\n#99 DONE cov: 40 ft: 60 corp: 9/80b lim: 4 exec/s: 3\n\
                    Done 99 runs\nstat::number_of_executed_units: 99\nstat::average_exec_per_sec:     33\n\
                    stat::new_units_added:          8\nstat::peak_rss_mb:  30\n";
        let told = Figures::of(text).to_string();
        assert_eq!(told, "99 inputs, 33/s, 40 edges reached, 8 inputs that were new");
        assert!(Figures::of("").to_string().starts_with("? inputs"));
    }
}
