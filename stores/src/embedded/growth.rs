//! The memory map grows when it is full.

use std::io;

use super::engine::{Engine, MapState};
use super::fault::Fault;

/// The smallest map, which holds an empty store.
pub(super) const MIN_MAP_BYTES: u64 = 1 << 20;

/// Maps end on a boundary that every system's page size divides.
const GRANULE: u64 = 1 << 16;

/// A map size that LMDB takes, at least `bytes`.
pub(super) fn map_size(bytes: u64) -> io::Result<usize> {
    let rounded = bytes.max(MIN_MAP_BYTES).checked_next_multiple_of(GRANULE);
    rounded
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("cannot map {bytes} bytes")))
}

impl Engine {
    /// Doubles the map. The caller is the writer and has no transaction open.
    pub(super) fn grow(&self) -> Result<(), Fault> {
        let mut map = self.gate.write();
        let old = self.env.info().map_size;
        let new = map_size((old as u64).saturating_mul(2)).map_err(heed::Error::from)?;
        // SAFETY: a resize must not meet a transaction of this process. Read transactions hold the
        // gate shared, and it is held alone here; the only writer is the caller, who has none open.
        // Nobody else has opened the environment, it is locked by `FolderLock`.
        if let Err(error) = unsafe { self.env.resize(new) } {
            // LMDB gave the old map up before it asked for the new one.
            // SAFETY: as above.
            if unsafe { self.env.resize(old) }.is_err() {
                *map = MapState::Lost;
            }
            return Err(error.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_and_impossible_ones_refused() {
        assert_eq!(map_size(0).unwrap(), 1 << 20);
        assert_eq!(map_size((1 << 20) + 1).unwrap(), (1 << 20) + (1 << 16));
        assert!(map_size(u64::MAX).is_err());
    }
}
