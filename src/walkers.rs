//! Walkers for common questions, used by the command and by anyone.
//!
//! Each follows edges of the entities in its [`Along`](crate::Along) in one [`Direction`](crate::Direction);
//! which nodes it may visit is for the spawn to say, with [`Spawning::only`](crate::Spawning::only). They
//! serialise, so each can be spawned by message under its type's name.

mod aggregate;
mod path;
mod reach;
mod sample;
mod two_ended_path;

pub use aggregate::{Aggregate, Aggregated};
pub use path::{Found, Path};
pub use reach::{Reach, Reached, reach};
pub use sample::{RandomWalk, Sample, Sampled, sample};
pub use two_ended_path::TwoEndedPath;
