//! `wayfare migrate versions`: every document gets a version.

use std::time::Instant;

use clap::Args;
use serde_json::json;
use wayfare::Id;

use crate::command::exit::{Exit, Failure};
use crate::command::progress::Progress;
use crate::command::session::Session;
use crate::command::stores::IN_ORDER;

/// Arguments of `wayfare migrate versions`.
#[derive(Debug, Args)]
pub(crate) struct VersionsArgs {
    /// Documents in a batch
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
}

/// Goes through all kinds, and prints how many documents of each had no version.
pub(crate) async fn run(session: &Session, arguments: &VersionsArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let store = session.open_store()?;
    let total = store.stats().await?.entities.iter().map(|(_, _, count)| count).sum();
    let mut progress = Progress::count(session.quiet, Some(total), "adding versions");
    let mut kinds = Vec::new();
    let (mut examined, mut changed) = (0, 0);
    for kind in IN_ORDER {
        let (mut examined_here, mut changed_here) = (0, 0);
        let mut after: Option<Id> = None;
        loop {
            let page = store.add_versions(kind, after.as_ref(), arguments.batch as usize).await?;
            examined_here += page.examined;
            changed_here += page.changed;
            progress.set(examined + examined_here);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        examined += examined_here;
        changed += changed_here;
        kinds.push(json!({"kind": kind.collection(), "examined": examined_here, "changed": changed_here}));
    }
    drop(progress);
    session.output.one(&json!({
        "store": store.describe(),
        "elapsed_ms": begun.elapsed().as_millis() as u64,
        "examined": examined,
        "changed": changed,
        "kinds": kinds,
    }))?;
    if examined == 0 && total > 0 {
        session.note("every document has a version already, so there was nothing to do");
    }
    Ok(Exit::Done)
}
