//! `wayfare walk reach`.

use clap::{Args, ValueEnum};
use serde_json::Value;
use wayfare::walkers::{Reach, reach};
use wayfare::{Limits, Order, Runtime};

use super::WalkArgs;
use super::explain::Plan;
use crate::command::exit::Failure;
use crate::command::output::to_value;

/// Arguments of `wayfare walk reach`.
#[derive(Debug, Args)]
pub(crate) struct ReachArgs {
    #[command(flatten)]
    pub(super) walk: WalkArgs,

    /// Most steps from the start [default: as far as there are edges]
    #[arg(long, value_name = "N")]
    hops: Option<u32>,

    /// The order of visits, and of `ids`
    #[arg(long, value_enum, default_value_t = VisitOrder::Bfs)]
    order: VisitOrder,

    /// Where the draws of `--order random` begin: the same seed gives the same order [default: 0]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,

    /// Gives the ids of the nodes in the order of visits
    #[arg(long)]
    pub(super) ids: bool,
}

/// The order of visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VisitOrder {
    /// Breadth first: level by level
    Bfs,
    /// Depth first: a node, then all that is reached from its first neighbour, then the next
    Dfs,
    /// Each time one of the nodes that wait, all equally likely
    Random,
}

impl ReachArgs {
    /// `{"visited", "levels", "ids", "profile"}`.
    pub(super) async fn walk(&self, runtime: &Runtime, limits: Limits) -> Result<Value, Failure> {
        if self.seed.is_some() && self.order != VisitOrder::Random {
            return Err(Failure::bad_input("--seed is for `--order random`: the other orders draw nothing"));
        }
        let mut question = Reach::default();
        question.hops = self.hops;
        question.along = self.walk.along()?;
        question.direction = self.walk.direction;
        question.order = match self.order {
            VisitOrder::Bfs => Order::BreadthFirst,
            VisitOrder::Dfs => Order::DepthFirst,
            VisitOrder::Random => Order::Random { seed: self.seed.unwrap_or(0) },
        };
        question.keep_ids = self.ids;
        question.detailed = self.walk.profile;
        let plan = Plan::default().hops(self.hops);
        let plan = match self.order {
            VisitOrder::Bfs => plan,
            _ => plan.line("levels", "found by a breadth-first walk before"),
        };
        self.walk.explained(runtime, &question, &limits, plan).await?;
        let reached = reach(runtime, &self.walk.from, question, self.walk.only.clone(), Some(limits)).await?;
        to_value(&reached)
    }
}
