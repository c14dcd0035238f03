//! `wayfare walk aggregate`.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use wayfare::walkers::{Aggregate, Aggregated};
use wayfare::{Limits, Runtime};

use super::WalkArgs;
use super::explain::Plan;
use crate::command::exit::Failure;
use crate::command::output::to_value;

/// Arguments of `wayfare walk aggregate`.
#[derive(Debug, Args)]
pub(crate) struct AggregateArgs {
    #[command(flatten)]
    pub(super) walk: WalkArgs,

    /// Most steps from the start, which itself is left out [default: as far as there are edges]
    #[arg(long, value_name = "N")]
    hops: Option<u32>,

    /// The field, such as `context.population`; a bare `population` means the same
    #[arg(long, value_name = "FIELD")]
    field: String,

    /// The figure given as `value`
    #[arg(long, value_enum)]
    op: Op,
}

/// A figure over a field.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Op {
    /// Nodes that have the field
    Count,
    /// The sum of the numbers
    Sum,
    /// Their mean
    Mean,
    /// The least of them
    Min,
    /// The greatest of them
    Max,
    /// The number of nodes with each value; a list counts once for each of its values
    Groups,
}

impl AggregateArgs {
    /// `{"op", "value", "nodes", "with_field", "count", "sum", "mean", "min", "max", "groups", "profile"}`.
    pub(super) async fn walk(&self, runtime: &Runtime, limits: Limits) -> Result<Value, Failure> {
        let walker = Aggregate {
            field: self.field.clone(),
            hops: self.hops,
            along: self.walk.along()?,
            direction: self.walk.direction,
            grouped: matches!(self.op, Op::Groups),
            result: Aggregated::default(),
        };
        let plan = Plan::default().hops(self.hops).line("field", self.field.clone());
        let (walker, profile) = self.walk.finished(runtime, walker, limits, plan).await?;
        let found = walker.result;
        let mut result = Map::new();
        result
            .insert("op".into(), self.op.to_possible_value().map_or(Value::Null, |op| op.get_name().into()));
        result.insert("value".into(), self.op.of(&found));
        if let Value::Object(figures) = to_value(&found)? {
            result.extend(figures);
        }
        result.insert("profile".into(), to_value(&profile)?);
        Ok(Value::Object(result))
    }
}

impl Op {
    fn of(self, found: &Aggregated) -> Value {
        match self {
            Self::Count => json!(found.with_field),
            Self::Sum => json!(found.sum),
            Self::Mean => json!(found.mean),
            Self::Min => json!(found.min),
            Self::Max => json!(found.max),
            Self::Groups => json!(found.groups),
        }
    }
}
