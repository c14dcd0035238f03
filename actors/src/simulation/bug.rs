//! Bugs that are planted in the runtime, to see that the simulation finds them.

use std::cell::Cell;

/// A bug that the runtime has only if a simulation wants it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A shard tells that a save is done when it has handed it to the writer.
    AcknowledgeBeforeCommit,
    /// A shard evicts records that are pinned.
    EvictPinned,
    /// A shard publishes what a load found before a newer version was known.
    PublishOldLoad,
    /// Dropping a record does not make loads under way look again.
    ForgetQuietly,
    /// A walk's result is given before what it has read is durable.
    AnswerBeforeSettled,
    /// Saves that wait for their entity are forgotten when it cannot be loaded.
    DropParked,
    /// Saves of a commit that failed leave their records as if they were durable.
    SettleFailedCommit,
    /// A refused save leaves its record.
    KeepRefused,
    /// A batch is acknowledged before the shards have dropped what it changed.
    TellBeforeEvict,
    /// The shards are not told of the nodes at the ends of an edge.
    ForgetEnds,
    /// The permit of a refused save does not come back.
    LeakPermit,
    /// Updates are based on what is not durable yet.
    UpdateOnUnsettled,
    /// What a batch may have changed stays when its server was away when it was to answer.
    DoubtNothing,
    /// What was loaded in the place of a save that was under way stays when that becomes durable.
    StayBehind,
    /// A record whose saves became durable meanwhile is published again as one that is not durable.
    ReissueSettled,
    /// The record that a change of links left behind with a save under way stays as it is.
    KeepLinksOfUnsettled,
    /// A shard begins before what the one before it had handed to the writer is settled.
    RestartAtOnce,
    /// The records of a shard that has ended stay.
    KeepRecordsOfTheDead,
    /// Questions that are lost with a shard are not asked again.
    LoseQuestions,
    /// What is pinned is forgotten with its shard.
    ForgetPins,
}

impl Bug {
    /// All of them.
    pub(super) const ALL: [Self; 20] = [
        Self::AcknowledgeBeforeCommit,
        Self::EvictPinned,
        Self::PublishOldLoad,
        Self::ForgetQuietly,
        Self::AnswerBeforeSettled,
        Self::DropParked,
        Self::SettleFailedCommit,
        Self::KeepRefused,
        Self::TellBeforeEvict,
        Self::ForgetEnds,
        Self::LeakPermit,
        Self::UpdateOnUnsettled,
        Self::DoubtNothing,
        Self::StayBehind,
        Self::ReissueSettled,
        Self::KeepLinksOfUnsettled,
        Self::RestartAtOnce,
        Self::KeepRecordsOfTheDead,
        Self::LoseQuestions,
        Self::ForgetPins,
    ];
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Whether the runtime is to have a bug, on this thread.
pub(crate) fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Plants a bug in what runs on this thread, or takes it away.
pub(super) fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}
