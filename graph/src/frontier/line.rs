//! First in, first out.

use super::entry::Entry;

/// First in, first out: a vector with a head, because it can be appended to without a branch on each
/// entry. About half of a node's neighbours have been met before, which no branch predictor foresees.
#[derive(Debug, Default)]
pub(super) struct Line {
    entries: Vec<Entry>,
    head: usize,
    /// The number of `entries[0]`: entries are numbered from 0 in the order in which they came.
    base: u64,
}

impl Line {
    /// Appends those of `count` entries that are wanted.
    #[inline]
    pub(super) fn extend(&mut self, count: usize, entries: impl Iterator<Item = (Entry, bool)>) {
        if self.head == self.entries.len() {
            self.base += self.head as u64;
            self.entries.clear();
            self.head = 0;
        } else if self.head > 1_024 && self.head * 2 > self.entries.len() {
            self.drop_popped();
        }
        let mut end = self.entries.len();
        self.entries.resize(end + count, Entry::BLANK);
        for (entry, wanted) in entries {
            // Written in any case, kept if wanted.
            if let Some(place) = self.entries.get_mut(end) {
                *place = entry;
            }
            end += usize::from(wanted);
        }
        self.entries.truncate(end);
    }

    fn drop_popped(&mut self) {
        self.base += self.head as u64;
        self.entries.drain(..self.head);
        self.head = 0;
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.get(self.head).copied()?;
        self.head += 1;
        Some(entry)
    }

    #[inline]
    pub(super) fn peek(&self, at: usize) -> Option<Entry> {
        self.entries.get(self.head + at).copied()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.head
    }

    /// The numbers of the first that waits and of the next that will come.
    #[inline]
    pub(super) fn numbers(&self) -> (u64, u64) {
        (self.base + self.head as u64, self.base + self.entries.len() as u64)
    }

    /// What waits, from the front.
    pub(super) fn waiting(&self) -> &[Entry] {
        &self.entries[self.head..]
    }

    /// Keeps what `wanted` says, by entry and number, and numbers it anew.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&Entry, u64) -> bool) {
        self.drop_popped();
        let mut number = self.base;
        self.entries.retain(|entry| {
            number += 1;
            wanted(entry, number - 1)
        });
    }

    pub(super) fn clear(&mut self) {
        *self = Self { base: self.numbers().1, ..Self::default() };
    }
}
