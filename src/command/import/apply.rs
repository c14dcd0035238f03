//! A batch into the store, and what became of its rows.

use std::collections::HashSet;

use wayfare::{Graph, Id, Kind, Write, WriteBatch, WriteError, WriteResult, Written};

use super::batches::Batch;
use super::report::{FileReport, Rejection};
use crate::command::exit::Failure;

/// Writes a batch and adds it to the report. With `stop`, nothing behind the first row that the store
/// refuses is written; the rows before it are.
pub(super) async fn apply(
    graph: &Graph,
    mut batch: Batch,
    stop: bool,
    report: &mut FileReport,
) -> Result<(), Failure> {
    let mut writes = std::mem::take(&mut batch.writes);
    make_absent_edges(graph, &mut writes).await?;
    let results = match stop {
        true => up_to_refusal(graph, writes).await?,
        false => graph.write_batch(WriteBatch { writes, all_or_nothing: false }).await?,
    };
    let mut rejected = Vec::new();
    for (place, (line, result)) in batch.lines.iter().zip(results).enumerate() {
        match result {
            Ok(written) => {
                report.rows += 1;
                report.duplicates += u64::from(batch.repeats.binary_search(&place).is_ok());
                match written {
                    Written::Created { .. } => report.new += 1,
                    Written::Changed { .. } => report.changed += 1,
                    _ => report.unchanged += 1,
                }
            }
            Err(error) => rejected.push(Rejection { line: *line, reason: error.to_string() }),
        }
    }
    let refused_here = stop && !rejected.is_empty();
    if !refused_here {
        rejected.append(&mut batch.rejected);
    }
    rejected.sort_by_key(|rejection| rejection.line);
    rejected.into_iter().for_each(|rejection| report.reject(rejection));
    Ok(())
}

/// Writes all, or those before the first that is refused; results end with that one.
async fn up_to_refusal(graph: &Graph, writes: Vec<Write>) -> Result<Vec<WriteResult>, Failure> {
    let again = writes.clone();
    let mut results = graph.write_batch(WriteBatch { writes, all_or_nothing: true }).await?;
    let refused =
        results.iter().position(|result| !matches!(result, Ok(_) | Err(WriteError::BatchRefused { .. })));
    let Some(refused) = refused else { return Ok(results) };
    let refusal = results.swap_remove(refused);
    let before: Vec<Write> = again.into_iter().take(refused).collect();
    let mut results = graph.write_batch(WriteBatch { writes: before, all_or_nothing: true }).await?;
    results.push(refusal);
    Ok(results)
}

/// Edges that come as documents keep their ids, so parallel ones stay apart as they were: those that the store
/// does not have are created as such. An upsert alone would refuse the second between the same nodes.
async fn make_absent_edges(graph: &Graph, writes: &mut [Write]) -> Result<(), Failure> {
    let edge_id = |write: &Write| match write {
        Write::Upsert { document } if document.id().kind() == Kind::Edge => Some(document.id().clone()),
        _ => None,
    };
    let ids: Vec<Id> = writes.iter().filter_map(edge_id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let stored = graph.documents(&ids).await?;
    let mut known: HashSet<Id> = stored.iter().flatten().map(|document| document.id().clone()).collect();
    for write in writes {
        if let Some(id) = edge_id(write)
            && known.insert(id)
            && let Write::Upsert { document } = write
        {
            *write = Write::Create { document: document.clone(), multi: true };
        }
    }
    Ok(())
}
