//! Budgets of a walk.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The budgets of one walk. Reaching one ends the walk with an error that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Visits in all.
    pub visits: u64,
    /// Visits to one node; counts only where the walk may come back to a node. Exact up to 10,000; for
    /// larger budgets the counting begins with the walk's 10,000th visit.
    pub visits_per_node: u64,
    /// Entries waiting in the queue.
    pub queue: u64,
    /// Time from spawn to the end.
    pub wall: Duration,
    /// Bytes reported, and bytes emitted but not yet taken, as a JSON text would count them.
    pub report_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            visits: 1_000_000_000,
            visits_per_node: 1_000_000,
            queue: 100_000_000,
            wall: Duration::from_secs(3_600),
            report_bytes: 1 << 30,
        }
    }
}

/// One of the budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Budget {
    /// [`Limits::visits`].
    Visits,
    /// [`Limits::visits_per_node`].
    VisitsPerNode,
    /// [`Limits::queue`].
    Queue,
    /// [`Limits::wall`], in milliseconds.
    WallMs,
    /// [`Limits::report_bytes`].
    ReportBytes,
}

impl Budget {
    /// The name of the setting under `[limits]`.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::VisitsPerNode => "visits_per_node",
            Self::Queue => "queue",
            Self::WallMs => "wall_ms",
            Self::ReportBytes => "report_bytes",
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.setting())
    }
}
