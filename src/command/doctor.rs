//! `wayfare doctor`: what is wrong with a store, and repairing it.

mod edges;
mod faults;
mod shapes;

use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use serde_json::json;
use wayfare::{EntityName, Store};

use self::faults::Faults;
use super::exit::{Exit, Failure};
use super::session::Session;

const RULES: &str = "\
It looks for
  orphan_edge       an edge whose source or target does not exist
  duplicate_edge    a second edge of one entity from one node to another, where one is the rule
  bad_document      something that stands where documents are kept and is none
  index_mismatch    an index that does not agree with the documents
  shared_values     documents that share the values of a unique index
  unfit_document    a document whose fields do not fit the type that this program has for it, or cannot be
                    brought to its schema

With --repair, orphan edges are deleted; of duplicate edges the oldest is kept, as it is; indexes are mended;
what is no document is put aside, not deleted. Documents that share unique values or do not fit their type
are left to you.

Parallel edges of an entity that this program has no type for may be meant: they are told as `parallel_edges`,
and are faults only where --single names the entity.";

/// Arguments of `wayfare doctor`.
#[derive(Debug, Args)]
#[command(after_help = RULES)]
pub(crate) struct DoctorArgs {
    /// Repairs what can be repaired
    #[arg(long)]
    repair: bool,

    /// Two nodes may be joined by one edge of this entity only; may be given several times
    #[arg(long, value_name = "ENTITY")]
    single: Vec<String>,
}

/// An examination under way.
struct Doctor<'a> {
    session: &'a Session,
    store: Arc<dyn Store>,
    repair: bool,
    /// Entities of edges of which there is to be one between two nodes.
    single: Vec<EntityName>,
    faults: Faults,
    examined: u64,
}

/// Examines the store, repairs it if wanted, and prints what was found.
pub(crate) async fn run(session: &Session, arguments: DoctorArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let single = arguments.single.iter().map(|name| EntityName::new(name)).collect::<Result<Vec<_>, _>>()?;
    let store = session.open_store()?;
    let mut doctor =
        Doctor { session, store, repair: arguments.repair, single, faults: Faults::default(), examined: 0 };
    doctor.shapes().await?;
    doctor.orphans().await?;
    doctor.duplicates().await?;
    // After the edges: those of a node that cannot be read and is put aside here are no orphans.
    for finding in doctor.store.check_up(doctor.repair).await? {
        doctor.faults.found(&finding);
    }
    if doctor.repair {
        doctor.store.flush().await?;
    }
    let Doctor { store, faults, examined, .. } = doctor;
    let (found, repaired) = (faults.count(), faults.repaired());
    session.output.one(&json!({
        "store": store.describe(),
        "elapsed_ms": begun.elapsed().as_millis() as u64,
        "edges_examined": examined,
        "faults": found,
        "repaired": repaired,
        "left": found - repaired,
        "found": faults.rows(),
    }))?;
    match found - repaired {
        0 => Ok(Exit::Done),
        1 => Err(Failure::new(Exit::Faults, left("1 fault is left", arguments.repair))),
        left_over => {
            Err(Failure::new(Exit::Faults, left(&format!("{left_over} faults are left"), arguments.repair)))
        }
    }
}

fn left(what: &str, repaired: bool) -> String {
    match repaired {
        true => format!("{what}: they need a decision of yours"),
        false => format!("{what}: give --repair to repair what can be repaired"),
    }
}
