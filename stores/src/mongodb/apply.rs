//! Batches of writes.

use bson::doc;
use wayfare_graph::{Id, Kind, StoreError, Write, WriteBatch, WriteError, WriteResult};

use super::change::Changed;
use super::fault::Tried;
use super::schedule::levels;
use super::server::Server;
use super::writing::{Via, Writing};
use crate::rules::unsuitable;

impl Server {
    /// Does batches one after another; those in which each write stands for itself together.
    pub(super) async fn apply(&self, batches: &[WriteBatch]) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        self.undo_left_over().await?;
        let mut results: Vec<Vec<WriteResult>> = Vec::with_capacity(batches.len());
        let mut free: Vec<&WriteBatch> = Vec::new();
        for batch in batches {
            // A single write is all or nothing by itself.
            if batch.all_or_nothing && batch.writes.len() > 1 {
                results.extend(self.apply_free(std::mem::take(&mut free)).await?);
                let writes: Vec<&Write> = batch.writes.iter().collect();
                results.push(self.atomic(&writes).await?);
            } else {
                free.push(batch);
            }
        }
        results.extend(self.apply_free(free).await?);
        Ok(results)
    }

    async fn apply_free(&self, batches: Vec<&WriteBatch>) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        let lens: Vec<usize> = batches.iter().map(|batch| batch.writes.len()).collect();
        let writes: Vec<&Write> = batches.into_iter().flat_map(|batch| &batch.writes).collect();
        let done = self.each_for_itself(&writes).await.map_err(|fault| self.told(fault))?;
        let mut done = done.into_iter();
        Ok(lens.into_iter().map(|len| done.by_ref().take(len).collect()).collect())
    }

    async fn each_for_itself(&self, writes: &[&Write]) -> Tried<Vec<WriteResult>> {
        let writing = Writing::new(self, Via::Plain);
        let mut results: Vec<Option<WriteResult>> = vec![None; writes.len()];
        for level in self.levels(writes).await? {
            let (nodes, others): (Vec<usize>, Vec<usize>) =
                level.into_iter().partition(|&at| deleted_node(writes[at]).is_some());
            let chosen: Vec<&Write> = others.iter().map(|&at| writes[at]).collect();
            for (at, changed) in others.into_iter().zip(writing.change_all(&chosen).await?) {
                results[at] = Some(finished(changed));
            }
            for at in nodes {
                results[at] = Some(self.delete_node(&writing, writes[at]).await?);
            }
        }
        let undone = |at: usize| Err(unsuitable(&super::change::id_of(writes[at]), "it was not done"));
        Ok(results.into_iter().enumerate().map(|(at, result)| result.unwrap_or_else(|| undone(at))).collect())
    }

    /// The levels of writes, with the unique indexes that there are.
    pub(super) async fn levels(&self, writes: &[&Write]) -> Tried<Vec<Vec<usize>>> {
        let mut unique = Vec::new();
        for kind in [Kind::Node, Kind::Edge, Kind::Object, Kind::Walker] {
            if writes.iter().any(|write| super::change::id_of(write).kind() == kind) {
                let known = self.call(|| self.indexes(kind)).await?;
                unique.push((kind, known));
            }
        }
        let has_unique = |kind: Kind, entity| {
            unique.iter().any(|(of, known)| *of == kind && known.iter().any(|known| known.binds(entity)))
        };
        Ok(levels(writes.iter().copied(), has_unique))
    }

    /// Deletes a node; with its edges all or nothing, so that a crash in between leaves none of them without it.
    async fn delete_node(&self, plain: &Writing<'_>, write: &Write) -> Tried<WriteResult> {
        let Some(id) = deleted_node(write) else {
            return Ok(Err(unsuitable(&Id::root(), "it is no deletion")));
        };
        let node = id.to_string();
        let edges = doc! { "$or": [{ "source": &node }, { "target": &node }] };
        let has_edges = self
            .call(|| async {
                let found =
                    self.collection(Kind::Edge).find_one(edges.clone()).projection(doc! { "_id": 1 }).await?;
                Ok(found.is_some())
            })
            .await?;
        if has_edges {
            let done = self.atomic(&[write]).await?;
            return Ok(done
                .into_iter()
                .next()
                .unwrap_or_else(|| Err(WriteError::NotFound { id: id.clone() })));
        }
        let done = plain.change_all(&[write]).await?;
        Ok(done.into_iter().next().map_or_else(|| Err(WriteError::NotFound { id: id.clone() }), finished))
    }

    /// Does writes all or nothing.
    async fn atomic(&self, writes: &[&Write]) -> Result<Vec<WriteResult>, StoreError> {
        match self.is_cluster {
            true => self.in_transaction(writes).await,
            false => self.under_journal(writes).await,
        }
    }
}

/// The node that a write deletes.
fn deleted_node(write: &Write) -> Option<&Id> {
    match write {
        Write::Delete { id, .. } if id.kind() == Kind::Node => Some(id),
        _ => None,
    }
}

fn finished(changed: Changed) -> WriteResult {
    match changed {
        Changed::Finished(result) => result,
        Changed::Violated(id, _) | Changed::Unsent(id) => Err(unsuitable(&id, "it was not done")),
    }
}

/// The results of a batch that was taken back because of one write.
pub(super) fn refused(writes: usize, position: usize, error: WriteError) -> Vec<WriteResult> {
    let mut results = vec![Err(WriteError::BatchRefused { position }); writes];
    results[position] = Err(error);
    results
}
