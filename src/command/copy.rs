//! `wayfare copy`: everything of one store to another, of whatever sort they are.
//!
//! A copy that was broken off is taken up by giving the same command again: what is there already is not written
//! again. Nothing in the target is written over unless the user wants that.

mod transfer;
mod verify;

use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use wayfare::{Document, EntityName, Id, Kind, Store};

use self::transfer::Transferred;
use self::verify::Verified;
use super::checksum::hash_of;
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::session::Session;
use super::stores::{self, IN_ORDER};

/// Documents read from a store at a time.
const PAGE: usize = 1_000;

/// Ids and reasons that a report names at most.
const TOLD: usize = 5;

/// Arguments of `wayfare copy`.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// The store to copy, such as `json:PATH`
    #[arg(long, value_name = "URL")]
    from: String,

    /// The store to copy to, which is made if there is none
    #[arg(long, value_name = "URL")]
    to: String,

    /// Also into a store that holds other documents, which stay, or other versions, which are written over
    #[arg(long)]
    merge: bool,

    /// Copies nothing, only compares
    #[arg(long)]
    verify_only: bool,

    /// Also walks that the store keeps. A runtime on the target takes them up, so stop the one on the source
    #[arg(long)]
    walks: bool,
}

/// A copy under way.
struct Copy {
    source: Arc<dyn Store>,
    target: Arc<dyn Store>,
    /// What the source holds, in order.
    entities: Vec<(Kind, EntityName, u64)>,
    merge: bool,
}

/// Copies, compares, and prints the report.
pub(crate) async fn run(session: &Session, arguments: &CopyArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    if stores::are_same(&arguments.from, &arguments.to) {
        return Err(Failure::bad_input("--from and --to name the same store"));
    }
    if !arguments.verify_only {
        stores::check_writable(&arguments.to)?;
    }
    let source = stores::open_existing(&session.config, &arguments.from)?;
    let target = match arguments.verify_only {
        true => stores::open_existing(&session.config, &arguments.to)?,
        false => stores::open(&session.config, &arguments.to)?,
    };
    session.termination.begin(None);
    let held = source.stats().await?;
    let entities = in_order(held.entities, arguments.walks);
    let copy = Copy { source, target, entities, merge: arguments.merge };
    let total: u64 = copy.entities.iter().map(|(_, _, count)| count).sum();
    let mut transferred = Vec::new();
    let mut indexes = 0;
    if !arguments.verify_only {
        if !copy.merge {
            copy.refuse_others(arguments.walks).await?;
        }
        let mut progress = Progress::count(session.quiet, Some(total), "copying");
        transferred = copy.transfer(&mut progress).await?;
        drop(progress);
        indexes = copy.indexes(&held.indexes).await?;
        copy.target.flush().await?;
    }
    let mut progress = Progress::count(session.quiet, Some(total), "verifying");
    let verified = copy.verify(arguments.walks, &mut progress).await?;
    drop(progress);
    session.output.one(&json!({
        "from": copy.source.describe(),
        "to": copy.target.describe(),
        "elapsed_ms": begun.elapsed().as_millis() as u64,
        "indexes": indexes,
        "verified": verified.iter().all(Verified::is_same),
        "entities": report(&transferred, &verified),
    }))?;
    outcome(&transferred, &verified)
}

fn in_order(mut entities: Vec<(Kind, EntityName, u64)>, walks: bool) -> Vec<(Kind, EntityName, u64)> {
    entities.retain(|(kind, _, count)| *count > 0 && (walks || *kind != Kind::Walker));
    entities.sort_by_key(|(kind, name, _)| (IN_ORDER.iter().position(|known| known == kind), name.as_str()));
    entities
}

fn report(transferred: &[Transferred], verified: &[Verified]) -> Vec<Value> {
    let row = |verified: &Verified| {
        let written =
            transferred.iter().find(|one| (one.kind, one.entity) == (verified.kind, verified.entity));
        json!({
            "kind": verified.kind.collection(),
            "entity": verified.entity.as_str(),
            "documents": verified.documents,
            "written": written.map_or(0, |one| one.written),
            "unchanged": written.map_or(0, |one| one.unchanged),
            "refused": written.map_or(0, |one| one.refused),
            "target_documents": verified.target_documents,
            "checksum": verified.checksum.to_string(),
            "target_checksum": verified.target_checksum.to_string(),
            "verified": verified.is_same(),
        })
    };
    verified.iter().map(row).collect()
}

fn outcome(transferred: &[Transferred], verified: &[Verified]) -> Result<Exit, Failure> {
    let mut faults: Vec<String> = transferred.iter().flat_map(|one| one.reasons.clone()).collect();
    faults.extend(verified.iter().filter_map(Verified::difference));
    match faults.as_slice() {
        [] => Ok(Exit::Done),
        faults => Err(Failure::new(Exit::Faults, format!("the stores differ: {}", faults.join("; ")))),
    }
}

impl Copy {
    /// Refuses a target that holds anything that the source does not have just so: it would be lost, or make the
    /// copy another thing than the source.
    async fn refuse_others(&self, walks: bool) -> Result<(), Failure> {
        for (kind, entity, _) in in_order(self.target.stats().await?.entities, walks) {
            let mut after: Option<Id> = None;
            loop {
                let page = self.target.scan(kind, Some(entity), after.as_ref(), PAGE).await?;
                let ids: Vec<Id> = page.documents.iter().map(|document| document.id().clone()).collect();
                let own = self.source.get_many(&ids).await?;
                for (held, own) in page.documents.iter().zip(&own) {
                    let what = match own {
                        _ if is_bare_root(held) => continue,
                        Some(own) if same(own, held)? => continue,
                        Some(_) => "in another version or with other fields than the source",
                        None => "which the source does not have",
                    };
                    return Err(Failure::bad_input(format!(
                        "{} holds `{}`, {what}: name an empty store, or give --merge to write into this one",
                        self.target.describe(),
                        held.id()
                    )));
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Makes the indexes of the source on the target.
    async fn indexes(&self, indexes: &[wayfare::Index]) -> Result<usize, Failure> {
        for index in indexes {
            self.target.create_index(index).await?;
        }
        Ok(indexes.len())
    }
}

/// Whether two documents hold the same, whatever the order of their members.
fn same(one: &Document, other: &Document) -> Result<bool, Failure> {
    Ok(one == other || hash_of(one)? == hash_of(other)?)
}

/// Every store has a root from the start.
fn is_bare_root(document: &Document) -> bool {
    *document.id() == Id::root() && document.extra().is_none() && document.body().has_only(&[])
}
