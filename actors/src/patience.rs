//! Waiting for a store whose server is away, and for room: what is given up for that would wait for the next process.

use std::fmt::Display;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use wayfare_graph::{Random, StoreError, WalkError};

use crate::admission::{Admittance, Ticket};
use crate::core::Core;

/// Pauses between two questions are up to this long at first.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Whether the server of the store is away.
pub(crate) fn is_away(error: &WalkError) -> bool {
    let WalkError::Store(error) = error else { return false };
    matches!(**error, StoreError::Unreachable { .. } | StoreError::CircuitOpen { .. })
}

/// Whether it is not for the store that a call failed, but for a part of the runtime that was lost and is replaced.
fn is_interrupted(error: &WalkError) -> bool {
    matches!(error, WalkError::Store(error) if matches!(**error, StoreError::Interrupted { .. }))
}

/// Whether the same call may be answered later.
pub(crate) fn is_passing(error: &WalkError) -> bool {
    is_away(error) || is_interrupted(error)
}

/// Asks the store again and again while its server is away, or a part of the runtime on the way to it; the store has
/// tried for a while itself each time. `who` waits for the answer.
///
/// # Errors
/// What the answer says; [`WalkError::Stopped`] when the runtime stops meanwhile.
pub(crate) async fn patiently<'a, T>(
    core: &Weak<Core>,
    who: &(dyn Display + Sync),
    ask: impl Fn(Arc<Core>) -> BoxFuture<'a, Result<T, WalkError>>,
) -> Result<T, WalkError> {
    // Drawn from their whole length, so that those who failed together do not come back together.
    let mut random = Random::new(RandomState::new().hash_one(()));
    let mut longest = FIRST_PAUSE;
    let mut here = core.upgrade();
    loop {
        // Not kept over a pause, which the end of the runtime does not wait for.
        let error = match ask(here.take().ok_or(WalkError::Stopped)?).await {
            Err(error) if is_passing(&error) => error,
            answered => return answered,
        };
        if longest == FIRST_PAUSE {
            tracing::warn!(%who, %error, "waiting for the store");
        }
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        tokio::time::sleep(Duration::from_micros(random.below(micros))).await;
        longest = (longest * 2).min(LONGEST_PAUSE);
        here = unless_closed(core);
    }
}

/// Waits for a place among the walks that are alive, however long that takes.
///
/// # Errors
/// [`WalkError::Stopped`] when the runtime stops meanwhile.
pub(crate) async fn admitted_patiently(core: &Weak<Core>) -> Result<Ticket, WalkError> {
    loop {
        let here = unless_closed(core).ok_or(WalkError::Stopped)?;
        let clock = here.runtime.get().cloned().ok_or(WalkError::Stopped)?;
        let gate = Arc::clone(&here.walks.gate);
        // Not kept while it waits: the end of the runtime does not wait for that.
        drop(here);
        match gate.enter(Admittance::default(), &clock).await {
            Err(WalkError::Overloaded { retry_after, .. }) => tokio::time::sleep(retry_after).await,
            entered => return entered,
        }
    }
}

/// The runtime, unless it stops: that leaves what waits to the next process.
fn unless_closed(core: &Weak<Core>) -> Option<Arc<Core>> {
    core.upgrade().filter(|core| !core.is_closed())
}
