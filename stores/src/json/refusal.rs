//! Refusing writes that would write over files that cannot be read, or remove them.

use wayfare_graph::{Document, Id, Kind, StoreError, Write, WriteBatch, WriteError, WriteResult};

use super::bad_files::BadFiles;
use super::folder::Folder;

impl Folder {
    /// Does writes, but for those that would touch files that cannot be read.
    pub(super) fn apply(&self, batches: &[WriteBatch]) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        let bad_edges: Vec<Id> = {
            let state = self.sync.lock();
            if state.bad.is_empty() {
                drop(state);
                return self.journal.apply_now(batches);
            }
            state.bad.ids(Kind::Edge).cloned().collect()
        };
        let bad_edges: Vec<Document> = self.journal.get_many_now(&bad_edges)?.into_iter().flatten().collect();
        let mut refusals: Vec<Vec<Option<WriteError>>> = Vec::with_capacity(batches.len());
        let mut rest = Vec::with_capacity(batches.len());
        for batch in batches {
            let refused = self.refusals(batch, &bad_edges);
            let kept = batch.writes.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
            let writes = kept.map(|(write, _)| write.clone()).collect();
            rest.push(WriteBatch { writes, all_or_nothing: batch.all_or_nothing });
            refusals.push(refused);
        }
        let done = self.journal.apply_now(&rest)?;
        let state = self.sync.lock();
        let whole = refusals.into_iter().zip(done).map(|(refusals, done)| {
            let mut done = done.into_iter().map(|result| result.map_err(|error| named(error, &state.bad)));
            refusals
                .into_iter()
                .filter_map(|refused| refused.map_or_else(|| done.next(), |error| Some(Err(error))))
                .collect()
        });
        Ok(whole.collect())
    }

    /// The refusals of a batch, for each of its writes.
    fn refusals(&self, batch: &WriteBatch, bad_edges: &[Document]) -> Vec<Option<WriteError>> {
        let state = self.sync.lock();
        let refusal = |write| refusal(write, &state.bad, bad_edges);
        let mut refused: Vec<_> = batch.writes.iter().map(refusal).collect();
        let first = refused.iter().position(Option::is_some);
        if let (true, Some(position)) = (batch.all_or_nothing, first) {
            for refused in refused.iter_mut().filter(|refused| refused.is_none()) {
                *refused = Some(WriteError::BatchRefused { position });
            }
        }
        refused
    }
}

/// Why a write must not be done; `bad_edges` are what the journal has of edges with bad files.
fn refusal(write: &Write, bad: &BadFiles, bad_edges: &[Document]) -> Option<WriteError> {
    let id = match write {
        Write::Create { document, .. }
        | Write::Save { document }
        | Write::Upsert { document }
        | Write::Put { document } => document.id(),
        Write::Connect { edge, .. } => edge.id(),
        Write::Delete { id, .. } => id,
        _ => return None,
    };
    own_refusal(id, bad).or_else(|| {
        let edge = bad_edges.iter().find(|edge| may_touch(write, edge))?.id();
        let (name, reason) = bad.fault_of(edge)?;
        let reason = format!("the file `{name}` of its edge `{edge}` {}", unreadable(reason));
        Some(WriteError::Unsuitable { id: id.clone(), reason })
    })
}

/// The refusal of whatever is done to an entity whose file cannot be read.
fn own_refusal(id: &Id, bad: &BadFiles) -> Option<WriteError> {
    let (name, reason) = bad.fault_of(id)?;
    let reason = format!("its file `{name}` {}", unreadable(reason));
    Some(WriteError::Unsuitable { id: id.clone(), reason })
}

fn unreadable(reason: &str) -> String {
    format!("cannot be read ({reason}): mend or remove it first")
}

/// Whether a write may change or remove an edge that it does not name.
fn may_touch(write: &Write, edge: &Document) -> bool {
    let Some(ends) = edge.ends() else { return false };
    match write {
        Write::Delete { id, .. } => ends.source == *id || ends.target == *id,
        // Also where another of the edges between these nodes is meant: which one it is depends on the writes before.
        Write::Connect { edge: new, .. } => {
            let joins = new.ends().is_some_and(|new| new.source == ends.source && new.target == ends.target);
            joins && new.id().entity() == edge.id().entity()
        }
        _ => false,
    }
}

/// An error that names the bad file where an edge is in the way that has one.
fn named(error: WriteError, bad: &BadFiles) -> WriteError {
    match &error {
        WriteError::AlreadyExists { id } => own_refusal(id, bad).unwrap_or(error),
        _ => error,
    }
}
