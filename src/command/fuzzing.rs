//! What stands on a command line, in files of an import and in answers of an endpoint, under a fuzzer.

use wayfare::Kind;

use super::duration::parse_duration;
use super::paths::{parse_projection, parse_sort};

pub(crate) use super::import::fuzzing::imports;
pub(crate) use super::top::fuzzing::answers;

/// A sort, a projection and a duration in one text.
pub(crate) fn arguments(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for kind in [Kind::Node, Kind::Edge] {
        if let Ok(keys) = parse_sort(text, kind) {
            assert_eq!(keys.len(), text.split(',').count());
            let order = |descending| if descending { "-1" } else { "1" };
            let written: Vec<String> =
                keys.iter().map(|key| format!("{}:{}", key.path, order(key.descending))).collect();
            assert_eq!(parse_sort(&written.join(","), kind), Ok(keys));
        }
        if let Ok(paths) = parse_projection(text, kind) {
            assert_eq!(paths.len(), text.split(',').count());
            assert_eq!(parse_projection(&paths.join(","), kind), Ok(paths));
        }
    }
    if let Ok(duration) = parse_duration(text) {
        assert!(duration.as_micros() >= 1_000, "`{text}` is {duration:?}");
    }
}
