//! `cargo xtask fuzz`: every parser on mutated inputs, for a bounded time.
//!
//! libFuzzer is the engine. It mutates the inputs of `fuzz/corpus/TARGET` and keeps those that reach code which none
//! before has reached, in `target/fuzz/TARGET/found`. Stable compilers can instrument for it by flags that `compile.rs`
//! adds for the crates of the workspace alone, so that what they depend on is shared with all other builds.

mod command_line;
mod compile;
mod target;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use self::command_line::CommandLine;
use self::target::Target;

pub(crate) use self::compile::compile_instead;

/// Exit code for a wrong command line, as shells have it.
const USAGE: u8 = 2;

/// The folder with a folder of inputs for each target, seen from the root.
const CORPUS: &str = "fuzz/corpus";

/// Runs one target, some, or all.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let line = match CommandLine::read(words) {
        Ok(line) if line.help => {
            println!("{}", command_line::USAGE);
            return ExitCode::SUCCESS;
        }
        Ok(line) => line,
        Err(reason) => {
            eprintln!("{reason}\n\n{}", command_line::USAGE);
            return ExitCode::from(USAGE);
        }
    };
    match fuzz(&line) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every target came through.
fn fuzz(line: &CommandLine) -> Result<bool, String> {
    let started = Instant::now();
    let names = chosen(line)?;
    let program = compile::build(&target_folder()?)?;
    let folder = target_folder()?.join("fuzz");
    let new = |name: &String| Target::new(name, &root().join(CORPUS), &folder, &program);
    let targets: Vec<Target> = names.iter().map(new).collect();
    if let ([target], true) = (&targets[..], !line.files.is_empty()) {
        return target.repeat(&line.files);
    }
    if line.keep {
        return targets.iter().try_fold(true, |all, target| Ok(target.keep()? && all));
    }
    println!("==> built in {:.1} s", started.elapsed().as_secs_f64());
    let failed = all(&targets, line.seconds);
    match failed {
        0 => println!("==> {} targets passed in {:.1} s", targets.len(), started.elapsed().as_secs_f64()),
        _ => eprintln!("==> {failed} of {} targets failed", targets.len()),
    }
    Ok(failed == 0)
}

/// Runs the targets, as many at once as there are cores, for `seconds` altogether; gives how many failed.
fn all(targets: &[Target], seconds: u64) -> usize {
    let at_once = thread::available_parallelism().map_or(1, usize::from).min(targets.len());
    // A share of nothing would be taken for no bound at all.
    let each = (seconds * at_once as u64 / targets.len().max(1) as u64).max(1);
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                // Counters only: nothing else is published by them.
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !target.run(each) {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    failed.into_inner()
}

/// The targets that are named, or all: each has a folder in the corpus.
fn chosen(line: &CommandLine) -> Result<Vec<String>, String> {
    let corpus = root().join(CORPUS);
    let folders =
        corpus.read_dir().map_err(|error| format!("cannot list `{}`: {error}", corpus.display()))?;
    let names = folders.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut known: Vec<String> = names.collect();
    known.sort();
    match line.target.as_ref() {
        None => Ok(known),
        Some(name) if known.contains(name) => Ok(vec![name.clone()]),
        Some(name) => Err(format!("no target is called `{name}`: there is {}", known.join(", "))),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder that cargo builds into: this program lies in `debug` within it.
fn target_folder() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
    let folder = program.ancestors().nth(2).map(Path::to_owned);
    folder.ok_or_else(|| format!("`{}` lies in no target folder", program.display()))
}
