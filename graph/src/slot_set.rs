//! A set of slots as a bitmap in pages, small while few slots are in it.

use crate::record::Slot;

/// Words of 64 slots in a page: a page covers 32,768 slots in 4 KiB.
const PAGE_WORDS: usize = 512;

type Page = Box<[u64; PAGE_WORDS]>;

/// Slots that are kept in a list before there are pages: most walks that wait have met few nodes.
const FEW: usize = 32;

/// A set of slots. Inserting and testing take a few nanoseconds; memory is 4 bytes for each of up to 32
/// slots, and beyond that 4 KiB for each range of 32,768 slots that has a member, so a walk of a million
/// nodes takes 128 KiB.
#[derive(Debug, Default)]
pub struct SlotSet {
    pages: Vec<Option<Page>>,
    /// The slots in ascending order, while there are few.
    few: Vec<u32>,
    len: u64,
}

impl SlotSet {
    /// Adds a slot; `true` if it was not in the set.
    #[inline]
    pub fn insert(&mut self, slot: Slot) -> bool {
        match self.insert_in_page(slot) {
            Some(new) => new,
            None => self.insert_new(slot),
        }
    }

    /// Adds a slot where there is a page for it; whether it is new.
    #[inline]
    fn insert_in_page(&mut self, slot: Slot) -> Option<bool> {
        let (page, word, bit) = place(slot);
        let page = self.pages.get_mut(page)?.as_mut()?;
        let new = page[word] & bit == 0;
        page[word] |= bit;
        self.len += u64::from(new);
        Some(new)
    }

    /// Adds a slot where there is no page for it.
    #[cold]
    fn insert_new(&mut self, slot: Slot) -> bool {
        if self.pages.is_empty() {
            let Err(at) = self.few.binary_search(&slot.0) else { return false };
            if self.few.len() < FEW {
                self.few.insert(at, slot.0);
                self.len += 1;
                return true;
            }
            self.len = 0;
            for few in std::mem::take(&mut self.few) {
                self.insert_paged(Slot(few));
            }
        }
        self.insert_paged(slot)
    }

    fn insert_paged(&mut self, slot: Slot) -> bool {
        if let Some(new) = self.insert_in_page(slot) {
            return new;
        }
        let (page, word, bit) = place(slot);
        self.grow(page, word, bit);
        true
    }

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
        if let Ok(at) = self.few.binary_search(&slot.0) {
            self.few.remove(at);
            self.len -= 1;
            return true;
        }
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
        match self.pages.get(page) {
            Some(Some(page)) => page[word] & bit != 0,
            _ => !self.few.is_empty() && self.few.binary_search(&slot.0).is_ok(),
        }
    }

    /// The slots in the set, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        let few = self.few.iter().map(|&slot| Slot(slot));
        let pages = self.pages.iter().enumerate();
        let words = pages.filter_map(|(at, page)| Some((at, page.as_ref()?))).flat_map(|(at, page)| {
            page.iter().enumerate().map(move |(word, &bits)| ((at * PAGE_WORDS + word) * 64, bits))
        });
        few.chain(words.flat_map(|(first, bits)| {
            // Each step clears the lowest bit that is set.
            let rest = std::iter::successors(Some(bits), |bits| Some(bits & bits.wrapping_sub(1)));
            rest.take_while(|&bits| bits != 0)
                .map(move |bits| Slot((first + bits.trailing_zeros() as usize) as u32))
        }))
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

    #[test]
    fn few_slots_take_no_page_and_the_next_one_takes_them_there() {
        let mut set = SlotSet::default();
        for at in (0..FEW as u32).rev() {
            assert!(set.insert(Slot(at * 100_000)));
            assert!(!set.insert(Slot(at * 100_000)));
        }
        assert!(
            set.pages.is_empty() && set.remove(Slot(0)) && !set.remove(Slot(0)) && !set.contains(Slot(0))
        );
        assert!(set.insert(Slot(0)) && set.insert(Slot(7)) && !set.insert(Slot(7)));
        assert!(set.few.is_empty() && set.len() == FEW as u64 + 1);
        assert!((0..FEW as u32).all(|at| set.contains(Slot(at * 100_000))));
        assert!(set.iter().is_sorted() && set.iter().count() == FEW + 1);
    }
}
