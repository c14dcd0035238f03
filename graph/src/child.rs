//! A walk that another walk has started.

use std::marker::PhantomData;

use crate::walk_error::WalkError;
use crate::walk_services::ChildOutcome;
use crate::walker::Walker;

/// A child walk: it ends before its parent does.
///
/// Wait for it with [`finish`](Self::finish), or drop it: the parent waits for all its children before its
/// exit hooks run. A child that fails after its handle was dropped ends the parent with
/// [`WalkError::ChildFailed`]. When the parent ends with an error or is cancelled, its children are
/// cancelled.
#[must_use = "dropping it leaves the child to the end of the walk"]
pub struct Child<W> {
    number: u64,
    outcome: ChildOutcome,
    walker: PhantomData<fn() -> W>,
}

impl<W: Walker> Child<W> {
    pub(crate) fn new(number: u64, outcome: ChildOutcome) -> Self {
        Self { number, outcome, walker: PhantomData }
    }

    /// The number of the walk, unique in its runtime.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.number
    }

    /// Waits for the end and gives the walker back, with its state.
    ///
    /// # Errors
    /// Why the child ended before its time.
    pub async fn finish(self) -> Result<W, WalkError> {
        let finished = self.outcome.await?;
        finished.walker.into_any().downcast::<W>().map(|walker| *walker).map_err(|_| WalkError::Stopped)
    }
}

impl<W> std::fmt::Debug for Child<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Child").field(&self.number).finish()
    }
}
