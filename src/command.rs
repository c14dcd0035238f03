//! The command line: what can be asked, and who answers.

pub(crate) mod bench;
mod checksum;
mod config;
mod copy;
mod count;
mod delete;
mod doctor;
mod duration;
mod exit;
mod export;
mod find;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod get;
mod import;
mod index;
mod migrate;
mod names;
mod output;
mod paths;
mod progress;
mod session;
mod stats;
mod stores;
mod subject;
mod termination;
mod top;
mod walk;

use std::ffi::OsString;
use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::bench::Measure;
use self::exit::{EXIT_CODES, Exit, Failure};
use self::session::{Globals, Session};

/// Imports a graph, walks it, and reads and writes what is stored.
///
/// Results go to standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(name = "wayfare", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    globals: Globals,

    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Imports nodes and edges from CSV, TSV or JSON Lines, plain or gzipped; again is an upsert
    Import(Box<import::ImportArgs>),
    /// Sends a walker through the graph
    #[command(subcommand)]
    Walk(walk::WalkCommand),
    /// Shows documents by id
    Get(get::GetArgs),
    /// Finds documents of an entity
    Find(find::FindArgs),
    /// Counts documents
    Count(count::CountArgs),
    /// Shows what the store holds: entities, edges, degrees, bytes, indexes, and documents of durable walks
    Stats,
    /// Writes documents as JSON Lines that `wayfare import` takes back; those of durable walks are left
    /// out
    Export(export::ExportArgs),
    /// Deletes documents; a node takes its edges with it
    Delete(delete::DeleteArgs),
    /// Lists, makes, drops and renames indexes
    #[command(subcommand)]
    Index(index::IndexCommand),
    /// Brings stored documents to the form that this release writes
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    /// Copies everything from one store to another, and verifies the copy
    Copy(copy::CopyArgs),
    /// Looks for what is wrong with a store, and repairs what can be repaired
    Doctor(doctor::DoctorArgs),
    /// Shows live how a running runtime does, by its `[observe] listen`
    Top(top::TopArgs),
    /// Measures the runtime on this machine, beside loops written by hand, against its budgets
    Bench(bench::BenchArgs),
    /// Shows the effective settings and where each that is not the default was set
    Config,
}

/// Runs the `wayfare` command with arguments, the name of the program first, and gives its exit code.
///
/// The command knows the entity types of the program that it is part of, and what they register: so
/// `migrate schema` in the `main` of an application runs the application's own upgrades.
///
/// ```no_run
/// use wayfare::node;
///
/// #[node]
/// struct City { name: String }
///
/// fn main() -> std::process::ExitCode {
///     wayfare::run_command(std::env::args_os())
/// }
/// ```
///
/// It writes to standard output and standard error, and blocks until the command has ended.
///
/// # Panics
/// Inside of a tokio runtime: it has one of its own.
pub fn run_command<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> ExitCode {
    run_or_measure(arguments, None)
}

/// The same for the program that can measure the runtime too.
#[doc(hidden)]
pub fn run_command_with<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    measure: Measure,
) -> ExitCode {
    run_or_measure(arguments, Some(measure))
}

fn run_or_measure<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    measure: Option<Measure>,
) -> ExitCode {
    let command = Cli::command().mut_subcommand("bench", |bench| bench.hide(measure.is_none()));
    let parsed = command.try_get_matches_from(arguments);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are such errors too, with code 0. A closed pipe is no reason to complain.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::BadInput as u8));
        }
    };
    let exit = run(cli, measure).unwrap_or_else(|failure| {
        if !failure.message().is_empty() {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(stderr(), "error: {}", failure.message());
        }
        failure.exit()
    });
    ExitCode::from(exit as u8)
}

fn run(cli: Cli, measure: Option<Measure>) -> Result<Exit, Failure> {
    let workers = match &cli.command {
        Command::Walk(walk) => walk.workers(),
        _ => None,
    };
    let session = Session::start(&cli.globals, workers)?;
    if let Command::Bench(arguments) = &cli.command {
        return bench::run(&session, arguments, measure);
    }
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor =
        executor.map_err(|error| Failure::new(Exit::Failed, format!("cannot start the command: {error}")))?;
    let work = async {
        match cli.command {
            Command::Import(arguments) => import::run(&session, &arguments).await,
            Command::Walk(walk) => walk::run(&session, walk).await,
            Command::Get(arguments) => get::run(&session, arguments).await,
            Command::Find(arguments) => find::run(&session, arguments).await,
            Command::Count(arguments) => count::run(&session, arguments).await,
            Command::Stats => stats::run(&session).await,
            Command::Export(arguments) => export::run(&session, arguments).await,
            Command::Delete(arguments) => delete::run(&session, arguments).await,
            Command::Index(command) => index::run(&session, command).await,
            Command::Migrate(command) => migrate::run(&session, command).await,
            Command::Copy(arguments) => copy::run(&session, &arguments).await,
            Command::Doctor(arguments) => doctor::run(&session, arguments).await,
            Command::Top(arguments) => top::run(&session, arguments, cli.globals.format).await,
            // It has executors of its own, and was run above.
            Command::Bench(_) => Ok(Exit::Done),
            Command::Config => config::run(&session, &cli.globals),
        }
    };
    let time = session.config.supervision.drain_timeout();
    let ended = executor.block_on(session.termination.within(time, |text| session.note(text), work));
    if matches!(&ended, Err(failure) if failure.exit() == Exit::Terminated) {
        // What still waits on a thread, as for a file that nobody writes on, is not waited for.
        executor.shutdown_background();
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_embeds_the_runtime_does_not_measure_it() {
        let cli = Cli::try_parse_from(["app", "bench", "--nodes", "100"]).unwrap();
        let refused = run(cli, None).unwrap_err();
        assert_eq!(refused.exit() as u8, Exit::BadInput as u8);
        assert!(refused.message().contains("by the program `wayfare`"), "{}", refused.message());
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
