//! `wayfare walk path`.

use clap::Args;
use serde_json::{Value, json};
use wayfare::walkers::{Path, TwoEndedPath};
use wayfare::{Id, Limits, Runtime};

use super::explain::{Plan, looked_up};
use super::{WalkArgs, check_node};
use crate::command::exit::Failure;
use crate::command::output::to_value;

/// Arguments of `wayfare walk path`.
#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    #[command(flatten)]
    pub(super) walk: WalkArgs,

    /// The node to find a path to
    #[arg(long, value_name = "ID")]
    to: Id,

    /// The edge field to add up, such as `dist`; edges without it are not followed [default: hops count]
    #[arg(long, value_name = "FIELD")]
    weight: Option<String>,

    /// Searches from both ends at once: fewer visits, and one of the paths of fewest hops
    #[arg(long, conflicts_with = "weight")]
    bidirectional: bool,
}

impl PathArgs {
    /// `{"found": true, "hops", "cost", "path", "profile"}`, or `{"found": false}` with the profile.
    pub(super) async fn walk(&self, runtime: &Runtime, limits: Limits) -> Result<Value, Failure> {
        check_node(&runtime.graph(), &self.to, "--to").await?;
        let plan = match self.walk.explain {
            true => Plan::default().line("goal", looked_up(&runtime.graph(), &self.to).await?),
            false => Plan::default(),
        };
        let (found, profile) = if self.bidirectional {
            let mut walker = TwoEndedPath::to(self.to.clone());
            (walker.along, walker.direction) = (self.walk.along()?, self.walk.direction);
            let plan = plan.at_both_ends();
            let (walker, profile) = self.walk.finished(runtime, walker, limits, plan).await?;
            (walker.found, profile)
        } else {
            let mut walker = Path::to(self.to.clone());
            (walker.along, walker.direction) = (self.walk.along()?, self.walk.direction);
            walker.weight = self.weight.clone();
            let plan = match &self.weight {
                Some(weight) => {
                    plan.line("weight", format!("`{weight}` of each edge; edges without it are passed over"))
                }
                None => plan,
            };
            let (walker, profile) = self.walk.finished(runtime, walker, limits, plan).await?;
            (walker.found, profile)
        };
        let mut result = match found {
            Some(found) => json!({"found": true, "hops": found.hops, "cost": found.cost, "path": found.path}),
            None => json!({"found": false}),
        };
        result["profile"] = to_value(&profile)?;
        Ok(result)
    }
}
