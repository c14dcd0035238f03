//! The form in which values are kept remotely: of a version, of a type, and with what is left of their time.

use std::sync::Arc;
use std::time::Duration;

use wayfare_graph::{AnyValue, CacheType};

/// The version of the form. What has another one is no value.
const FORM: u8 = 1;

/// Bytes before the value: form, fingerprint, stale time, whether there is a value.
const HEAD: usize = 1 + 8 + 8 + 1;

/// A value that was read.
pub(super) struct Read {
    /// `None` when it is known to be missing.
    pub(super) value: Option<AnyValue>,
    /// How long before its end it ceases to be fresh.
    pub(super) stale_for: Duration,
    /// Of the value.
    pub(super) bytes: u64,
}

/// Encodes a value, or that there is none.
pub(super) fn encode(value_type: &CacheType, encoded: Option<&[u8]>, stale_for: Duration) -> Arc<[u8]> {
    let stale = u64::try_from(stale_for.as_millis()).unwrap_or(u64::MAX);
    let mut bytes = Vec::with_capacity(HEAD + encoded.map_or(0, <[u8]>::len));
    bytes.push(FORM);
    bytes.extend(value_type.fingerprint().to_le_bytes());
    bytes.extend(stale.to_le_bytes());
    bytes.push(u8::from(encoded.is_some()));
    bytes.extend(encoded.unwrap_or_default());
    bytes.into()
}

/// Reads a value; `None` when it is of another form or type.
pub(super) fn decode(value_type: &CacheType, bytes: &[u8]) -> Option<Read> {
    let (&form, rest) = bytes.split_first()?;
    let (fingerprint, rest) = rest.split_first_chunk::<8>()?;
    let (stale, rest) = rest.split_first_chunk::<8>()?;
    let (&has_value, encoded) = rest.split_first()?;
    if form != FORM || u64::from_le_bytes(*fingerprint) != value_type.fingerprint() {
        return None;
    }
    let value = match has_value {
        0 => None,
        _ => Some(value_type.decode(encoded)?),
    };
    let stale_for = Duration::from_millis(u64::from_le_bytes(*stale));
    Some(Read { value, stale_for, bytes: encoded.len() as u64 })
}

/// Whether there is a value of any type that is still fresh when so much of its time is left.
pub(super) fn is_fresh_value(bytes: &[u8], left: Duration) -> bool {
    let stale = bytes.get(9..17).and_then(|stale| stale.try_into().ok()).map(u64::from_le_bytes);
    let (Some(stale), Some(&has_value)) = (stale, bytes.get(17)) else { return false };
    bytes[0] == FORM && has_value != 0 && left > Duration::from_millis(stale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back_and_nothing_else_is() {
        let described = CacheType::of::<u32>();
        let stale = Duration::from_millis(1_500);
        let encoded = described.encode(&(Arc::new(7_u32) as AnyValue)).unwrap();
        let bytes = encode(&described, Some(&encoded), stale);
        let read = decode(&described, &bytes).unwrap();
        assert_eq!(read.value.unwrap().downcast_ref::<u32>(), Some(&7));
        assert_eq!((read.stale_for, read.bytes), (stale, 1));
        let missing = encode(&described, None, Duration::ZERO);
        assert!(decode(&described, &missing).unwrap().value.is_none());
        assert!(decode(&CacheType::of::<String>(), &bytes).is_none());
        assert!((0..bytes.len()).all(|cut| decode(&described, &bytes[..cut]).is_none()));
        let mut other_form = bytes.to_vec();
        other_form[0] = 2;
        assert!(decode(&described, &other_form).is_none());
    }
}
