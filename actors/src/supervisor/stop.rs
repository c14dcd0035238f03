//! Draining and stopping a runtime.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::prelude::*;
use wayfare_graph::WalkError;

use super::{Supervisor, WATCH};
use crate::threads::{Join, join_until, moment_after};
use crate::writer::Close;

/// How long threads may take to end that nobody keeps, also where draining took all its time.
const GRACE: Duration = Duration::from_secs(1);

/// Drains and stops the runtime.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Stop;

impl Handler<Stop> for Supervisor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Stop, _: &mut Context<Self>) -> Self::Result {
        self.is_stopping = true;
        let core = Arc::clone(&self.core);
        let writer = self.writer.clone();
        let drain = async move {
            core.closed.store(true, Ordering::Release);
            let until = moment_after(core.live.drain_timeout());
            core.walks.gate.close();
            // Durable ones come to a checkpoint, and go on in the next process. So do those that wait for their store.
            while core.walks.any(|walk| !walk.is_paused() && !walk.is_nowhere()) && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            core.walks.gate.shut();
            for walk in core.walks.all(|_| true) {
                walk.end(Err(WalkError::Stopped));
            }
            // What was published is on its way to the writer, which drains its channel before it ends.
            let until = until.max(Instant::now() + GRACE);
            let left = until.saturating_duration_since(Instant::now());
            // Every permit is back when every write has been answered.
            let all = u32::try_from(core.settings.write_queue).unwrap_or(u32::MAX);
            let written = tokio::time::timeout(left, core.write_permits.acquire_many(all)).await.is_ok();
            core.write_permits.close();
            core.shards.close();
            core.durability.close();
            let thread = writer.send(Close).await.ok().flatten();
            drop(core);
            (thread, written, until)
        };
        Box::pin(drain.into_actor(self).map(|(writer, settled, until), supervisor, cx| {
            let mut workers = std::mem::take(&mut supervisor.worker_threads);
            let shards: Vec<_> = supervisor.shards.drain(..).filter_map(|home| home.thread).collect();
            for thread in workers.values().chain(&shards) {
                thread.stop();
            }
            // When the runtime is said to have stopped, nothing holds the store any more, but for a
            // thread that a hook or a call to the store does not give back.
            let free = supervisor.workers.iter().filter(|worker| worker.vitals.keeps_thread(WATCH).is_none());
            let free = free.filter_map(|worker| workers.remove(&worker.number));
            let mut ending: Vec<Join> = Vec::new();
            ending.extend(free.map(|thread| Box::new(move || drop(thread.join())) as Join));
            ending.extend(
                supervisor.ending.drain(..).map(|thread| Box::new(move || drop(thread.join())) as Join),
            );
            if settled {
                ending.extend(shards.into_iter().map(|thread| Box::new(move || drop(thread.join())) as Join));
                ending.extend(writer.map(|thread| Box::new(move || drop(thread.join())) as Join));
            }
            join_until(ending, until);
            cx.stop();
            System::current().stop();
        }))
    }
}
