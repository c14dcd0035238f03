//! `wayfare walk sample`.

use clap::Args;
use serde_json::Value;
use wayfare::walkers::{Sample, sample};
use wayfare::{Limits, Runtime};

use super::WalkArgs;
use super::explain::Plan;
use crate::command::exit::Failure;
use crate::command::output::to_value;

/// Arguments of `wayfare walk sample`.
#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    #[command(flatten)]
    pub(super) walk: WalkArgs,

    /// How many walks
    #[arg(long, value_name = "N")]
    walks: u64,

    /// Steps of each; a walk ends early where there is no edge to follow
    #[arg(long, value_name = "K")]
    steps: u32,

    /// The same seed takes the same ways
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,

    /// Gives the nodes of each walk as `paths`
    #[arg(long)]
    ids: bool,
}

impl SampleArgs {
    /// `{"walks", "steps", "stuck", "nodes", "most_visited", "paths", "profile"}`.
    pub(super) async fn walk(&self, runtime: &Runtime, limits: Limits) -> Result<Value, Failure> {
        let question = Sample {
            walks: self.walks,
            steps: self.steps,
            seed: self.seed,
            along: self.walk.along()?,
            direction: self.walk.direction,
            only: self.walk.only.clone().unwrap_or_default(),
            detailed: self.walk.profile,
        };
        let plan = Plan::default()
            .line("walks", self.walks)
            .line("steps", format!("{} of each walk, one edge at random each", self.steps))
            .line("seed", self.seed)
            .among_neighbours();
        self.walk.explained(runtime, &question.walk(0), &limits, plan).await?;
        let sampled = sample(runtime, &self.walk.from, &question, Some(limits)).await?;
        let mut result = to_value(&sampled)?;
        if let (false, Value::Object(members)) = (self.ids, &mut result) {
            members.shift_remove("paths");
        }
        Ok(result)
    }
}
