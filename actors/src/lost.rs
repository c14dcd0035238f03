//! What becomes of walks whose worker is lost.
//!
//! A worker ends at any moment: when a walk is on its way to it, or when it gives one away. So whose a walk is stands in
//! one place, the number of its worker, and who takes it from there decides what becomes of it: nobody else does, and
//! nobody has to guess.
//!
//! A worker is marked as lost before its walks are looked through; who sends it a walk notes that first and then looks at
//! the mark. Of the two, one sees what the other has done.

use std::sync::Arc;

use wayfare_graph::WalkError;

use crate::core::Core;
use crate::durable;
use crate::walk_shared::WalkShared;
use crate::worker::WorkerRef;

/// Why a walk is lost that its worker had not begun.
const BEFORE_IT_BEGAN: &str = "it ended before it began with the walk";

/// Ends a walk that was a lost worker's, or has it taken up by another if it is durable; unless somebody else has decided
/// about it, or it has got away.
pub(crate) fn lost(core: &Arc<Core>, walk: &Arc<WalkShared>, worker: usize, reason: &str) {
    if walk.take_from(worker) {
        let reason = reason.into();
        failed(core, walk, WalkError::WorkerLost { walker: walk.walker.into(), reason });
    }
}

/// The same for a walk whose time is up while its hook keeps the worker's thread. A durable one is taken from the worker
/// and decided about as it is stored, so that the next process knows what its caller was told.
pub(crate) fn overdue(core: &Arc<Core>, walk: &Arc<WalkShared>, worker: usize) {
    if walk.is_durable() && !walk.take_from(worker) {
        return;
    }
    let error = match walk.is_cancelled() {
        true => WalkError::Cancelled { walker: walk.walker.into() },
        false => walk.wall_reached(),
    };
    failed(core, walk, error);
}

fn failed(core: &Arc<Core>, walk: &Arc<WalkShared>, error: WalkError) {
    if let (Some(id), Some(runtime)) = (walk.durable_id(), core.runtime.get()) {
        walk.children.cancel();
        runtime.spawn(durable::failed(Arc::clone(core), Arc::clone(walk), id.clone(), error));
        return;
    }
    core.walks.remove(walk.id);
    walk.end(Err(error));
}

/// The same for a walk that was just sent to a worker, if that is lost: it was looked through too early, perhaps.
pub(crate) fn lost_if_worker_is(core: &Arc<Core>, walk: &Arc<WalkShared>, worker: &WorkerRef) {
    if worker.vitals.is_lost() {
        lost(core, walk, worker.number, BEFORE_IT_BEGAN);
    }
}
