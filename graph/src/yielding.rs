//! Giving back a thread between visits.

use std::future::poll_fn;
use std::task::Poll;

/// Lets other work of the thread run once.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
