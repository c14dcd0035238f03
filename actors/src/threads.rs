//! Waiting for threads to end, but not for ever.

use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Waits for one thread.
pub(crate) type Join = Box<dyn FnOnce() + Send>;

/// Waits for threads up to a moment; `false` when not all had ended by then.
///
/// A thread cannot be joined with a timeout, so a further one waits for them. If they do not come
/// back it stays behind with them.
pub(crate) fn join_until(threads: Vec<Join>, until: Instant) -> bool {
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        threads.into_iter().for_each(|join| join());
        let _ = ended.send(());
    });
    end.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok()
}

/// The moment after a time; a time beyond what the clock can count is none, a century will do.
pub(crate) fn moment_after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + Duration::from_secs(3_155_760_000))
}
