//! What a ticket holds: the guards as they were, and what was kept.

use wayfare_graph::Ticket;

/// A ticket that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// The connection over which it was looked up. A server that was away may have lost guards.
    pub(super) generation: u64,
    /// When, in seconds of the server's clock.
    pub(super) at: u64,
    pub(super) key: String,
    /// The stamp of the entry that was there.
    pub(super) stamp: Option<Vec<u8>>,
    pub(super) key_guard: Option<Vec<u8>>,
    pub(super) all_guard: Option<Vec<u8>>,
    pub(super) tag_guards: Vec<(String, Option<Vec<u8>>)>,
}

impl Seen {
    pub(super) fn into_ticket(self) -> Ticket {
        let mut parts = vec![
            Some(self.generation.to_be_bytes().to_vec()),
            Some(self.at.to_be_bytes().to_vec()),
            Some(self.key.into_bytes()),
            self.stamp,
            self.key_guard,
            self.all_guard,
        ];
        for (tag, guard) in self.tag_guards {
            parts.extend([Some(tag.into_bytes()), guard]);
        }
        Ticket(parts)
    }

    /// `None` for a ticket of another cache.
    pub(super) fn of(ticket: &Ticket) -> Option<Self> {
        let [Some(generation), Some(at), Some(key), stamp, key_guard, all_guard, tags @ ..] = &*ticket.0
        else {
            return None;
        };
        let (tags, []) = tags.as_chunks::<2>() else { return None };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let tag_guards = tags.iter().map(|[tag, guard]| Some((text(tag.as_deref()?)?, guard.clone())));
        Some(Self {
            generation: u64::from_be_bytes(generation.as_slice().try_into().ok()?),
            at: u64::from_be_bytes(at.as_slice().try_into().ok()?),
            key: text(key)?,
            stamp: stamp.clone(),
            key_guard: key_guard.clone(),
            all_guard: all_guard.clone(),
            tag_guards: tag_guards.collect::<Option<_>>()?,
        })
    }

    /// The guard of a tag as it was; `None` for a tag that was not looked up.
    pub(super) fn tag_guard(&self, tag: &str) -> Option<Option<&[u8]>> {
        self.tag_guards.iter().find(|(own, _)| own == tag).map(|(_, guard)| guard.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_read_as_they_were_written() {
        let seen = Seen {
            generation: 7,
            at: 1_800_000_000,
            key: "a key".into(),
            stamp: None,
            key_guard: Some(vec![1, 2]),
            all_guard: None,
            tag_guards: vec![("one".into(), None), ("two".into(), Some(vec![]))],
        };
        assert_eq!(Seen::of(&seen.clone().into_ticket()), Some(seen.clone()));
        assert_eq!(seen.tag_guard("two"), Some(Some(&[][..])));
        assert_eq!(seen.tag_guard("one"), Some(None));
        assert_eq!(seen.tag_guard("three"), None);
    }

    #[test]
    fn a_ticket_of_another_cache_is_none() {
        for parts in [vec![], vec![None; 6], vec![Some(vec![1]); 7], vec![Some(vec![1]); 8]] {
            assert_eq!(Seen::of(&Ticket(parts)), None);
        }
    }
}
