//! What was told of writes, kept apart from the store, so that the store can be held against it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use wayfare::{Error, Id, StoreError, WalkError};

use super::ground::{CHAINS, METERS};

/// Sets of slips: each client that makes and deletes them has one of its own.
pub(crate) const SLIP_SETS: usize = 3;

/// Slips in a set. Those of which nothing is known rest until the next check, so there have to be enough.
const SLIPS: usize = 120;

/// What an error says about the write that got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was not done.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// What became of a write that was not acknowledged, by what its error promises.
pub(crate) fn fate(error: &Error) -> Fate {
    match error {
        Error::Store(error) => fate_in_store(error),
        Error::Walk(WalkError::Store(error)) => fate_in_store(error),
        _ => Fate::Refused,
    }
}

fn fate_in_store(error: &StoreError) -> Fate {
    match error {
        StoreError::Interrupted { .. } | StoreError::Unreachable { .. } | StoreError::Stopped => {
            Fate::Unknown
        }
        _ => Fate::Refused,
    }
}

/// A counter: how often it was to be raised, and what was told of that.
#[derive(Debug, Default)]
pub(crate) struct Account {
    begun: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

impl Account {
    /// Before it is raised.
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, SeqCst);
    }

    /// It was raised.
    pub(crate) fn acknowledged(&self) {
        self.acknowledged.fetch_add(1, SeqCst);
    }

    /// It was not raised, as far as the error promises that. All else stays unknown.
    pub(crate) fn failed(&self, fate: Fate) {
        if fate == Fate::Refused {
            self.refused.fetch_add(1, SeqCst);
        }
    }

    /// What the counter is at least, for whoever reads it from now on.
    pub(crate) fn floor(&self) -> u64 {
        self.acknowledged.load(SeqCst)
    }

    /// What it was at most, for whoever has read it before.
    pub(crate) fn ceiling(&self) -> u64 {
        // In this order: what is refused by now was begun by now.
        let refused = self.refused.load(SeqCst);
        self.begun.load(SeqCst) - refused
    }

    /// While nobody writes: the stored value is right from now on, so that later checks are as sharp as can be.
    pub(crate) fn settle(&self, value: u64) {
        self.begun.store(value, SeqCst);
        self.acknowledged.store(value, SeqCst);
        self.refused.store(0, SeqCst);
    }
}

/// Whether something is there, by what was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum There {
    Yes,
    #[default]
    No,
    /// A write of it had an outcome that is not known.
    Unknown,
}

/// A node that comes and goes, and its edge.
#[derive(Debug, Clone)]
pub(crate) struct SlipState {
    pub(crate) key: String,
    pub(crate) acre: u64,
    pub(crate) node: There,
    pub(crate) bond: There,
    /// The edge, where it is known.
    pub(crate) edge: Option<Id>,
}

/// A chain that durable walks raise, all of its milestones once each.
#[derive(Debug, Default)]
pub(crate) struct ChainState {
    /// Walks that have ended well.
    pub(crate) done: u64,
    /// Keys of walks that may be under way, or wait for the next runtime.
    pub(crate) open: Vec<String>,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) meters: Vec<Account>,
    pub(crate) slips: Vec<Mutex<Vec<SlipState>>>,
    pub(crate) chains: Vec<Mutex<ChainState>>,
    /// Keys of walks that were spawned by message, and could not be dropped.
    pub(crate) keys: Mutex<Vec<String>>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let slips = |set: usize| {
            let slip = |number: usize| SlipState {
                key: format!("{set}-{number}"),
                acre: (set * SLIPS + number) as u64,
                node: There::No,
                bond: There::No,
                edge: None,
            };
            Mutex::new((0..SLIPS).map(slip).collect())
        };
        Self {
            meters: (0..METERS).map(|_| Account::default()).collect(),
            slips: (0..SLIP_SETS).map(slips).collect(),
            chains: (0..CHAINS).map(|_| Mutex::default()).collect(),
            keys: Mutex::default(),
        }
    }

    /// What each meter is at least.
    pub(crate) fn floors(&self) -> Vec<u64> {
        self.meters.iter().map(Account::floor).collect()
    }
}
