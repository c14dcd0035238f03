//! What the child says, as lines of words.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use wayfare::Id;

/// Begins each line, which tells them from what the test harness prints.
const MARK: &str = "@";

/// One line of the child.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// An increment was acknowledged, as this value at this version.
    Counted { counter: usize, value: u64, version: u64 },
    /// A counter was read with this value, by a walk, in its stream, or by id.
    Saw { counter: usize, value: u64 },
    /// A batch was acknowledged.
    Wrote { writer: usize, stamp: u64 },
    /// A batch was refused as a whole.
    Refused { stamp: u64 },
    /// An edge was acknowledged.
    Joined { edge: Id, source: Id, target: Id },
    /// An edge is about to be deleted.
    Parting { edge: Id },
    /// Its deletion was acknowledged.
    Parted { edge: Id },
    /// Something went wrong that must not.
    Failed { what: String },
}

impl Said {
    /// Says it at once: the line is in the pipe when this returns.
    pub fn say(&self) {
        let line = format!("\n{MARK} {self}\n");
        // One write, shorter than a pipe takes in one piece, so that lines of several threads stay whole.
        let mut out = std::io::stdout().lock();
        if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            // Nobody listens: the parent is gone.
            std::process::exit(1);
        }
    }

    /// Reads a line, unless it is not the child's own.
    pub fn hear(line: &str) -> Option<Self> {
        let words = line.strip_prefix(MARK)?.strip_prefix(' ')?;
        Some(words.parse().unwrap_or_else(|()| panic!("the child said `{line}`")))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted { counter, value, version } => write!(f, "counted {counter} {value} {version}"),
            Self::Saw { counter, value } => write!(f, "saw {counter} {value}"),
            Self::Wrote { writer, stamp } => write!(f, "wrote {writer} {stamp}"),
            Self::Refused { stamp } => write!(f, "refused {stamp}"),
            Self::Joined { edge, source, target } => write!(f, "joined {edge} {source} {target}"),
            Self::Parting { edge } => write!(f, "parting {edge}"),
            Self::Parted { edge } => write!(f, "parted {edge}"),
            Self::Failed { what } => write!(f, "failed {}", what.replace('\n', " ")),
        }
    }
}

impl FromStr for Said {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (word, rest) = line.split_once(' ').ok_or(())?;
        if word == "failed" {
            return Ok(Self::Failed { what: rest.to_owned() });
        }
        let mut words = rest.split(' ');
        let said = match word {
            "counted" => Self::Counted {
                counter: next(&mut words)?,
                value: next(&mut words)?,
                version: next(&mut words)?,
            },
            "saw" => Self::Saw { counter: next(&mut words)?, value: next(&mut words)? },
            "wrote" => Self::Wrote { writer: next(&mut words)?, stamp: next(&mut words)? },
            "refused" => Self::Refused { stamp: next(&mut words)? },
            "joined" => {
                Self::Joined { edge: next(&mut words)?, source: next(&mut words)?, target: next(&mut words)? }
            }
            "parting" => Self::Parting { edge: next(&mut words)? },
            "parted" => Self::Parted { edge: next(&mut words)? },
            _ => return Err(()),
        };
        if words.next().is_none() { Ok(said) } else { Err(()) }
    }
}

fn next<T: FromStr>(words: &mut std::str::Split<'_, char>) -> Result<T, ()> {
    words.next().ok_or(())?.parse().map_err(|_| ())
}

#[test]
fn what_is_said_is_heard() {
    let [edge, source, target] =
        ["e.CrashLane.x", "n.CrashSpot.a", "n.CrashSpot.b"].map(|id| id.parse().unwrap());
    for said in [
        Said::Counted { counter: 3, value: 4, version: 5 },
        Said::Saw { counter: 3, value: 4 },
        Said::Wrote { writer: 1, stamp: 9 },
        Said::Refused { stamp: 9 },
        Said::Joined { edge, source: source.clone(), target },
        Said::Parting { edge: source.clone() },
        Said::Parted { edge: source },
        Said::Failed { what: "of a reason".into() },
    ] {
        assert_eq!(Said::hear(&format!("@ {said}")), Some(said));
    }
    assert_eq!(Said::hear("running 1 test"), None);
}
