//! The visits of a walk as a tree: which visit led to which.

use serde::{Deserialize, Serialize};

use super::Frontier;
use super::entry::NOTHING;
use crate::record::Slot;

/// One visit in the tree of a walk. A visit's branch number is its index in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeNode {
    /// The slot of the node.
    pub slot: u32,
    /// The branch number of the visit that queued it, `u32::MAX` for a start.
    pub parent: u32,
    /// The slot of the edge that led to it, `u32::MAX` without one.
    pub via: u32,
}

impl Frontier {
    /// How many visits the tree holds, 0 when it is not kept.
    #[must_use]
    pub fn branches(&self) -> usize {
        self.tree().map_or(0, |tree| tree.nodes().len())
    }

    /// The nodes from the start to a visit, each with the edge that led to it; none when untracked.
    #[must_use]
    pub fn path(&self, branch: u32) -> Vec<(Slot, Option<Slot>)> {
        self.tree().map_or_else(Vec::new, |tree| tree.path(branch))
    }

    /// Whether a node lies on the path to a visit, the visit included; `false` when untracked.
    #[must_use]
    pub fn on_path(&self, branch: u32, slot: Slot) -> bool {
        self.tree().is_some_and(|tree| tree.on_path(branch, slot))
    }

    /// When the node of a visit occurs earlier on its own path, the nodes from the latest such
    /// occurrence to it, both included; `None` when untracked.
    #[must_use]
    pub fn cycle(&self, branch: u32) -> Option<Vec<Slot>> {
        self.tree()?.cycle(branch)
    }
}

/// All visits so far, in their order; a parent comes before its children.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<TreeNode>,
}

impl Tree {
    pub(super) fn restored(nodes: Vec<TreeNode>) -> Self {
        Self { nodes }
    }

    /// Adds a visit and gives its branch number.
    pub(super) fn add(&mut self, node: TreeNode) -> u32 {
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    pub(super) fn nodes(&self) -> &[TreeNode] {
        &self.nodes
    }

    pub(super) fn get(&self, branch: u32) -> Option<TreeNode> {
        self.nodes.get(branch as usize).copied()
    }

    /// A visit and those before it, back to the start.
    fn ancestors(&self, branch: u32) -> impl Iterator<Item = TreeNode> + '_ {
        std::iter::successors(self.get(branch), |node| self.get(node.parent))
    }

    pub(super) fn on_path(&self, branch: u32, slot: Slot) -> bool {
        self.ancestors(branch).any(|node| node.slot == slot.0)
    }

    pub(super) fn path(&self, branch: u32) -> Vec<(Slot, Option<Slot>)> {
        let via = |via| (via != NOTHING).then_some(Slot(via));
        let mut path: Vec<_> = self.ancestors(branch).map(|node| (Slot(node.slot), via(node.via))).collect();
        path.reverse();
        path
    }

    pub(super) fn cycle(&self, branch: u32) -> Option<Vec<Slot>> {
        let last = self.get(branch)?;
        let steps = self.ancestors(branch).skip(1).position(|node| node.slot == last.slot)?;
        // The visit itself, the steps between, and the earlier visit of the same node.
        let mut cycle: Vec<_> = self.ancestors(branch).take(steps + 2).map(|node| Slot(node.slot)).collect();
        cycle.reverse();
        Some(cycle)
    }
}
