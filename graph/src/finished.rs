//! How a walk ended.

use serde_json::Value;

use crate::profile::Profile;
use crate::trail::TrailStep;
use crate::walk_error::WalkError;
use crate::walker::ErasedWalker;

/// A walk that has ended well.
pub struct Finished {
    /// The walker, with its state.
    pub walker: Box<dyn ErasedWalker>,
    /// What it reported.
    pub report: Vec<Value>,
    /// What it cost.
    pub profile: Profile,
    /// The visits it made, as far as they were kept.
    pub trail: Vec<TrailStep>,
}

/// How a walk ended.
pub type Outcome = Result<Box<Finished>, WalkError>;
