//! All or nothing where the server has transactions: on replica sets and sharded clusters.

use std::time::Duration;

use mongodb::error::{TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::ReadConcern;
use rustc_hash::FxHashSet;
use tokio::sync::Mutex;
use wayfare_graph::{FieldValues, Id, Kind, StoreError, Write, WriteError, WriteResult, Written, split_path};

use super::apply::refused;
use super::bulk::{Duplicate, Remove};
use super::change::{Changed, unheld, violated};
use super::document::decode;
use super::fault::{Fault, Tried, contended};
use super::server::Server;
use super::value::to_json;
use super::writing::{Via, Writing};

/// Longest pause before a transaction is done again because others write the same; it grows by as much each time.
const CONFLICT_PAUSE: Duration = Duration::from_millis(4);

/// Up to how many times as long it grows: from there on a batch looks five times a second whether others are done.
const LONGEST_CONFLICT_PAUSE: u32 = 50;

/// What came of one try of a transaction.
enum Transacted {
    /// All was done and is committed.
    Committed(Vec<WriteResult>),
    /// Nothing was done.
    Refused(usize, WriteError),
    /// A write was refused for values that nobody holds any more, so nothing was done.
    LetGo(usize, WriteError),
    /// All would have been done.
    Rehearsed,
}

/// Whether a transaction is to stay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Commit,
    Abort,
}

impl Server {
    /// Does writes in a transaction.
    ///
    /// Where others write the same, it is done again for as long as calls are tried again at all: a transaction that
    /// holds a document ends by itself, within a minute at the latest, and the server is not away because of it.
    pub(super) async fn in_transaction(&self, writes: &[&Write]) -> Result<Vec<WriteResult>, StoreError> {
        let mut attempts = self.attempts();
        let mut conflicts = 0;
        loop {
            match self.transact(writes, End::Commit).await {
                Ok(Transacted::Committed(results)) => return Ok(results),
                Ok(Transacted::Refused(position, error)) => {
                    return Ok(refused(writes.len(), position, error));
                }
                Ok(Transacted::LetGo(position, error)) if attempts.is_late() => {
                    return Ok(refused(writes.len(), position, error));
                }
                Ok(Transacted::LetGo(..) | Transacted::Rehearsed) => {}
                Err(fault) if fault.is_away() => {
                    attempts.pause_after(fault).await?;
                    continue;
                }
                Err(fault) if !fault.has_label(TRANSIENT_TRANSACTION_ERROR) => return Err(self.told(fault)),
                Err(_) if attempts.is_late() => return Err(contended(&self.shown)),
                Err(_) => {}
            }
            conflicts = LONGEST_CONFLICT_PAUSE.min(conflicts + 1);
            self.pause_up_to(CONFLICT_PAUSE * conflicts).await;
        }
    }

    /// Tries a transaction once.
    ///
    /// A write that breaks a rule of uniqueness ends it at once, before writes that come earlier but stand on a later
    /// level were tried. So those are rehearsed by themselves: the first refused one in the order of the batch is told.
    async fn transact(&self, writes: &[&Write], end: End) -> Tried<Transacted> {
        let mut session = self.attempt(async { Ok(self.client.start_session().await?) }).await?;
        session.start_transaction().read_concern(ReadConcern::snapshot()).await?;
        let writing = Writing::new(self, Via::Session(Box::new(Mutex::new(session))));
        let mut results: Vec<Option<WriteResult>> = vec![None; writes.len()];
        let mut first: Option<(usize, Refusal)> = None;
        for level in self.levels(writes).await? {
            let bound = first.as_ref().map_or(usize::MAX, |(at, _)| *at);
            let level: Vec<usize> = level.into_iter().filter(|&at| at < bound).collect();
            let chosen: Vec<&Write> = level.iter().map(|&at| writes[at]).collect();
            for (at, changed) in level.into_iter().zip(writing.change_all(&chosen).await?) {
                let refusal = match changed {
                    Changed::Finished(Ok(written)) => {
                        results[at] = Some(Ok(written));
                        continue;
                    }
                    Changed::Unsent(_) => continue,
                    Changed::Finished(Err(error)) => Refusal::Told(error),
                    Changed::Violated(id, duplicate) => Refusal::Violated(id, duplicate),
                };
                if first.as_ref().is_none_or(|(other, _)| at < *other) {
                    first = Some((at, refusal));
                }
            }
            if writing.is_aborted() {
                break;
            }
        }
        match first {
            None if end == End::Commit => self.commit(writing, results).await,
            None => writing.abort().await.map(|()| Transacted::Rehearsed),
            Some((at, refusal)) => self.refuse(writing, writes, at, refusal).await,
        }
    }

    /// Commits, and again where the answer was lost: a session answers for its last transaction as often as it is
    /// asked. The writes themselves are not done again then, since they may stand already.
    async fn commit(&self, writing: Writing<'_>, results: Vec<Option<WriteResult>>) -> Tried<Transacted> {
        let mut attempts = None;
        while let Err(fault) = writing.commit().await {
            if !is_left_open(&fault, attempts.is_some()) {
                return Err(fault);
            }
            // Counted from the first answer that was lost, for which a whole command's time may have been waited.
            let attempts = attempts.get_or_insert_with(|| self.attempts());
            attempts.pause_after_unknown(fault).await.map_err(|last| unanswered(&self.shown, last))?;
        }
        let mut results: Vec<WriteResult> = results.into_iter().flatten().collect();
        self.after_commit(&writing, &mut results).await?;
        Ok(Transacted::Committed(results))
    }

    /// Takes along what others did while the transaction did not see it: edges of nodes that it deleted, and its own
    /// edges of nodes that others deleted. Either is as if the edge had been made before the node went.
    async fn after_commit(&self, writing: &Writing<'_>, results: &mut [WriteResult]) -> Tried<()> {
        let plain = Writing::new(self, Via::Plain);
        for result in results.iter_mut() {
            if let Ok(Written::Deleted { id, edges, neighbours }) = result
                && id.kind() == Kind::Node
            {
                // What it cannot read it leaves: the deletion stands.
                let _ = plain.sweep(id, edges, neighbours).await?;
            }
        }
        let new: Vec<(Id, wayfare_graph::Ends)> = {
            let unseen = writing.unseen.lock();
            let edges = unseen.iter().filter(|(id, _)| id.kind() == Kind::Edge);
            let documents = edges.filter_map(|(_, bytes)| bytes.as_ref()?.as_ref().try_into().ok());
            let documents = documents.filter_map(|stored| decode(stored).ok());
            documents.filter_map(|edge| Some((edge.id().clone(), edge.ends()?.clone()))).collect()
        };
        let nodes: FxHashSet<Id> =
            new.iter().flat_map(|(_, ends)| [ends.source.clone(), ends.target.clone()]).collect();
        let existing = plain.existing(&nodes).await?;
        let is_orphan = |(_, ends): &&(Id, wayfare_graph::Ends)| {
            !existing.contains(&ends.source) || !existing.contains(&ends.target)
        };
        let orphans = new.iter().filter(is_orphan);
        let orphans: Vec<Remove> = orphans.map(|(id, _)| Remove { id: id.clone(), expected: None }).collect();
        plain.remove_all(Kind::Edge, &orphans.iter().collect::<Vec<_>>()).await?;
        Ok(())
    }

    async fn refuse(
        &self,
        writing: Writing<'_>,
        writes: &[&Write],
        at: usize,
        refusal: Refusal,
    ) -> Tried<Transacted> {
        if writing.is_aborted() && at > 0 {
            let rehearsed = Box::pin(self.transact(&writes[..at], End::Abort)).await?;
            if let Transacted::Refused(..) | Transacted::LetGo(..) = rehearsed {
                return Ok(rehearsed);
            }
        }
        writing.abort().await?;
        match refusal {
            Refusal::Told(error) => Ok(Transacted::Refused(at, error)),
            Refusal::Violated(id, duplicate) => match self.holder(&writing, &id, &duplicate).await? {
                Some(error) => Ok(Transacted::Refused(at, error)),
                None => Ok(Transacted::LetGo(at, unheld(&id, &duplicate))),
            },
        }
    }

    /// The error for values that another document holds, in this transaction or outside.
    async fn holder(
        &self,
        writing: &Writing<'_>,
        id: &Id,
        duplicate: &Duplicate,
    ) -> Tried<Option<WriteError>> {
        let unseen = writing.unseen.lock().clone();
        let of_entity = unseen
            .iter()
            .filter(|(other, _)| *other != id && other.kind() == id.kind() && other.entity() == id.entity());
        for (other, bytes) in of_entity {
            let Some(stored) = bytes.as_ref().and_then(|bytes| bytes.as_ref().try_into().ok()) else {
                continue;
            };
            let document = decode(stored)?;
            let has = |(path, value): (&String, &bson::Bson)| {
                let values = FieldValues::in_document(&document, &split_path(path)).values;
                values.contains(&Some(to_json(value.clone())))
            };
            if duplicate.values.iter().all(has) {
                return Ok(Some(violated(id, duplicate, other.clone())));
            }
        }
        let but_not: Vec<Id> = unseen.into_keys().collect();
        Writing::new(self, Via::Plain).violation(id, duplicate, &but_not).await
    }
}

/// Whether a commit that failed may have been done, or may be done yet.
///
/// Of one that may have been, only the server itself can say more: that there is no such transaction any more, which
/// has the other label, or that it is committed.
fn is_left_open(fault: &Fault, was_open: bool) -> bool {
    let may_be_done = fault.is_away() || fault.has_label(UNKNOWN_TRANSACTION_COMMIT_RESULT);
    (was_open || may_be_done) && !fault.has_label(TRANSIENT_TRANSACTION_ERROR)
}

/// What to tell of a commit of which no attempt was answered.
fn unanswered(url: &str, last: StoreError) -> StoreError {
    match last {
        StoreError::Unreachable { .. } => last,
        // Whatever it is, it does not say what became of the attempts before, such as that nothing was sent.
        last => StoreError::Unreachable { url: url.to_owned(), source: Box::new(last) },
    }
}

/// Why a write was refused.
enum Refusal {
    Told(WriteError),
    Violated(Id, Duplicate),
}

impl Writing<'_> {
    async fn commit(&self) -> Tried<()> {
        let Via::Session(session) = &self.via else { return Ok(()) };
        let mut session = session.lock().await;
        self.server.attempt(async { Ok(session.commit_transaction().await?) }).await
    }

    /// Ends a transaction without a trace. One that the server has ended already, or forgets soon, is as good.
    async fn abort(&self) -> Tried<()> {
        let Via::Session(session) = &self.via else { return Ok(()) };
        let mut session = session.lock().await;
        match self.server.attempt(async { Ok(session.abort_transaction().await?) }).await {
            Err(fault @ Fault::Store(_)) => Err(fault),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_open_from_the_first_answer_that_was_lost() {
        let away = || Fault::Unconfirmed { code: 64, reason: "too slow".into() };
        let refused = || Fault::Failed { code: 13, reason: "not allowed".into() };
        assert!(is_left_open(&Fault::Elapsed, false) && is_left_open(&away(), false));
        assert!(!is_left_open(&refused(), false) && is_left_open(&refused(), true));
        // Nothing was sent the first time; later that says nothing of the times before.
        let open = || StoreError::CircuitOpen { url: "u".into(), retry_after: Duration::ZERO };
        assert!(!is_left_open(&open().into(), false) && is_left_open(&open().into(), true));
        assert!(matches!(unanswered("u", open()), StoreError::Unreachable { .. }));
    }
}
