//! `wayfare delete`: removes documents.

use std::collections::HashSet;

use clap::Args;
use serde_json::json;
use wayfare::{Id, Write, WriteBatch, WriteError, Written};

use super::exit::{Exit, Failure};
use super::session::Session;

/// Arguments of `wayfare delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Ids such as `n.Airport.JFK`
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Id>,
}

/// Deletes what there is in one commit, prints what was deleted, and names what was not there.
pub(crate) async fn run(session: &Session, arguments: DeleteArgs) -> Result<Exit, Failure> {
    let runtime = session.open_existing()?;
    let mut seen = HashSet::new();
    let ids: Vec<Id> = arguments.ids.into_iter().filter(|id| seen.insert(id.clone())).collect();
    let writes = ids.iter().map(|id| Write::Delete { id: id.clone(), expected: None }).collect();
    let results = runtime.graph().write_batch(WriteBatch { writes, all_or_nothing: false }).await?;
    runtime.shutdown().await;

    let mut deleted = Vec::new();
    let mut went_along = HashSet::new();
    let mut faults = Vec::new();
    for (id, result) in ids.into_iter().zip(results) {
        match result {
            Ok(Written::Deleted { edges, .. }) => {
                went_along.extend(edges);
                deleted.push(id);
            }
            // An edge that was named too, and went with its node before its turn came.
            Err(WriteError::NotFound { .. }) if went_along.contains(&id) => deleted.push(id),
            Err(error) => faults.push(error),
            Ok(_) => {}
        }
    }
    session.output.one(&json!({"deleted": deleted, "edges": went_along.len()}))?;
    match faults.first() {
        None => Ok(Exit::Done),
        Some(first) => {
            let exit = Failure::from(first.clone()).exit();
            let messages: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Err(Failure::new(exit, messages.join("; ")))
        }
    }
}
