//! Values from the remote layer under a fuzzer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wayfare_graph::CacheType;

use super::form::{decode, encode, is_fresh_value};

/// A value with a bit of everything that serde has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sample {
    text: String,
    numbers: Vec<i64>,
    maybe: Option<Box<Sample>>,
    by_name: BTreeMap<String, (bool, u8)>,
    kind: SampleKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum SampleKind {
    None,
    One(u32),
    Two { left: char, right: f32 },
}

/// A kept value: as it came, and behind the head that a value of the type has.
pub(crate) fn values(input: &[u8]) {
    let of_type = CacheType::of::<Sample>();
    check(&of_type, input);
    check(&of_type, &encode(&of_type, Some(input), Duration::from_millis(9)));
}

fn check(of_type: &CacheType, bytes: &[u8]) {
    let _ = is_fresh_value(bytes, Duration::from_secs(1));
    let Some(read) = decode(of_type, bytes) else { return };
    let encoded =
        read.value.as_ref().map(|value| of_type.encode(value).expect("what was read can be written"));
    let written = encode(of_type, encoded.as_deref(), read.stale_for);
    let again = decode(of_type, &written).expect("what was written can be read");
    assert_eq!(again.stale_for, read.stale_for);
    assert_eq!(again.value.is_some(), read.value.is_some());
    if let (Some(one), Some(two)) = (&again.value, &read.value) {
        let sample = |value: &wayfare_graph::AnyValue| value.downcast_ref::<Sample>().cloned();
        let (one, two) = (sample(one), sample(two));
        // NaN is the one value that is not itself.
        assert!(one == two || format!("{one:?}") == format!("{two:?}"));
    }
}
