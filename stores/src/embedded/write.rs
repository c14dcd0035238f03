//! Batches of writes.

use wayfare_graph::{StoreError, WriteBatch, WriteError, WriteResult, Written};

use super::engine::{Engine, Writing};
use super::fault::{Fault, Stop};

impl Engine {
    /// Does all batches in one durable transaction.
    pub(super) fn apply(&self, batches: &[WriteBatch]) -> Result<Vec<Vec<WriteResult>>, StoreError> {
        self.write(|writing| batches.iter().map(|batch| writing.batch(batch)).collect())
    }
}

impl Writing<'_> {
    fn batch(&mut self, batch: &WriteBatch) -> Result<Vec<WriteResult>, Fault> {
        // A single write is all or nothing by itself.
        if !batch.all_or_nothing || batch.writes.len() < 2 {
            return batch.writes.iter().map(|write| split(self.change(write))).collect();
        }
        let done = self.nested(|inner| {
            let mut results = Vec::with_capacity(batch.writes.len());
            for (position, write) in batch.writes.iter().enumerate() {
                match split(inner.change(write))? {
                    Ok(written) => results.push(Ok(written)),
                    Err(error) => return Ok(Err((position, error))),
                }
            }
            Ok(Ok(results))
        })?;
        Ok(done.unwrap_or_else(|(position, error)| refused(batch.writes.len(), position, error)))
    }
}

/// The results of a batch that was taken back because of one write.
fn refused(writes: usize, position: usize, error: WriteError) -> Vec<WriteResult> {
    let mut results = vec![Err(WriteError::BatchRefused { position }); writes];
    results[position] = Err(error);
    results
}

fn split(done: Result<Written, Stop>) -> Result<WriteResult, Fault> {
    match done {
        Ok(written) => Ok(Ok(written)),
        Err(Stop::Refused(error)) => Ok(Err(error)),
        Err(Stop::Failed(fault)) => Err(fault),
    }
}
