//! Keys, the last part of an id, and the source that generates them in order of time.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::{Clock, SystemClock};
use crate::entity_name::EntityName;
use crate::id::{Id, IdError, Kind};
use crate::random::Random;

/// Longest key, in bytes of UTF-8.
pub const MAX_KEY_BYTES: usize = 128;

/// The last part of an id: 1 to 128 bytes of UTF-8 without NUL and control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<str>);

impl Key {
    /// Checks `key`.
    ///
    /// # Errors
    /// [`IdError::Key`] when it is empty, longer than 128 bytes or holds a control character.
    pub fn new(key: &str) -> Result<Self, IdError> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
            return Err(IdError::Key { key: key.chars().take(200).flat_map(char::escape_debug).collect() });
        }
        Ok(Self(key.into()))
    }

    /// The text of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The 96 bits of 24 lower-case hex digits, `None` for any other text.
pub(crate) fn hex_to_bits(key: &str) -> Option<[u8; 12]> {
    let digits: &[u8; 24] = key.as_bytes().try_into().ok()?;
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut bits = [0; 12];
    for (byte, pair) in bits.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bits)
}

/// Generates keys of 96 bits that grow with time: 48 bits of milliseconds, 24 of a counter, 24 random.
///
/// Keys of one source are strictly increasing, also when the clock stands still or is set back.
/// Sources of different processes stay apart by the random bits.
pub struct KeySource {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// Milliseconds in the high 48 bits of 72, the counter in the low 24.
    last: u128,
    random: Random,
}

impl KeySource {
    /// A source that reads `clock` and draws its random bits from `seed`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { clock, state: Mutex::new(State { last: 0, random: Random::new(seed) }) }
    }

    /// A source on the system's clock with a seed of its own.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), crate::random::entropy())
    }

    /// The next id of a kind and entity.
    pub fn next_id(&self, kind: Kind, entity: EntityName) -> Id {
        Id::generated(kind, entity, self.next_bits())
    }

    /// The next 96 bits.
    pub fn next_bits(&self) -> [u8; 12] {
        let now = u128::from(self.clock.now_ms() & 0xffff_ffff_ffff) << 24;
        let mut state = self.state.lock();
        // A counter that runs over moves into the next millisecond, which keeps the order.
        state.last = now.max(state.last + 1);
        let bits = state.last << 24 | u128::from(state.random.next_u64() & 0xff_ffff);
        let mut key = [0; 12];
        key.copy_from_slice(&bits.to_be_bytes()[4..]);
        key
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn keys_increase_while_the_clock_stands_still_and_when_it_is_set_back() {
        let clock = Arc::new(ManualClock::new(1_000));
        let source = KeySource::new(clock.clone(), 7);
        let mut last = source.next_bits();
        for step in 0..100_000 {
            if step == 50_000 {
                clock.set_ms(10);
            }
            let next = source.next_bits();
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn the_same_seed_and_clock_give_the_same_keys() {
        let make = || KeySource::new(Arc::new(ManualClock::new(5)), 42);
        let (a, b) = (make(), make());
        assert!((0..100).all(|_| a.next_bits() == b.next_bits()));
    }
}
