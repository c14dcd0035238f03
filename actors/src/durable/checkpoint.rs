//! What a checkpoint writes beside what the hooks asked for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use wayfare_graph::{ErasedWalker, WalkError, Write};

use super::names::to_names;
use super::stored::{StoredPart, WalkStatus};
use super::{DurableState, MOST_PARTS, is_tracked};
use crate::engine::Engine;
use crate::hosted::{Hosted, Phase};
use crate::panic_text::panic_text;

impl Engine {
    /// The writes of a checkpoint; none where the walk is not durable. `done` when it is the last.
    pub(crate) fn checkpoint(&self, hosted: &mut Hosted, done: bool) -> Result<Vec<Write>, WalkError> {
        let Some(durable) = &mut hosted.rare.durable else { return Ok(Vec::new()) };
        let (Some(walk), Some(walker)) = (&mut hosted.walk, &hosted.walker) else { return Ok(Vec::new()) };
        let stored = &mut durable.stored;
        stored.state = state_of(&**walker)?.unwrap_or_default();
        stored.entered = hosted.phase > Phase::Entering;
        stored.visits = hosted.profile.visits;
        stored.taken_us = u64::try_from(hosted.shared.taken().as_micros()).unwrap_or(u64::MAX);
        let id_of = |slot| self.core.directory.id_of(slot).cloned();
        let counted = hosted.rare.per_node.iter();
        stored.per_node = counted.filter_map(|(&slot, &visits)| Some((id_of(slot)?, visits))).collect();
        if done {
            return durable.last_writes(walk.report_so_far());
        }
        durable.whole = durable.stored.part_ids().len() >= MOST_PARTS as usize;
        if durable.whole {
            walk.frontier_mut().log_anew();
            durable.reported = 0;
        }
        let mut delta = walk.frontier_mut().checkpoint();
        let tracked = durable.stored.options.as_ref().is_some_and(is_tracked);
        let names = to_names(&mut delta, tracked, &self.core.directory);
        let report = walk.report_so_far()[durable.reported..].to_vec();
        durable.reported += report.len();
        durable.next_writes(&StoredPart { names, delta, report })
    }
}

impl DurableState {
    /// The writes of a checkpoint on the way.
    fn next_writes(&self, part: &StoredPart) -> Result<Vec<Write>, WalkError> {
        let mut stored = self.stored.clone();
        let part = part.document(stored.part_id(stored.parts))?;
        let replaced = if self.whole { stored.part_ids() } else { Vec::new() };
        stored.progressed(self.whole);
        let walk = stored.document(self.id.clone())?.with_version(self.version);
        let mut writes = vec![Write::Upsert { document: part }, Write::Save { document: walk }];
        writes.extend(replaced.into_iter().map(|id| Write::Delete { id, expected: None }));
        Ok(writes)
    }

    /// The writes of the last checkpoint: nothing is left of the walk, unless it has a key.
    fn last_writes(&self, report: &[Value]) -> Result<Vec<Write>, WalkError> {
        let parts = self.stored.part_ids().into_iter();
        let mut writes: Vec<Write> = parts.map(|id| Write::Delete { id, expected: None }).collect();
        if self.stored.keyed {
            let mut stored = self.stored.clone().with_status(WalkStatus::Done);
            (stored.first_part, stored.parts) = (0, 0);
            (stored.report, stored.failure) = (report.to_vec(), None);
            let document = stored.document(self.id.clone())?.with_version(self.version);
            writes.push(Write::Save { document });
        } else {
            writes.push(Write::Delete { id: self.id.clone(), expected: Some(self.version) });
        }
        Ok(writes)
    }
}

/// The walker as JSON. Showing it is its author's code.
///
/// # Errors
/// [`WalkError::BadValue`] when it panics.
pub(super) fn state_of(walker: &dyn ErasedWalker) -> Result<Option<Value>, WalkError> {
    catch_unwind(AssertUnwindSafe(|| walker.state())).map_err(|panic| WalkError::BadValue {
        walker: walker.name().into(),
        reason: format!("it panicked while it was stored: {}", panic_text(&*panic)),
    })
}
