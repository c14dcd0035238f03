//! What a client says.

use std::fmt;
use std::str::FromStr;

/// Begins each line, which tells them from what the test harness prints.
pub const MARK: &str = "@";

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A read found this version and value.
    Read { version: u64, value: u64 },
    /// A save was acknowledged as this version.
    Saved { version: u64 },
    /// A save was refused because the document was at this version.
    Conflict { found: u64 },
    /// Nobody knows whether it was done.
    Unknown,
}

/// One line: a call has begun, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A save of a value over a version; `call` tells the client's calls apart.
    Saving {
        call: u64,
        at: u64,
        key: usize,
        expected: u64,
        value: u64,
    },
    /// A read.
    Reading {
        call: u64,
        at: u64,
        key: usize,
    },
    Ended {
        call: u64,
        at: u64,
        outcome: Outcome,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saving { call, at, key, expected, value } => {
                write!(f, "saving {call} {at} {key} {expected} {value}")
            }
            Self::Reading { call, at, key } => write!(f, "reading {call} {at} {key}"),
            Self::Ended { call, at, outcome } => match outcome {
                Outcome::Read { version, value } => write!(f, "read {call} {at} {version} {value}"),
                Outcome::Saved { version } => write!(f, "saved {call} {at} {version}"),
                Outcome::Conflict { found } => write!(f, "conflict {call} {at} {found}"),
                Outcome::Unknown => write!(f, "unknown {call} {at}"),
            },
        }
    }
}

impl FromStr for Event {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (word, rest) = line.split_once(' ').ok_or(())?;
        let numbers: Vec<u64> = rest.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(|_| ())?;
        let ended = |call, at, outcome| Ok(Self::Ended { call, at, outcome });
        match (word, numbers.as_slice()) {
            ("saving", &[call, at, key, expected, value]) => {
                Ok(Self::Saving { call, at, key: key as usize, expected, value })
            }
            ("reading", &[call, at, key]) => Ok(Self::Reading { call, at, key: key as usize }),
            ("read", &[call, at, version, value]) => ended(call, at, Outcome::Read { version, value }),
            ("saved", &[call, at, version]) => ended(call, at, Outcome::Saved { version }),
            ("conflict", &[call, at, found]) => ended(call, at, Outcome::Conflict { found }),
            ("unknown", &[call, at]) => ended(call, at, Outcome::Unknown),
            _ => Err(()),
        }
    }
}

#[test]
fn what_is_said_is_heard() {
    for event in [
        Event::Saving { call: 1, at: 2, key: 3, expected: 4, value: 5 },
        Event::Reading { call: 1, at: 2, key: 3 },
        Event::Ended { call: 1, at: 2, outcome: Outcome::Read { version: 3, value: 4 } },
        Event::Ended { call: 1, at: 2, outcome: Outcome::Saved { version: 3 } },
        Event::Ended { call: 1, at: 2, outcome: Outcome::Conflict { found: 3 } },
        Event::Ended { call: 1, at: 2, outcome: Outcome::Unknown },
    ] {
        assert_eq!(event.to_string().parse(), Ok(event));
    }
}
