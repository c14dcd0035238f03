//! Depth first: a stack whose top group is turned round when a visit has ended.

use super::entry::Entry;

/// What waits depth first; the last is on top.
#[derive(Debug, Default)]
pub(super) struct Stack {
    entries: Vec<Entry>,
    /// The numbers of the entries, once numbers are asked for. A stack's own indices will not do: they
    /// are given out again, and turning a group round exchanges them.
    numbers: Vec<u64>,
    next: Option<u64>,
    /// Where what the present visit queues begins.
    group: usize,
}

impl Stack {
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        if let Some(next) = &mut self.next {
            self.numbers.push(*next);
            *next += 1;
        }
    }

    /// Pushes entries, while they need no numbers.
    #[inline]
    pub(super) fn extend(&mut self, entries: impl Iterator<Item = Entry>) {
        debug_assert!(self.next.is_none(), "each number belongs to an entry");
        self.entries.extend(entries);
    }

    /// Begins to number entries in the order in which they come.
    pub(super) fn start_numbers(&mut self) {
        if self.next.is_none() {
            self.numbers = (0..self.entries.len() as u64).collect();
            self.next = Some(self.entries.len() as u64);
        }
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next.unwrap_or(0)
    }

    /// Ends a group: its first request must lie on top.
    #[inline]
    pub(super) fn end_group(&mut self) {
        let start = self.group.min(self.entries.len());
        self.entries[start..].reverse();
        if self.next.is_some() {
            self.numbers[start..].reverse();
        }
        self.group = self.entries.len();
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop();
        self.numbers.pop();
        self.group = self.group.min(self.entries.len());
        entry
    }

    #[inline]
    pub(super) fn peek(&self, at: usize) -> Option<Entry> {
        self.entries.len().checked_sub(at + 1).map(|index| self.entries[index])
    }

    /// The top with its number.
    #[inline]
    pub(super) fn top(&self) -> Option<(Entry, u64)> {
        let entry = self.entries.last().copied()?;
        Some((entry, self.numbers.last().copied().unwrap_or(0)))
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries and numbers in the order in which they would be popped if the group ended now.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Entry, u64)> + '_ {
        let group = self.group.min(self.entries.len());
        let order = (group..self.entries.len()).chain((0..group).rev());
        order.map(|index| (self.entries[index], self.numbers.get(index).copied().unwrap_or(0)))
    }

    /// Keeps what `wanted` says, by entry and number.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&Entry, u64) -> bool) {
        let (mut kept, mut closed) = (0, 0);
        for index in 0..self.entries.len() {
            if wanted(&self.entries[index], self.numbers.get(index).copied().unwrap_or(0)) {
                self.entries.swap(kept, index);
                if self.next.is_some() {
                    self.numbers.swap(kept, index);
                }
                kept += 1;
                closed += usize::from(index < self.group);
            }
        }
        self.entries.truncate(kept);
        self.numbers.truncate(kept);
        self.group = closed;
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
