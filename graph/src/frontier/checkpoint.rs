//! Checkpoints: what a durable walk has to write so that its frontier can be built again.

use serde::{Deserialize, Serialize};

use super::edits::{Edits, Placed};
use super::entry::Entry;
use super::log::Log;
use super::order::{Order, Place, Unique};
use super::queue::{Queue, Queued};
use super::tree::{Tree, TreeNode};
use super::{Extra, Frontier};
use crate::record::Slot;
use crate::slot_set::SlotSet;

/// Where an entry waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// In its turn.
    #[default]
    Queue,
    /// Before everything in the queue.
    Lane,
    /// Before a node, which is named by its slot.
    Before(u32),
    /// After a node, which is named by its slot.
    After(u32),
}

/// An entry that waits, as it is written.
///
/// `slot` is the slot of a node and `via` that of an edge, or `u32::MAX` without one. `from` is the slot
/// of a node when the walk is not tracked; when it is, `from` is a branch number, an index into the
/// tree, or `u32::MAX` for a start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// The node.
    pub slot: u32,
    /// The node whose hook queued it, or the branch of that visit when tracked. Of the second visit of
    /// a node (the top bit of `depth` is set), its own branch when tracked.
    pub from: u32,
    /// The edge that led here.
    pub via: u32,
    /// Steps from the start, in the lower 31 bits; the top bit marks the second visit of a node.
    pub depth: u32,
    /// The cost that its visit is told.
    pub cost: f64,
    /// Its place in the order of least cost.
    pub priority: f64,
    /// Where it waits.
    #[serde(default)]
    pub held: Held,
}

/// What has happened to a frontier since its last checkpoint; [`FrontierState::apply`] says how it is
/// read. Which numbers are slots is said at [`Waiting`], and of the tree at [`TreeNode`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FrontierDelta {
    /// Whether `pushed` is everything that waits, and what waited before is to be forgotten. So it is in
    /// all orders but breadth first, and there when hooks did more than append since the last checkpoint
    /// or something lay outside the queue then.
    pub reset: bool,
    /// How many entries are to be dropped from the front, after `pushed` was appended. Entries that came
    /// and went since the last checkpoint are neither here nor in `pushed`.
    pub popped: u64,
    /// Entries to be appended, those in the queue in the order in which they would come, those held
    /// elsewhere before them.
    pub pushed: Vec<Waiting>,
    /// Whether `seen` is the whole set, because marks were taken away since; otherwise it is what was
    /// marked since. This is independent of `reset`: orders that always reset add to the set all the same.
    pub seen_reset: bool,
    /// Slots that do not come again: of nodes, or of edges where these are unique.
    pub seen: Vec<u32>,
    /// Slots of nodes visited since, where these are remembered apart.
    pub visited: Vec<u32>,
    /// Visits to be appended to the tree, when tracked.
    pub tree: Vec<TreeNode>,
    /// Where the draws stand, in a random order; no slots.
    pub random: Option<[u64; 2]>,
}

/// All that has to be known to build a frontier again: the sum of its checkpoints.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FrontierState {
    /// Everything that waits.
    pub waiting: Vec<Waiting>,
    /// Nodes, or edges, that do not come again.
    pub seen: Vec<u32>,
    /// Visited nodes, where these are remembered apart.
    pub visited: Vec<u32>,
    /// The tree of visits, when tracked.
    pub tree: Vec<TreeNode>,
    /// Where the draws stand, in a random order.
    pub random: Option<[u64; 2]>,
}

impl FrontierState {
    /// Adds the next checkpoint.
    pub fn apply(&mut self, delta: FrontierDelta) {
        if delta.reset {
            self.waiting.clear();
        }
        self.waiting.extend(delta.pushed);
        let popped = (delta.popped as usize).min(self.waiting.len());
        self.waiting.drain(..popped);
        if delta.seen_reset {
            self.seen.clear();
        }
        self.seen.extend(delta.seen);
        self.visited.extend(delta.visited);
        self.tree.extend(delta.tree);
        self.random = delta.random;
    }

    /// Whether every visit of the tree comes after the one that led to it, and when `tracked` every entry that waits was
    /// queued by a visit of the tree. Otherwise what was stored is damaged, and a path back to the start might have no
    /// end.
    #[must_use]
    pub fn is_sound(&self, tracked: bool) -> bool {
        let is_before = |branch: u32, end: usize| branch == u32::MAX || (branch as usize) < end;
        let mut visits = self.tree.iter().enumerate();
        visits.all(|(at, node)| is_before(node.parent, at))
            && (!tracked || self.waiting.iter().all(|waiting| is_before(waiting.from, self.tree.len())))
    }
}

/// What a frontier was told to do beside its order and uniqueness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FrontierFlags {
    /// [`Frontier::track`].
    pub track: bool,
    /// [`Frontier::leave`].
    pub leave: bool,
    /// [`Frontier::remember`].
    pub remember: bool,
    /// Whether checkpoints go on from the state that is restored; as [`Frontier::log`] otherwise.
    pub log: bool,
}

impl Frontier {
    /// Begins to note what checkpoints need. The first checkpoint holds everything up to it.
    pub fn log(&mut self) {
        if self.extra().log.is_some() {
            return;
        }
        let mut log = Log {
            reset: self.queue.len() > 0 || self.edits().is_some_and(|edits| !edits.is_bare()),
            seen_reset: !self.seen.is_empty(),
            visited_reset: true,
            ..Log::default()
        };
        self.note_ends(&mut log);
        self.extra().log = Some(log);
    }

    /// Forgets what was noted: the next checkpoint holds everything up to it, and those before are not needed
    /// any more.
    pub fn log_anew(&mut self) {
        self.extra().log = None;
        self.log();
    }

    /// What has happened since the last checkpoint, or since the beginning; turns the [log](Self::log)
    /// on. To be called between visits; ends the group.
    ///
    /// Takes time for what has changed while breadth first and only appended to, for everything that
    /// waits otherwise. It sweeps out entries that were taken out, so that after a `dequeue` a random
    /// walk draws on differently than it would have without the checkpoint; it draws the same as the
    /// walk restored from it.
    pub fn checkpoint(&mut self) -> FrontierDelta {
        self.log();
        self.end_group();
        self.sweep();
        let Some(mut log) = self.extra().log.take() else { return FrontierDelta::default() };
        let mut delta = self.queue_delta(&log);
        delta.seen_reset = log.seen_reset;
        let whole = |set: &SlotSet| set.iter().map(|slot| slot.0).collect();
        delta.seen = if log.seen_reset { whole(&self.seen) } else { std::mem::take(&mut log.seen) };
        if let Some(visited) = self.extra().visited.as_ref().filter(|_| log.visited_reset) {
            delta.visited = whole(visited);
        } else {
            delta.visited = std::mem::take(&mut log.visited);
        }
        delta.tree = self.tree().map_or_else(Vec::new, |tree| tree.nodes()[log.branches..].to_vec());
        log = Log {
            branches: log.branches + delta.tree.len(),
            reset: self.edits().is_some_and(|edits| !edits.is_bare()),
            ..Log::default()
        };
        self.note_ends(&mut log);
        self.extra().log = Some(log);
        delta
    }

    fn note_ends(&self, log: &mut Log) {
        if let Queue::First(line) = &self.queue {
            (log.head, log.tail) = line.numbers();
        }
    }

    /// The part of a delta that is about what waits; nothing dead is left.
    fn queue_delta(&self, log: &Log) -> FrontierDelta {
        if let Queue::First(line) = &self.queue
            && !log.reset
        {
            let (head, _) = line.numbers();
            // What is left of the entries that waited at the last checkpoint.
            let left = log.tail.saturating_sub(head);
            let pushed = line.waiting()[left as usize..].iter().map(|&entry| waiting(entry, Held::Queue));
            let popped = log.tail - log.head - left;
            return FrontierDelta { popped, pushed: pushed.collect(), ..FrontierDelta::default() };
        }
        let mut pushed = self.edits().map_or_else(Vec::new, placed_waiting);
        pushed.extend(self.queue.waiting().into_iter().map(|queued| {
            let Queued { entry, cost, priority, .. } = queued;
            Waiting { cost, priority, ..waiting(entry, Held::Queue) }
        }));
        let random = match &self.queue {
            Queue::Any(bag) => Some(bag.state()),
            _ => None,
        };
        FrontierDelta { reset: true, pushed, random, ..FrontierDelta::default() }
    }

    /// Builds a frontier that goes on as the one whose checkpoints make up `state`; its longest queue
    /// counts from now.
    #[must_use]
    pub fn restore(order: Order, unique: Unique, flags: FrontierFlags, state: FrontierState) -> Self {
        let mut frontier = Self::new(order, unique);
        frontier = if flags.track { frontier.track() } else { frontier };
        frontier = if flags.leave { frontier.leave() } else { frontier };
        frontier = if flags.remember { frontier.remember() } else { frontier };
        state.seen.iter().for_each(|&slot| _ = frontier.seen.insert(Slot(slot)));
        if let Some(extra) = &mut frontier.extra {
            extra.fill(state.tree, &state.visited);
        }
        frontier.fill(&state.waiting, state.random);
        if flags.log {
            let branches = frontier.branches();
            let reset = frontier.edits().is_some_and(|edits| !edits.is_bare());
            let mut log = Log { branches, reset, ..Log::default() };
            frontier.note_ends(&mut log);
            frontier.extra().log = Some(log);
        }
        frontier
    }

    /// Queues what waited, without asking for uniqueness.
    fn fill(&mut self, waiting: &[Waiting], random: Option<[u64; 2]>) {
        let (queued, placed): (Vec<&Waiting>, Vec<&Waiting>) =
            waiting.iter().partition(|waiting| waiting.held == Held::Queue);
        for waiting in queued {
            self.queue.push(waiting.entry(), waiting.priority, waiting.cost);
        }
        // They were pushed in the order in which they come; a stack has to be turned round.
        self.end_group();
        if let (Queue::Any(bag), Some(state)) = (&mut self.queue, random) {
            bag.resume(state);
        }
        for waiting in placed {
            let (place, at) = match waiting.held {
                Held::Before(slot) => (Place::Before(Slot(slot)), Some(Slot(slot))),
                Held::After(slot) => (Place::After(Slot(slot)), Some(Slot(slot))),
                // One after the other, as within one visit.
                Held::Lane | Held::Queue => (Place::Next, None),
            };
            let edits = self.index();
            let placed = edits.admit(waiting.entry(), waiting.cost, at);
            edits.insert(place, vec![placed]);
        }
        self.end_group();
        self.note_length();
    }
}

impl Extra {
    fn fill(&mut self, nodes: Vec<TreeNode>, visited: &[u32]) {
        if let Some(tree) = &mut self.tree {
            *tree = Tree::restored(nodes);
        }
        if let Some(set) = &mut self.visited {
            visited.iter().for_each(|&slot| _ = set.insert(Slot(slot)));
        }
    }
}

impl Waiting {
    fn entry(&self) -> Entry {
        Entry { slot: Slot(self.slot), from: self.from, via: self.via, depth: self.depth }
    }
}

fn waiting(entry: Entry, held: Held) -> Waiting {
    let Entry { slot: Slot(slot), from, via, depth } = entry;
    Waiting { slot, from, via, depth, cost: 0.0, priority: 0.0, held }
}

/// What lies outside the queue: the lane from its front, then what is attached, by node.
fn placed_waiting(edits: &Edits) -> Vec<Waiting> {
    let at = |placed: &Placed, held| Waiting { cost: placed.cost, ..waiting(placed.entry, held) };
    let mut all: Vec<_> = edits.lane.iter().map(|placed| at(placed, Held::Lane)).collect();
    let mut attached: Vec<_> = edits.attached.iter().collect();
    attached.sort_unstable_by_key(|(slot, _)| **slot);
    for (&slot, lists) in attached {
        all.extend(lists.before.iter().map(|placed| at(placed, Held::Before(slot))));
        all.extend(lists.after.iter().map(|placed| at(placed, Held::After(slot))));
    }
    all
}
