//! `wayfare bench`: that part of the budget table which needs no rivals from elsewhere, on the user's machine.
//!
//! What is measured comes from the program `wayfare`: its graph, walkers and loops are not for programs that embed the
//! runtime, whose registers they would be in.

mod fault;
mod line;

use std::env;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

pub use self::fault::BenchError;
pub use self::line::BenchLine;
use super::exit::{Exit, Failure, explain};
use super::output::{Format, Output};
use super::progress::Progress;
use super::session::Session;

/// What the program that was built for it measures; it tells how many of its five parts are done.
pub type Measure = fn(&BenchOrder, &mut dyn FnMut(u64)) -> Result<Vec<BenchLine>, BenchError>;

/// Nodes of the graph for which the budgets were set.
const DESIGN_NODES: u64 = 1_000_000;

/// In how many parts that is done.
const PARTS: u64 = 5;

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct BenchOrder {
    /// Nodes of the graph.
    pub nodes: u64,
    /// Runs of each line.
    pub runs: usize,
    /// Where a store may be made.
    pub folder: PathBuf,
}

/// How much is measured.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Nodes of the graph; the budgets are those of a million, which take about 1 GB of memory
    #[arg(long, value_name = "N", default_value_t = DESIGN_NODES, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    nodes: u64,

    /// Runs of each line, of which the median is told
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    runs: u16,

    /// Where the store of the durable updates is made, and removed again [default: the folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// Measures and prints the table. A budget that is missed is no failure of the command.
///
/// It blocks, and must not run within an executor: the runtime is measured as a thread of a service sees it.
pub(crate) fn run(
    session: &Session,
    arguments: &BenchArgs,
    measure: Option<Measure>,
) -> Result<Exit, Failure> {
    let Some(measure) = measure else {
        let message = "the runtime is measured by the program `wayfare`, not by those that embed it";
        return Err(Failure::new(Exit::BadInput, message));
    };
    if cfg!(debug_assertions) {
        session.note("warning: this is a debug build, whose figures say nothing: build with `--release`");
    }
    if arguments.nodes < DESIGN_NODES {
        session.note(
            "note: the budgets are those of a million nodes: fewer fit a cache of the processor, \
             from which a loop by hand gains more",
        );
    }
    let order = BenchOrder {
        nodes: arguments.nodes,
        runs: usize::from(arguments.runs),
        folder: arguments.folder.clone().unwrap_or_else(env::temp_dir),
    };
    let mut progress = Progress::count(session.quiet, Some(PARTS), "measuring");
    let lines = measure(&order, &mut |done| progress.set(done))?;
    drop(progress);
    let output = if arguments.json { Output::new(Some(Format::Json)) } else { session.output };
    output.one(&json!({
        "nodes": arguments.nodes,
        "runs": arguments.runs,
        "debug_build": cfg!(debug_assertions),
        "lines": lines.iter().map(shown).collect::<Vec<_>>(),
    }))?;
    Ok(Exit::Done)
}

/// A line as a row of the result.
fn shown(line: &BenchLine) -> Value {
    let met = line.is_met().map(|is_met| if is_met { "met" } else { "missed" });
    json!({
        "work": line.work,
        "unit": line.unit,
        "rival": rounded(line.rival),
        "is_bound": line.is_bound,
        "ours": rounded(line.ours),
        "ratio": rounded(line.ratio),
        "budget": line.budget.is_finite().then_some(line.budget),
        "verdict": met,
    })
}

/// Times of a median differ from one call to the next in what is left out here.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Runtime(error) => error.into(),
            error => Self::new(Exit::Failed, explain(&error)),
        }
    }
}

#[cfg(test)]
mod tests;
