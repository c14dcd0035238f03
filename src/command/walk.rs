//! `wayfare walk`: the built-in walkers.

mod aggregate;
mod explain;
mod interrupt;
mod path;
mod profile;
mod reach;
mod sample;

use std::io::{Write, stderr};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wayfare::{Along, Direction, Filter, Graph, Id, Kind, Limits, Profile, Runtime, Spawning, Walker};

use self::explain::Plan;
use self::interrupt::unless_interrupted;
use super::duration::parse_duration;
use super::exit::{Exit, Failure};
use super::session::Session;
use super::subject::check_edges;

/// The built-in walkers.
#[derive(Debug, Subcommand)]
pub(crate) enum WalkCommand {
    /// Who is within reach, level by level
    Reach(reach::ReachArgs),
    /// A shortest path: fewest hops, or least total of an edge field
    Path(path::PathArgs),
    /// Figures over a field of the nodes in a neighbourhood
    Aggregate(aggregate::AggregateArgs),
    /// Random walks with a seed
    Sample(sample::SampleArgs),
}

/// Options of every walk.
#[derive(Debug, Args)]
struct WalkArgs {
    /// The node to start at, such as `n.Airport.JFK`
    #[arg(long, value_name = "ID")]
    from: Id,

    /// Follows only edges of this entity; may be given several times [default: all]
    #[arg(long, value_name = "ENTITY")]
    along: Vec<String>,

    /// Which way edges are followed
    #[arg(long, value_name = "out|in|both", default_value_t = Direction::Out)]
    direction: Direction,

    /// Visits and passes only nodes that satisfy a filter, such as `{"context.country": "US"}`; the start is
    /// exempt
    #[arg(long = "where", value_name = "FILTER")]
    only: Option<Filter>,

    /// Threads that host walks [default: `[workers] count` of the settings]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,

    /// Most visits; reaching a budget ends the walk with an error [default: `[limits] visits`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_visits: Option<u64>,

    /// Most places that wait in the queue [default: `[limits] queue`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_queue: Option<u64>,

    /// Most time, such as `30s`, `500ms` or `2m` [default: `[limits] wall_ms`]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline: Option<Duration>,

    /// Tells visits and time by entity, by hook and by node, as a table on stderr
    #[arg(long)]
    profile: bool,

    /// Says before walking what will be read, and how, on stderr
    #[arg(long)]
    explain: bool,
}

impl WalkCommand {
    /// The number of workers asked for.
    pub(crate) fn workers(&self) -> Option<usize> {
        self.arguments().workers
    }

    fn arguments(&self) -> &WalkArgs {
        match self {
            Self::Reach(arguments) => &arguments.walk,
            Self::Path(arguments) => &arguments.walk,
            Self::Aggregate(arguments) => &arguments.walk,
            Self::Sample(arguments) => &arguments.walk,
        }
    }
}

impl WalkArgs {
    fn along(&self) -> Result<Along, Failure> {
        Ok(Along::names(&self.along)?)
    }

    /// A walk as the options have it.
    fn spawning<W: Walker>(&self, runtime: &Runtime, walker: W, limits: Limits) -> Spawning<W> {
        let mut spawning = runtime.spawn(walker).at(&self.from).limits(limits);
        if let Some(only) = &self.only {
            spawning = spawning.only(only.clone());
        }
        if self.profile { spawning.detailed() } else { spawning }
    }

    /// Walks to the end, and says before what it is going to read if that was asked for.
    async fn finished<W: Walker>(
        &self,
        runtime: &Runtime,
        walker: W,
        limits: Limits,
        plan: Plan,
    ) -> Result<(W, Profile), Failure> {
        self.explained(runtime, &walker, &limits, plan).await?;
        let walk = self.spawning(runtime, walker, limits).await?;
        let walker = walk.finish().await?;
        Ok((walker, walk.profile()))
    }

    /// Says what a walk is going to read if that was asked for.
    async fn explained<W: Walker>(
        &self,
        runtime: &Runtime,
        walker: &W,
        limits: &Limits,
        plan: Plan,
    ) -> Result<(), Failure> {
        if !self.explain {
            return Ok(());
        }
        explain::tell(self, runtime, walker, limits, plan).await
    }

    /// The budgets of the settings with those of the options over them.
    fn limits(&self, session: &Session) -> Limits {
        let limits = &session.config.limits;
        Limits {
            visits: self.max_visits.unwrap_or(limits.visits),
            visits_per_node: limits.visits_per_node,
            queue: self.max_queue.unwrap_or(limits.queue),
            wall: self.deadline.unwrap_or_else(|| limits.wall()),
            report_bytes: limits.report_bytes,
        }
    }
}

/// Walks, and prints what the walk found.
pub(crate) async fn run(session: &Session, command: WalkCommand) -> Result<Exit, Failure> {
    let runtime = session.open_existing()?;
    let arguments = command.arguments();
    let graph = runtime.graph();
    check_node(&graph, &arguments.from, "--from").await?;
    check_edges(&graph, &arguments.along).await?;
    // Inspecting a walk copies its state, which with ids is as large as its answer.
    let keeps_ids = matches!(&command, WalkCommand::Reach(reach) if reach.ids);
    let begun = Instant::now();
    let walk = walked(session, &runtime, &command, begun);
    let mut result = unless_interrupted(session, &runtime, keeps_ids, begun, walk).await;
    if let Ok(result) = &mut result {
        let profile = profile::taken_from(result);
        session.output.one(result)?;
        // Nobody is left to tell when standard error is closed.
        let _ = write!(stderr(), "{}", profile.unwrap_or_default());
    }
    runtime.shutdown().await;
    result.map(|_| Exit::Done)
}

async fn walked(
    session: &Session,
    runtime: &Runtime,
    command: &WalkCommand,
    begun: Instant,
) -> Result<Value, Failure> {
    let limits = command.arguments().limits(session);
    let mut result = match command {
        WalkCommand::Reach(arguments) => arguments.walk(runtime, limits).await?,
        WalkCommand::Path(arguments) => arguments.walk(runtime, limits).await?,
        WalkCommand::Aggregate(arguments) => arguments.walk(runtime, limits).await?,
        WalkCommand::Sample(arguments) => arguments.walk(runtime, limits).await?,
    };
    result["elapsed_ms"] = elapsed_ms(begun);
    Ok(result)
}

/// Milliseconds with three decimals.
fn elapsed_ms(begun: Instant) -> Value {
    json!(begun.elapsed().as_micros() as f64 / 1e3)
}

/// Refuses what is no node, or not in the store.
async fn check_node(graph: &Graph, id: &Id, option: &str) -> Result<(), Failure> {
    if id.kind() != Kind::Node {
        let kind = id.kind().collection();
        return Err(Failure::bad_input(format!(
            "{option} `{id}` is no node but of kind {kind}: give an id like `n.City.paris`"
        )));
    }
    match graph.document(id).await? {
        Some(_) => Ok(()),
        None => Err(Failure::not_found(format!("{option}: node `{id}` does not exist"))),
    }
}
