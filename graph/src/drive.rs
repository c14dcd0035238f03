//! Driving a walker with async hooks through a batch of visits in one future.
//!
//! A future for each visit would cost an allocation for each; here the hooks are awaited where they
//! stand, and what they asked for is told apart by visit when the batch is back.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::here::Visited;
use crate::hook_table::HookTable;
use crate::step::Step;
use crate::walk::{Position, Walk};
use crate::walker::{ErasedWalker, HookFault, Walker};

/// The future of a batch: it owns everything the hooks work on and gives it back.
pub type Drive = Pin<Box<dyn Future<Output = Driven> + Send>>;

/// Visits that are to be made one after another, as far as they go.
#[derive(Debug)]
pub struct VisitBatch {
    /// The hooks of the walker.
    pub table: Arc<HookTable>,
    /// The nodes; none for the exit hooks.
    pub visits: Vec<(Visited, Position)>,
    /// Where the slot of each visit is noted as it begins.
    pub current: Arc<AtomicU32>,
    /// For each visit that was made, how many requests the walk held after it.
    pub requests_after: Vec<usize>,
}

impl VisitBatch {
    /// An empty batch for a walker.
    #[must_use]
    pub fn new(table: &Arc<HookTable>, current: &Arc<AtomicU32>) -> Box<Self> {
        let (table, current) = (Arc::clone(table), Arc::clone(current));
        Box::new(Self { table, visits: Vec::new(), current, requests_after: Vec::new() })
    }
}

/// A batch that is back.
pub struct Driven {
    /// The walker.
    pub walker: Box<dyn ErasedWalker>,
    /// Its walk, with the requests of all visits that were made.
    pub walk: Box<Walk>,
    /// The batch. Visits beyond those made were not begun.
    pub batch: Box<VisitBatch>,
    /// What the last hook came to, or which hook failed and why.
    pub result: Result<Step, (u16, HookFault)>,
}

pub(crate) async fn drive<W: Walker>(
    mut walker: Box<W>,
    mut batch: Box<VisitBatch>,
    mut walk: Box<Walk>,
) -> Driven {
    let mut result = Ok(Step::Continue);
    if batch.visits.is_empty() {
        let exits = Arc::clone(batch.table.exits());
        result = run(&mut *walker, &exits, None, &mut walk).await;
    }
    for (visited, position) in &batch.visits {
        walk.set_position(*position);
        // A note for the same thread, in case the future does not come back.
        batch.current.store(position.slot.0, Ordering::Relaxed);
        let hooks = batch.table.at(visited.record.head.id.entity().code());
        result = run(&mut *walker, hooks, Some(visited), &mut walk).await;
        batch.requests_after.push(walk.requests().len());
        // What was emitted is sent before the next visit, so that a full stream holds the walk up.
        if !matches!(result, Ok(Step::Continue | Step::Skip)) || walk.has_outbox() {
            break;
        }
    }
    Driven { walker, walk, batch, result }
}

#[inline]
async fn run<W: Walker>(
    walker: &mut W,
    hooks: &[u16],
    visited: Option<&Visited>,
    walk: &mut Walk,
) -> Result<Step, (u16, HookFault)> {
    for &hook in hooks {
        match walker.call_async(usize::from(hook), visited, walk).await {
            Ok(Step::Continue) => {}
            Ok(step) => return Ok(step),
            Err(fault) => return Err((hook, fault)),
        }
    }
    Ok(Step::Continue)
}
