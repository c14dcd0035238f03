//! A set of slots as a bitmap in pages, small while few slots are in it.

use crate::record::Slot;

/// Words of 64 slots in a page: a page covers 32,768 slots in 4 KiB.
const PAGE_WORDS: usize = 512;

type Page = Box<[u64; PAGE_WORDS]>;

/// A set of slots. Inserting and testing take a few nanoseconds; memory is 4 KiB for each range of
/// 32,768 slots that has a member, so a walk of a million nodes takes 128 KiB.
#[derive(Debug, Default)]
pub struct SlotSet {
    pages: Vec<Option<Page>>,
    len: u64,
}

impl SlotSet {
    /// Adds a slot; `true` if it was not in the set.
    #[inline]
    pub fn insert(&mut self, slot: Slot) -> bool {
        let (page, word, bit) = place(slot);
        if let Some(Some(page)) = self.pages.get_mut(page) {
            let new = page[word] & bit == 0;
            page[word] |= bit;
            self.len += u64::from(new);
            return new;
        }
        self.grow(page, word, bit);
        true
    }

    #[cold]
    fn grow(&mut self, page: usize, word: usize, bit: u64) {
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let mut fresh = Box::new([0; PAGE_WORDS]);
        fresh[word] = bit;
        self.pages[page] = Some(fresh);
        self.len += 1;
    }

    /// Takes a slot out; `true` if it was in the set.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let (page, word, bit) = place(slot);
        let Some(Some(page)) = self.pages.get_mut(page) else { return false };
        let was = page[word] & bit != 0;
        page[word] &= !bit;
        self.len -= u64::from(was);
        was
    }

    /// Whether a slot is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, slot: Slot) -> bool {
        let (page, word, bit) = place(slot);
        matches!(self.pages.get(page), Some(Some(page)) if page[word] & bit != 0)
    }

    /// The slots in the set, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        let pages = self.pages.iter().enumerate();
        let words = pages.filter_map(|(at, page)| Some((at, page.as_ref()?))).flat_map(|(at, page)| {
            page.iter().enumerate().map(move |(word, &bits)| ((at * PAGE_WORDS + word) * 64, bits))
        });
        words.flat_map(|(first, bits)| {
            // Each step clears the lowest bit that is set.
            let rest = std::iter::successors(Some(bits), |bits| Some(bits & bits.wrapping_sub(1)));
            rest.take_while(|&bits| bits != 0)
                .map(move |bits| Slot((first + bits.trailing_zeros() as usize) as u32))
        })
    }

    /// How many slots are in the set.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no slot is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[inline]
fn place(slot: Slot) -> (usize, usize, u64) {
    let slot = slot.0 as usize;
    (slot / (PAGE_WORDS * 64), slot / 64 % PAGE_WORDS, 1 << (slot % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use std::collections::BTreeSet;

    #[test]
    fn it_agrees_with_a_plain_set_over_random_slots() {
        let mut random = Random::new(11);
        let (mut set, mut model) = (SlotSet::default(), BTreeSet::new());
        for _ in 0..50_000 {
            let bound = 1 << (random.below(23) + 1);
            let slot = random.below(bound) as u32;
            assert_eq!(set.contains(Slot(slot)), model.contains(&slot));
            assert_eq!(set.insert(Slot(slot)), model.insert(slot));
        }
        assert_eq!(set.len(), model.len() as u64);
        assert!(set.iter().map(|slot| slot.0).eq(model.iter().copied()));
        assert!(set.contains(Slot(u32::MAX)) == model.contains(&u32::MAX));
    }
}
