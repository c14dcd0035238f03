//! `wayfare bench`: that part of the budget table which needs no rivals from elsewhere, on the user's machine.

mod fault;
mod line;
mod made_graph;
mod resident;
mod rows;
mod updates;
mod walkers;

use std::env;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use wayfare::{edge, node};

use self::fault::BenchError;
use self::line::Line;
use super::exit::{Exit, Failure, explain};
use super::output::{Format, Output};
use super::progress::Progress;
use super::session::Session;

/// Walkers, updates and nodes of a chain of the budget table, unless fewer nodes are asked for.
const WALKERS: u64 = 10_000;
const UPDATES: u64 = 10_000;
const CHAIN: u64 = 100_000;
const SPAWNS: u64 = 1_000;

/// Every program that embeds the runtime has this entity, so it has a name that none of theirs has.
#[node(name = "WayfareBenchCity", no_filters)]
struct City {
    name: String,
}

#[edge(name = "WayfareBenchRoad", no_filters)]
struct Road {}

/// How much is measured.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Nodes of the graph; the budgets are those of a million
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
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
pub(crate) fn run(session: &Session, arguments: &BenchArgs) -> Result<Exit, Failure> {
    if cfg!(debug_assertions) {
        session.note("warning: this is a debug build, whose figures say nothing: build with `--release`");
    }
    let lines = measure(session, arguments)?;
    let output = if arguments.json { Output::new(Some(Format::Json)) } else { session.output };
    output.one(&json!({
        "nodes": arguments.nodes,
        "runs": arguments.runs,
        "debug_build": cfg!(debug_assertions),
        "lines": lines.iter().map(shown).collect::<Vec<_>>(),
    }))?;
    Ok(Exit::Done)
}

fn measure(session: &Session, arguments: &BenchArgs) -> Result<Vec<Line>, BenchError> {
    let (nodes, runs) = (arguments.nodes, usize::from(arguments.runs));
    let folder = arguments.folder.clone().unwrap_or_else(env::temp_dir);
    let mut progress = Progress::count(session.quiet, Some(5), "measuring");
    let mut lines = resident::breadth_first(nodes, runs)?;
    progress.set(1);
    lines.push(resident::chain_of(nodes.min(CHAIN), runs)?);
    progress.set(2);
    lines.push(resident::many_walkers(nodes, nodes.min(WALKERS), runs)?);
    progress.set(3);
    lines.push(resident::spawn_to_visit(nodes.min(SPAWNS) as usize)?);
    progress.set(4);
    lines.push(updates::updates(&folder, nodes.min(UPDATES), runs)?);
    Ok(lines)
}

/// A line as a row of the result.
fn shown(line: &Line) -> Value {
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
