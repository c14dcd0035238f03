//! Durable updates on the embedded store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wayfare::__private::{BenchError, BenchLine};
use wayfare::{
    Body, Config, Document, Entity, Error, Id, KeySource, Kind, Result, Runtime, Store, Version, Write,
    WriteBatch, node,
};

use super::resident::wait_for;
use super::timing::{both_in_turn, short, timed};

/// Writes in a commit of the rival, as in the budget table.
const BATCH: usize = 1_000;

/// About 300 bytes, as the documents behind the budget have.
#[node(name = "WayfareBenchAccount", no_filters)]
struct Account {
    balance: i64,
    note: String,
}

/// A folder of its own that is gone in the end.
struct Folder(PathBuf);

impl Folder {
    /// Makes one within another, by a name that no other process has.
    fn within(outer: &Path) -> io::Result<Self> {
        let folder = outer.join(format!("wayfare-bench-{}", std::process::id()));
        fs::create_dir(&folder)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
        Ok(Self(folder))
    }

    fn url(&self, name: &str) -> String {
        format!("embedded:{}", self.0.join(name).display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is in a folder for temporary files, or where the user can see it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Updates of so many documents, each checked against its version, until all are durable.
///
/// The rival is the store by itself: each round it reads a thousand, changes them and commits them in one batch.
///
/// # Errors
/// When the store cannot be made there, or does not take what it should.
pub(super) fn updates(within: &Path, documents: u64, runs: usize) -> Result<BenchLine, BenchError> {
    let folder = Folder::within(within)?;
    let ids: Vec<Id> = (0..documents).map(id).collect();
    let runtime = start(&folder.url("ours"))?;
    let graph = runtime.graph();
    let store = wayfare_stores::open(&folder.url("rival"), &Default::default()).map_err(Error::from)?;
    for batch in first(&ids)? {
        wait_for(graph.write_batch(batch.clone()))??;
        wait_for(store.apply(&[batch]))?.map_err(Error::from)?;
    }
    let by_hand = || -> Result<Duration, BenchError> {
        let (done, elapsed) = timed(|| wait_for(update_by_hand(&store, &ids)));
        done??;
        Ok(elapsed)
    };
    let ours = || {
        let (done, elapsed) =
            timed(|| wait_for(graph.update_many(&ids, |account: &mut Account| account.balance += 1)));
        let done = done??.iter().filter(|updated| updated.is_ok()).count();
        BenchError::unless_equal("updates", &done, &ids.len())?;
        Ok(elapsed)
    };
    let (theirs, own) = both_in_turn(runs, by_hand, ours)?;
    // Both came to the same, so both have done all of it.
    let last = &ids[ids.len() - 1];
    let ours = wait_for(graph.document(last))??;
    let rival = wait_for(store.get_many(std::slice::from_ref(last)))?.map_err(Error::from)?;
    let told = |document: Option<&Document>| document.map(|it| (it.version(), it.body().clone()));
    BenchError::unless_equal("updates", &told(ours.as_ref()), &told(rival[0].as_ref()))?;
    let work = format!("{} durable updates (rival: the store itself)", short(documents));
    Ok(BenchLine::compared(work, theirs * 1e3, own * 1e3, "ms"))
}

fn start(url: &str) -> Result<Runtime> {
    let config = Config::builder().store_url(url).cache_resident_bytes(1 << 30).build()?;
    let store = wayfare_stores::open(url, &Default::default())?;
    Runtime::with_store(store, KeySource::system(), &config)
}

/// The id of a number, with a key such as generated ones are.
fn id(number: u64) -> Id {
    let mut key = [0; 12];
    key[4..].copy_from_slice(&number.to_be_bytes());
    Id::generated(Kind::Node, Account::entity_name(), key)
}

/// The documents before the first update.
fn first(ids: &[Id]) -> Result<Vec<WriteBatch>> {
    let body = Body::encode(&Account { balance: 0, note: "x".repeat(270) })?;
    let create = |id: &Id| Write::Create { document: Document::new(id.clone(), body.clone()), multi: false };
    let batch = |ids: &[Id]| WriteBatch { writes: ids.iter().map(create).collect(), all_or_nothing: true };
    Ok(ids.chunks(BATCH).map(batch).collect())
}

async fn update_by_hand(store: &Arc<dyn Store>, ids: &[Id]) -> Result<(), BenchError> {
    for ids in ids.chunks(BATCH) {
        let mut writes = Vec::with_capacity(ids.len());
        for stored in store.get_many(ids).await.map_err(Error::from)?.into_iter().flatten() {
            let mut account: Account = stored.body().decode().map_err(Error::from)?;
            account.balance += 1;
            let body = Body::encode(&account).map_err(Error::from)?;
            let version: Version = stored.version();
            writes.push(Write::Save {
                document: Document::new(stored.id().clone(), body).with_version(version),
            });
        }
        let batch = WriteBatch { writes, all_or_nothing: true };
        let written = store.apply(&[batch]).await.map_err(Error::from)?;
        let done = written.iter().flatten().filter(|written| written.is_ok()).count();
        BenchError::unless_equal("updates", &done, &ids.len())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_leave_no_folder_behind() {
        let outer = tempfile::tempdir().unwrap();
        let line = updates(outer.path(), 20, 2).unwrap();
        assert!(line.ratio.is_finite() && line.ratio > 0.0, "{line:?}");
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let outer = tempfile::tempdir().unwrap();
        let refused = updates(&outer.path().join("gone"), 20, 1).unwrap_err().to_string();
        assert!(refused.contains("gone"), "{refused}");
    }
}
