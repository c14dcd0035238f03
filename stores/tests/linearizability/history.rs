//! The rules of a versioned document, and histories held against them.
//!
//! Every state of a document has a version of its own, and versions only grow by one. So the versions that calls tell
//! leave one order in which they can have happened, and a history is linearizable (Herlihy and Wing, 1990) just when
//! that order is compatible with time: what ended before another began does not come after it.

use std::collections::{BTreeMap, HashMap};

use crate::event::Outcome;

/// One call, from its begin to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call {
    pub key: usize,
    pub begin: u64,
    /// `u64::MAX` for a call of which no end was told.
    pub end: u64,
    /// What a save wanted: the version it was over, and its value.
    pub saving: Option<(u64, u64)>,
    pub outcome: Outcome,
}

/// What was in a checked history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    pub reads: usize,
    pub acknowledged: usize,
    pub conflicts: usize,
    pub unknown: usize,
}

/// Checks the calls of all clients; `last` are the version and value of each document in the end.
pub fn check(calls: &[Call], last: &[(u64, u64)]) -> Result<Checked, String> {
    let mut checked = Checked::default();
    for call in calls {
        match call.outcome {
            Outcome::Read { .. } => checked.reads += 1,
            Outcome::Saved { .. } => checked.acknowledged += 1,
            Outcome::Conflict { .. } => checked.conflicts += 1,
            Outcome::Unknown => checked.unknown += usize::from(call.saving.is_some()),
        }
    }
    for (key, &(version, value)) in last.iter().enumerate() {
        let calls: Vec<&Call> = calls.iter().filter(|call| call.key == key).collect();
        let written = written(&calls)?;
        check_values(&calls, &written, version, value)?;
        check_time(&calls, &written)?;
    }
    Ok(checked)
}

/// The call that made each version, where one is known: acknowledged, or seen by its value.
fn written<'a>(calls: &[&'a Call]) -> Result<BTreeMap<u64, &'a Call>, String> {
    let mut written: BTreeMap<u64, &Call> = BTreeMap::new();
    for call in calls {
        let Outcome::Saved { version } = call.outcome else { continue };
        if call.saving.is_none_or(|(expected, _)| expected + 1 != version) {
            return Err(format!("a save was acknowledged as a version that does not follow: {call:?}"));
        }
        if let Some(other) = written.insert(version, call) {
            return Err(format!("version {version} was handed out twice: {call:?} and {other:?}"));
        }
    }
    let unknown: HashMap<u64, &Call> = calls
        .iter()
        .filter(|call| call.outcome == Outcome::Unknown)
        .filter_map(|call| Some((call.saving?.1, *call)))
        .collect();
    for call in calls {
        let Outcome::Read { version, value } = call.outcome else { continue };
        if let Some(&writer) = unknown.get(&value) {
            written.entry(version).or_insert(writer);
        }
    }
    Ok(written)
}

/// Every version that was read had the value that its writer gave it, and none is missing.
fn check_values(
    calls: &[&Call],
    written: &BTreeMap<u64, &Call>,
    last_version: u64,
    last_value: u64,
) -> Result<(), String> {
    let value_at = |version: u64| written.get(&version).and_then(|call| call.saving).map(|(_, value)| value);
    let ends = Call {
        key: 0,
        begin: u64::MAX,
        end: u64::MAX,
        saving: None,
        outcome: Outcome::Read { version: last_version, value: last_value },
    };
    for call in calls.iter().copied().chain([&ends]) {
        let Outcome::Read { version, value } = call.outcome else { continue };
        let by_unknown = || {
            calls
                .iter()
                .any(|call| call.outcome == Outcome::Unknown && call.saving == Some((version - 1, value)))
        };
        let known = version == 1 || value_at(version) == Some(value) || by_unknown();
        if !known {
            return Err(format!(
                "version {version} was read with the value {value} that nobody wrote: {call:?}"
            ));
        }
    }
    for version in 2..=last_version {
        let maybe = || {
            calls.iter().any(|call| {
                call.outcome == Outcome::Unknown && call.saving.is_some_and(|(over, _)| over + 1 == version)
            })
        };
        if !written.contains_key(&version) && !maybe() {
            return Err(format!("nobody made version {version}"));
        }
    }
    match written.keys().next_back() {
        Some(&newest) if newest > last_version => {
            Err(format!("version {newest} was acknowledged, the document is at {last_version}"))
        }
        _ => Ok(()),
    }
}

/// What ended before a call began, that call does not come before.
fn check_time(calls: &[&Call], written: &BTreeMap<u64, &Call>) -> Result<(), String> {
    let placed = |call: &Call| match call.outcome {
        Outcome::Read { version, .. } => Some((version, false)),
        Outcome::Saved { version } => Some((version, true)),
        Outcome::Conflict { found } => Some((found, false)),
        Outcome::Unknown => None,
    };
    let mut begun: Vec<(&Call, u64, bool)> = calls
        .iter()
        .filter_map(|call| placed(call).map(|(version, saves)| (*call, version, saves)))
        .collect();
    // A save whose end is not known must at least not have been seen before it began.
    for (&version, call) in written.iter().filter(|(_, call)| call.outcome == Outcome::Unknown) {
        begun.push((call, version, true));
    }
    let mut ended = begun.clone();
    begun.sort_by_key(|(call, _, _)| call.begin);
    ended.sort_by_key(|(call, _, _)| call.end);
    let mut ended = ended.into_iter().peekable();
    let mut newest: Option<(&Call, u64)> = None;
    for (call, version, saves) in begun {
        while let Some((before, seen, _)) = ended.next_if(|(before, _, _)| before.end < call.begin) {
            if newest.is_none_or(|(_, version)| seen > version) {
                newest = Some((before, seen));
            }
        }
        if let Some((before, seen)) = newest
            && (version < seen || saves && version == seen)
        {
            return Err(format!("{call:?} came at version {version}, after {before:?} at {seen} had ended"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(begin: u64, end: u64, version: u64, value: u64) -> Call {
        Call { key: 0, begin, end, saving: None, outcome: Outcome::Read { version, value } }
    }

    fn save(begin: u64, end: u64, version: u64, value: u64) -> Call {
        Call { key: 0, begin, end, saving: Some((version - 1, value)), outcome: Outcome::Saved { version } }
    }

    fn unknown(begin: u64, version: u64, value: u64) -> Call {
        Call { key: 0, begin, end: u64::MAX, saving: Some((version - 1, value)), outcome: Outcome::Unknown }
    }

    #[test]
    fn what_may_have_happened_passes() {
        let good = [
            read(0, 1, 1, 0),
            save(2, 9, 2, 22),
            read(3, 4, 2, 22),
            read(3, 8, 1, 0),
            unknown(10, 3, 33),
            read(11, 12, 2, 22),
            read(13, 14, 3, 33),
            Call { saving: Some((2, 7)), outcome: Outcome::Conflict { found: 3 }, ..read(13, 15, 0, 0) },
            save(20, 21, 4, 44),
            unknown(22, 5, 55),
        ];
        let checked = check(&good, &[(4, 44)]).unwrap();
        assert_eq!(checked, Checked { reads: 5, acknowledged: 2, conflicts: 1, unknown: 2 });
        check(&good, &[(5, 55)]).unwrap();
    }

    #[test]
    fn every_sort_of_fault_is_found() {
        for (fault, calls, last) in [
            ("handed out twice", vec![save(0, 1, 2, 22), save(2, 3, 2, 23)], (2, 22)),
            ("the document is at", vec![save(0, 1, 2, 22)], (1, 0)),
            ("nobody wrote", vec![save(0, 1, 2, 22), read(2, 3, 2, 99)], (2, 22)),
            ("nobody wrote", vec![save(0, 1, 2, 22)], (2, 99)),
            ("nobody made", vec![save(0, 1, 2, 22), save(4, 5, 4, 44)], (4, 44)),
            ("had ended", vec![save(0, 1, 2, 22), read(2, 3, 1, 0)], (2, 22)),
            ("had ended", vec![save(5, 6, 2, 22), save(0, 1, 3, 33)], (3, 33)),
            ("had ended", vec![read(0, 1, 2, 22), unknown(5, 2, 22)], (2, 22)),
            ("does not follow", vec![Call { saving: Some((4, 22)), ..save(0, 1, 2, 22) }], (2, 22)),
        ] {
            let told = check(&calls, &[last]).unwrap_err();
            assert!(told.contains(fault), "{fault}: {told}");
        }
    }
}
