//! Any of what waits, drawn with a seed.

use crate::random::Random;

use super::entry::Entry;

/// What waits in a random order.
#[derive(Debug)]
pub(super) struct Bag {
    /// Entries with their numbers.
    items: Vec<(Entry, u64)>,
    /// What comes next. It lies apart once it is drawn, so that nothing pushed later changes it.
    drawn: Option<(Entry, u64)>,
    random: Random,
    next: u64,
}

impl Bag {
    pub(super) fn new(seed: u64) -> Self {
        Self { items: Vec::new(), drawn: None, random: Random::new(seed), next: 0 }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.items.push((entry, self.next));
        self.next += 1;
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// What comes next, drawn now if it has not been.
    pub(super) fn draw(&mut self) -> Option<(Entry, u64)> {
        if self.drawn.is_none() && !self.items.is_empty() {
            let at = self.random.below(self.items.len() as u64) as usize;
            self.drawn = Some(self.items.swap_remove(at));
        }
        self.drawn
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.draw()?;
        self.drawn.take().map(|(entry, _)| entry)
    }

    /// Exact only for what has been drawn.
    pub(super) fn peek(&self, at: usize) -> Option<Entry> {
        self.waiting().nth(at).map(|(entry, _)| entry)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len() + usize::from(self.drawn.is_some())
    }

    /// Everything: first what is drawn, then the rest as it lies.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Entry, u64)> + '_ {
        self.drawn.iter().chain(&self.items).copied()
    }

    /// Keeps what `wanted` says, by entry and number.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&Entry, u64) -> bool) {
        self.drawn = self.drawn.filter(|(entry, number)| wanted(entry, *number));
        self.items.retain(|(entry, number)| wanted(entry, *number));
    }

    pub(super) fn clear(&mut self) {
        self.items = Vec::new();
        self.drawn = None;
    }

    /// What the draws go on from: the state of the generator, and 1 if the first entry is drawn already.
    pub(super) fn state(&self) -> [u64; 2] {
        [self.random.state(), u64::from(self.drawn.is_some())]
    }

    /// Goes on from a state, when everything that waited then has been pushed in its order.
    pub(super) fn resume(&mut self, [state, drawn]: [u64; 2]) {
        self.random = Random::new(state);
        if drawn != 0 && !self.items.is_empty() {
            self.drawn = Some(self.items.remove(0));
        }
    }
}
