//! Starting shards again that have ended.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_rt::Arbiter;
use wayfare_graph::WriteBatch;

use super::Supervisor;
use crate::core::Core;
use crate::shard::{ShardActor, ShardParts};
#[cfg(test)]
use crate::simulation::{Bug, is_planted};
use crate::supervision::{ActorEnd, ActorKind};
use crate::system::StartError;

/// How long the thread of a shard that has ended stays, to tell what the writer said of its saves.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The thread of a shard.
pub(super) struct ShardHome {
    index: usize,
    /// `None` while there is none.
    pub(super) thread: Option<Arbiter>,
}

impl ShardHome {
    /// Starts a shard on a thread of its own.
    pub(super) fn new(core: &Arc<Core>, index: usize) -> Result<Self, StartError> {
        let mut home = Self { index, thread: None };
        home.start(core)?;
        Ok(home)
    }

    fn start(&mut self, core: &Arc<Core>) -> Result<(), StartError> {
        let thread = Arbiter::try_new()?;
        let parts = ShardParts::of(core, self.index).ok_or(StartError::Ended)?;
        let shard = ShardActor::start_in_arbiter(&thread.handle(), move |_| ShardActor::new(parts));
        core.shards.seat(self.index, shard);
        self.thread = Some(thread);
        Ok(())
    }
}

/// Waits until nothing is under way any more of what a shard that has ended had handed to the writer.
pub(crate) async fn settle_lost(core: &Core, index: usize) {
    #[cfg(test)]
    if is_planted(Bug::RestartAtOnce) {
        return core.durability.forget(index);
    }
    // An empty batch comes back when all that were handed over before it have.
    if let Some(writer) = core.writer.get() {
        let _ = writer.persist(WriteBatch::default()).await;
    }
    core.durability.forget(index);
}

impl Supervisor {
    pub(super) fn watch_shards(&mut self, cx: &mut Context<Self>) {
        for (index, end) in self.core.shards.take_ended() {
            self.restart_shard(index, end, cx);
        }
    }

    /// Puts another shard in the place of one that has ended, when nothing of that one is under way any more.
    fn restart_shard(&mut self, index: usize, end: ActorEnd, cx: &mut Context<Self>) {
        let pause = self.core.supervision.ended(ActorKind::Shard, index, end);
        // It has published what it held no more, if it could; a thread that ended could not.
        self.core.slabs[index].clear();
        // Its tasks have no say any more, so its thread has nothing to do but to tell what the writer says.
        let old = self.shards[index].thread.take();
        let core = Arc::clone(&self.core);
        let settled = async move {
            settle_lost(&core, index).await;
            tokio::time::sleep(pause).await;
        };
        cx.spawn(settled.into_actor(self).map(move |(), supervisor, cx| {
            if let Some(old) = old {
                // Those who wait for its saves are told by then.
                cx.run_later(LAST_WORDS, move |_, _| {
                    old.stop();
                });
            }
            if supervisor.core.shards.is_closed() {
                return;
            }
            let core = Arc::clone(&supervisor.core);
            if let Err(error) = supervisor.shards[index].start(&core) {
                let end = ActorEnd::NotStarted { reason: error.to_string() };
                supervisor.restart_shard(index, end, cx);
            }
        }));
    }
}
