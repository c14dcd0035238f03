//! Driving a walker through a batch of visits in one future.
//!
//! A future for each visit would cost an allocation for each; here the hooks are awaited where they
//! stand, one visit after another, and the queue moves along with them.

use std::any::Any;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::frontier::Position;
use crate::here::Visited;
use crate::hook::{HookFault, HookResult, Occasion};
use crate::hook_table::HookTable;
use crate::host::HostCall;
use crate::id::Kind;
use crate::record::Slot;
use crate::step::Step;
use crate::target::{Looked, Missing};
use crate::visit_batch::{Stage, VisitBatch};
use crate::walk::Walk;
use crate::walk_error::WalkError;
use crate::walker::{ErasedWalker, Walker};
use crate::yielding::yield_once;

/// The future of a batch: it owns everything the hooks work on and gives it back.
pub type Drive = Pin<Box<dyn Future<Output = Driven> + Send>>;

/// Why a batch did not go on.
#[derive(Debug)]
pub enum Fault {
    /// A hook failed.
    Hook(u16, HookFault),
    /// The walk could not go on.
    Walk(WalkError),
}

impl From<WalkError> for Fault {
    fn from(error: WalkError) -> Self {
        Self::Walk(error)
    }
}

/// A batch that is back.
pub struct Driven {
    /// The walker.
    pub walker: Box<dyn ErasedWalker>,
    /// Its walk.
    pub walk: Box<Walk>,
    /// The batch. Visits beyond those made were not begun.
    pub batch: Box<VisitBatch>,
    /// What the last hook came to, and what has to be read before what it asked for can be done.
    pub result: Result<(Step, Option<Missing>), Fault>,
}

pub(crate) async fn drive<W: Walker>(
    mut walker: Box<W>,
    mut batch: Box<VisitBatch>,
    mut walk: Box<Walk>,
) -> Driven {
    let result = match batch.stage {
        Stage::Visits => drive_visits(&mut *walker, &mut batch, &mut walk).await,
        _ => drive_alone(&mut *walker, &batch, &mut walk).await,
    };
    Driven { walker, walk, batch, result }
}

/// Runs the hooks of another occasion than a visit.
async fn drive_alone<W: Walker>(
    walker: &mut W,
    batch: &VisitBatch,
    walk: &mut Walk,
) -> Result<(Step, Option<Missing>), Fault> {
    let table = &batch.table;
    let (hooks, occasion) = match &batch.stage {
        Stage::Enter => (table.enters(), Occasion::Alone),
        Stage::Event(event) => (table.events(), Occasion::Event(event.value())),
        Stage::Exit | Stage::Visits => (table.exits(), Occasion::Alone),
    };
    let mut step = Step::Continue;
    for &hook in &**hooks {
        if let Occasion::Event(event) = occasion
            && !batch.is_for(hook, event)
        {
            continue;
        }
        step = run(walker, table, hook, occasion, walk).await.map_err(|fault| Fault::Hook(hook, fault))?;
        if step != Step::Continue {
            break;
        }
    }
    walk.note_asked()?;
    if step == Step::Disengage {
        walk.forget_requests();
        return Ok((step, None));
    }
    Ok((step, walk.expand(|_| Looked::Unknown)?))
}

impl VisitBatch {
    /// Whether a hook is for events of this type.
    fn is_for(&self, hook: u16, event: &(dyn Any + Send + Sync)) -> bool {
        self.table.spec(hook).is_some_and(|spec| match spec.target {
            crate::hook::HookTarget::Event(key) => key().type_id == event.type_id(),
            _ => false,
        })
    }
}

async fn drive_visits<W: Walker>(
    walker: &mut W,
    batch: &mut VisitBatch,
    walk: &mut Walk,
) -> Result<(Step, Option<Missing>), Fault> {
    if !batch.table.takes_many() {
        return drive_each(walker, batch, walk).await;
    }
    let mut from = 0;
    while from < batch.visits.len() {
        let until = batch.together(from);
        let positions = batch.begin(from..until, walk);
        let Some(&first) = positions.first() else { break };
        batch.deepest = batch.deepest.max(first.depth);
        batch.made = until;
        let (step, skipped) = visit(walker, batch, from..until, &positions, walk).await?;
        if step == Step::Disengage {
            walk.note_of(&batch.visits[from..until])?;
            walk.forget_requests();
            return Ok((step, None));
        }
        let missing = end_visits(batch, from..until, &positions, &skipped, walk)?;
        // What was emitted is sent before the next visit, so that a full stream holds the walk up.
        if missing.is_some() || walk.wants_turn() {
            return Ok((step, missing));
        }
        from = until;
        if batch.gives_turns {
            yield_once().await;
        }
    }
    for _ in 0..batch.skipped_after {
        walk.frontier_mut().skip();
    }
    Ok((Step::Continue, None))
}

/// Makes visits one by one, without an allocation for any.
async fn drive_each<W: Walker>(
    walker: &mut W,
    batch: &mut VisitBatch,
    walk: &mut Walk,
) -> Result<(Step, Option<Missing>), Fault> {
    let table = Arc::clone(&batch.table);
    let detailed = walk.is_detailed();
    for (visited, planned) in batch.visits.iter().zip(&batch.planned) {
        for _ in 0..planned.skipped {
            walk.frontier_mut().skip();
        }
        let id = &visited.record.head.id;
        let Some(position) = walk.begin_visit(id.kind() == Kind::Edge) else { break };
        batch.deepest = batch.deepest.max(position.depth);
        batch.made += 1;
        // A note for the same thread, in case the future does not come back.
        batch.current.store(visited.slot.0, Ordering::Relaxed);
        let hooks = if position.leaving {
            table.leaving(id.kind(), id.entity())
        } else {
            if let Some(detail) = walk.detail() {
                detail.add_visit(visited.slot, id.entity());
            }
            table.at(id.kind(), id.entity())
        };
        let mut step = Step::Continue;
        for &hook in &**hooks {
            let occasion = Occasion::At(visited);
            let ran = if detailed || table.host(hook).is_some() {
                run(walker, &table, hook, occasion, walk).await
            } else {
                walker.call_async(usize::from(hook), occasion, walk).await
            };
            step = ran.map_err(|fault| Fault::Hook(hook, fault))?;
            if step != Step::Continue {
                break;
            }
        }
        if step == Step::Disengage {
            walk.end_by(visited)?;
            return Ok((step, None));
        }
        let missing = walk.end_visit(visited, step)?;
        // What was emitted is sent before the next visit, so that a full stream holds the walk up.
        if missing.is_some() || walk.wants_turn() {
            return Ok((step, missing));
        }
        if batch.gives_turns {
            yield_once().await;
        }
    }
    for _ in 0..batch.skipped_after {
        walk.frontier_mut().skip();
    }
    Ok((Step::Continue, None))
}

/// Runs the hooks of one visit, or of several that are made together; tells which of them were skipped.
async fn visit<W: Walker>(
    walker: &mut W,
    batch: &VisitBatch,
    range: Range<usize>,
    positions: &[Position],
    walk: &mut Walk,
) -> Result<(Step, Skipped), Fault> {
    let visits = &batch.visits[range];
    let id = &visits[0].record.head.id;
    let at_edge = id.kind() == Kind::Edge;
    let leaving = positions[0].leaving;
    let hooks = match leaving {
        true => batch.table.leaving(id.kind(), id.entity()),
        false => batch.table.at(id.kind(), id.entity()),
    };
    let hooks = Arc::clone(hooks);
    if !leaving {
        count_visits(walk, visits);
    }
    let mut skipped = Skipped::default();
    for &hook in &*hooks {
        let (many, mut from) = (batch.takes_many(hook), 0);
        while let Some(part) = skipped.next_part(from, visits.len(), many) {
            from = part.end;
            let position = positions[part.start];
            walk.stand(position, at_edge);
            batch.note_current(position.slot);
            let step = run(walker, &batch.table, hook, occasion(visits, &part, many), walk).await;
            match step.map_err(|fault| Fault::Hook(hook, fault))? {
                Step::Continue => {}
                Step::Skip => skipped.skip(part, visits.len()),
                Step::Disengage => return Ok((Step::Disengage, skipped)),
            }
        }
    }
    Ok((Step::Continue, skipped))
}

/// What a hook is called with, of visits that are made together.
pub(crate) fn occasion<'a>(visits: &'a [Visited], part: &Range<usize>, many: bool) -> Occasion<'a> {
    if many { Occasion::Many(&visits[part.clone()]) } else { Occasion::At(&visits[part.start]) }
}

/// Counts visits, where the walk is to tell details.
pub(crate) fn count_visits(walk: &mut Walk, visits: &[Visited]) {
    if let Some(detail) = walk.detail() {
        visits.iter().for_each(|visited| detail.add_visit(visited.slot, visited.record.head.id.entity()));
    }
}

/// Which of several visits that are made together are skipped. A step of a hook for one visit is about that
/// visit; of a hook for many, about all that it was given.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    /// Empty as long as none is.
    visits: Vec<bool>,
}

impl Skipped {
    pub(crate) fn skip(&mut self, part: Range<usize>, of: usize) {
        self.visits.resize(of, false);
        self.visits[part].fill(true);
    }

    pub(crate) fn is(&self, visit: usize) -> bool {
        self.visits.get(visit).is_some_and(|&skipped| skipped)
    }

    /// The next visits from one on that a hook is given: those that are not skipped, side by side where it
    /// takes many, else one.
    pub(crate) fn next_part(&self, from: usize, of: usize, many: bool) -> Option<Range<usize>> {
        let start = (from..of).find(|&at| !self.is(at))?;
        let end = if many { (start..of).find(|&at| self.is(at)).unwrap_or(of) } else { start + 1 };
        Some(start..end)
    }
}

/// Ends visits that were made together.
pub(crate) fn end_visits(
    batch: &VisitBatch,
    range: Range<usize>,
    positions: &[Position],
    skipped: &Skipped,
    walk: &mut Walk,
) -> Result<Option<Missing>, Fault> {
    let visits = &batch.visits[range];
    walk.note_of(visits)?;
    walk.set_chunk(positions);
    if visits.first().is_some_and(|visited| visited.record.head.id.kind() == Kind::Edge) {
        for (at, visited) in visits.iter().enumerate() {
            let step = if skipped.is(at) { Step::Skip } else { Step::Continue };
            walk.go_on_along(visited, step);
        }
    }
    let missing = match visits {
        [visited] => walk.expand(|slot| at_hand(std::slice::from_ref(visited), slot)),
        many => walk.expand(|slot| at_hand(many, slot)),
    };
    Ok(missing?)
}

#[inline]
fn at_hand(visits: &[Visited], slot: Slot) -> Looked<'_> {
    let visited = visits.iter().find(|visited| visited.slot == slot);
    visited.map_or(Looked::Unknown, |visited| Looked::Record(&visited.record))
}

/// Runs one hook, of the walker or of the entity.
#[inline]
pub(crate) async fn run<W: Walker>(
    walker: &mut W,
    table: &HookTable,
    hook: u16,
    occasion: Occasion<'_>,
    walk: &mut Walk,
) -> HookResult {
    let began = walk.is_detailed().then(Instant::now);
    let result = match (table.host(hook), occasion) {
        (Some(host), Occasion::At(visited)) => match host.call {
            HostCall::Sync(call) => call(visited, walker, walk),
            HostCall::Async(call) => call(visited, walker, walk).await,
        },
        _ => walker.call_async(usize::from(hook), occasion, walk).await,
    };
    if let Some(began) = began {
        count(walk, hook, occasion, began.elapsed());
    }
    result
}

/// Counts the time of a hook.
pub(crate) fn count(walk: &mut Walk, hook: u16, occasion: Occasion<'_>, taken: Duration) {
    let at = match occasion {
        Occasion::At(visited) => Some(visited),
        Occasion::Many(visits) => visits.first(),
        Occasion::Alone | Occasion::Event(_) => None,
    };
    let at = at.map(|visited| (visited.slot, visited.record.head.id.entity()));
    if let Some(detail) = walk.detail() {
        detail.add_hook(hook, at, taken);
    }
}

/// Calls a sync hook, of the walker or of the entity.
///
/// # Errors
/// What the hook returned, or why the node could not be read.
#[inline]
pub fn call_hook(
    walker: &mut dyn ErasedWalker,
    table: &HookTable,
    hook: u16,
    visited: &Visited,
    walk: &mut Walk,
) -> HookResult {
    let began = walk.is_detailed().then(Instant::now);
    let result = match table.host(hook) {
        None => walker.call(usize::from(hook), Occasion::At(visited), walk),
        Some(host) => match host.call {
            HostCall::Sync(call) => call(visited, walker.as_visitor(), walk),
            // Walkers with such hooks are driven.
            HostCall::Async(_) => Ok(Step::Continue),
        },
    };
    if let Some(began) = began {
        count(walk, hook, Occasion::At(visited), began.elapsed());
    }
    result
}
