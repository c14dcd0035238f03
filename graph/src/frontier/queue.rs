//! What waits, in one of the orders.

use super::bag::Bag;
use super::entry::Entry;
use super::heap::Heap;
use super::line::Line;
use super::order::Order;
use super::stack::Stack;

/// What waits, in one of the orders. All but the most common are boxed: a walk is kept small.
///
/// Entries are numbered in the order in which they came; a number tells an entry that was queued before
/// its node was taken out from one that was queued after it.
#[derive(Debug)]
pub(super) enum Queue {
    First(Line),
    Last(Box<Stack>),
    Least(Box<Heap>),
    Any(Box<Bag>),
}

/// An entry with all that its queue knows of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queued {
    pub(super) entry: Entry,
    pub(super) number: u64,
    pub(super) cost: f64,
    pub(super) priority: f64,
}

impl Queue {
    pub(super) fn new(order: Order) -> Self {
        match order {
            Order::BreadthFirst => Self::First(Line::default()),
            Order::DepthFirst => Self::Last(Box::default()),
            Order::LeastCost => Self::Least(Box::default()),
            Order::Random { seed } => Self::Any(Box::new(Bag::new(seed))),
        }
    }

    #[inline]
    pub(super) fn is_line(&self) -> bool {
        matches!(self, Self::First(_))
    }

    pub(super) fn push(&mut self, entry: Entry, priority: f64, cost: f64) {
        match self {
            Self::First(line) => line.extend(1, std::iter::once((entry, true))),
            Self::Last(stack) => stack.push(entry),
            Self::Least(heap) => heap.push(entry, priority, cost),
            Self::Any(bag) => bag.push(entry),
        }
    }

    /// Makes sure that entries have numbers, where they do not have them from the first.
    pub(super) fn start_numbers(&mut self) {
        if let Self::Last(stack) = self {
            stack.start_numbers();
        }
    }

    /// The number of the next entry that will be pushed.
    pub(super) fn next_number(&self) -> u64 {
        match self {
            Self::First(line) => line.numbers().1,
            Self::Last(stack) => stack.next_number(),
            Self::Least(heap) => heap.next_number(),
            Self::Any(bag) => bag.next_number(),
        }
    }

    /// What comes next, with its number.
    #[inline]
    pub(super) fn front(&mut self) -> Option<(Entry, u64)> {
        match self {
            Self::First(line) => line.peek(0).map(|entry| (entry, line.numbers().0)),
            Self::Last(stack) => stack.top(),
            Self::Least(heap) => heap.top(),
            Self::Any(bag) => bag.draw(),
        }
    }

    /// Takes what comes next, with its cost.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Entry, f64)> {
        match self {
            Self::First(line) => line.pop().map(|entry| (entry, 0.0)),
            Self::Last(stack) => stack.pop().map(|entry| (entry, 0.0)),
            Self::Least(heap) => heap.pop(),
            Self::Any(bag) => bag.pop().map(|entry| (entry, 0.0)),
        }
    }

    #[inline]
    pub(super) fn peek(&self, at: usize) -> Option<Entry> {
        match self {
            Self::First(line) => line.peek(at),
            Self::Last(stack) => stack.peek(at),
            Self::Least(heap) => heap.peek(at),
            Self::Any(bag) => bag.peek(at),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::First(line) => line.len(),
            Self::Last(stack) => stack.len(),
            Self::Least(heap) => heap.len(),
            Self::Any(bag) => bag.len(),
        }
    }

    /// Everything that lies here in the order in which it would be popped; a bag's in the order in
    /// which it lies.
    pub(super) fn waiting(&self) -> Vec<Queued> {
        let free = |(entry, number)| Queued { entry, number, cost: 0.0, priority: 0.0 };
        match self {
            Self::First(line) => line.waiting().iter().copied().zip(line.numbers().0..).map(free).collect(),
            Self::Last(stack) => stack.waiting().map(free).collect(),
            Self::Least(heap) => {
                let queued = |costed: super::heap::Costed| Queued {
                    entry: costed.entry,
                    number: costed.number,
                    cost: costed.cost,
                    priority: costed.priority,
                };
                heap.waiting().into_iter().map(queued).collect()
            }
            Self::Any(bag) => bag.waiting().map(free).collect(),
        }
    }

    /// Whether an entry waits of which `wanted` is true.
    pub(super) fn any(&self, mut wanted: impl FnMut(&Entry) -> bool) -> bool {
        match self {
            Self::First(line) => line.waiting().iter().any(wanted),
            _ => self.waiting().iter().any(|queued| wanted(&queued.entry)),
        }
    }

    /// Keeps what `wanted` says, by entry and number; a line numbers anew what it keeps.
    pub(super) fn retain(&mut self, wanted: impl FnMut(&Entry, u64) -> bool) {
        match self {
            Self::First(line) => line.retain(wanted),
            Self::Last(stack) => stack.retain(wanted),
            Self::Least(heap) => heap.retain(wanted),
            Self::Any(bag) => bag.retain(wanted),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::First(line) => line.clear(),
            Self::Last(stack) => stack.clear(),
            Self::Least(heap) => heap.clear(),
            Self::Any(bag) => bag.clear(),
        }
    }
}
