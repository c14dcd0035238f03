//! How a walk goes, apart from its hooks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::direction::Direction;
use crate::filter::Filter;
use crate::frontier::{Order, Unique};
use crate::limits::Limits;
use crate::need::Need;
use crate::trail::Trail;

/// How a walk goes, apart from its hooks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WalkOptions {
    /// The order of visits; breadth first by default.
    pub order: Order,
    /// What is not visited twice; nodes by default.
    pub unique: Unique,
    /// Nodes that do not satisfy it are neither visited nor passed through. The start is exempt.
    pub only: Option<Filter>,
    /// Budgets; `None` takes those of `[limits]`.
    pub limits: Option<Limits>,
    /// What to read of every node beside its document.
    pub need: Need,
    /// What is kept of the visits made; nothing by default.
    pub trail: Trail,
    /// Most visits that a hook which takes many is given at once; 100 by default.
    pub chunk_size: usize,
    /// Whether the walk survives its process, and how often its state is stored.
    pub durable: Option<Durable>,
    /// Whether the profile tells visits and time by entity, hook and node.
    pub detailed: bool,
    /// Whether its hooks run on a thread for work that blocks; see [`blocking`](Self::blocking).
    #[serde(default)]
    pub blocking: bool,
}

/// How a durable walk is stored: its state, queue, visited set, budgets and writes in one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durable {
    /// Visits after which it is stored; 1,000 by default, at least 1.
    pub visits: u32,
    /// Time after which it is stored even if it made fewer; 100 ms by default.
    pub interval: Duration,
}

impl Default for Durable {
    fn default() -> Self {
        Self { visits: 1_000, interval: Duration::from_millis(100) }
    }
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            order: Order::default(),
            unique: Unique::default(),
            only: None,
            limits: None,
            need: Need::default(),
            trail: Trail::default(),
            chunk_size: 100,
            durable: None,
            detailed: false,
            blocking: false,
        }
    }
}

impl WalkOptions {
    /// Sets the order of visits.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Sets what is not visited twice.
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = unique;
        self
    }

    /// Reads edges in a direction with their fields, for [`Here::edges`](crate::Here::edges).
    #[must_use]
    pub fn edges(mut self, direction: Direction) -> Self {
        self.need = self.need.edges(direction);
        self
    }

    /// Reads neighbours in a direction together with the nodes. Without it, a walk that asks for
    /// neighbours learns at its first node that it should have.
    #[must_use]
    pub fn links(mut self, direction: Direction) -> Self {
        self.need = self.need.links(direction);
        self
    }

    /// Sets what is kept of the visits made.
    #[must_use]
    pub fn trail(mut self, trail: Trail) -> Self {
        self.trail = trail;
        self
    }

    /// Sets how many visits a hook that takes many is given at most; 0 counts as 1.
    #[must_use]
    pub fn chunk_size(mut self, chunk_size: usize) -> Self {
        self.chunk_size = chunk_size.max(1);
        self
    }

    /// Makes the walk survive its process.
    #[must_use]
    pub fn durable(mut self, durable: Durable) -> Self {
        self.durable = Some(durable);
        self
    }

    /// Tells visits and time by entity, hook and node in the profile, at the cost of looking at the
    /// clock at every hook.
    #[must_use]
    pub fn detailed(mut self) -> Self {
        self.detailed = true;
        self
    }

    /// Runs the hooks on a thread for work that blocks, so that hooks which keep their thread, for a file or for long
    /// sums, hold up no other walk. Handing visits over costs some 30 µs each time, so plain hooks are better off without.
    #[must_use]
    pub fn blocking(mut self) -> Self {
        self.blocking = true;
        self
    }
}
