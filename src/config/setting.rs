//! One setting: its key and meaning, and what it may be.

use std::fmt;
use std::ops::RangeInclusive;

use super::bytes::{parse_bytes, show_bytes};
use super::error::{ConfigError, Origin};
use super::settable::{Raw, grouped};
use super::settings::{ANY, Config};

/// One row of the table of settings.
pub struct Setting {
    pub(super) key: &'static str,
    pub(super) unit: &'static str,
    pub(super) doc: &'static str,
    pub(super) allowed: Allowed,
    pub(super) read: fn(&mut Config, Raw<'_>, &Range) -> Result<(), Refusal>,
    pub(super) check: fn(&Config, &Range) -> Result<(), Refusal>,
    pub(super) show: fn(&Config, &Range) -> String,
    pub(super) is_same: fn(&Config, &Config) -> bool,
    pub(super) take: fn(&mut Config, &Config),
    pub(super) is_live: bool,
}

impl Setting {
    /// Section and name: `workers.count`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// The section: `workers`, or `store.pool` within another.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The name within the section: `count`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.key.rsplit_once('.').map_or(self.key, |(_, name)| name)
    }

    /// What the value counts: `visits`, `bytes`, `ms`.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        self.unit
    }

    /// What it means, in one sentence.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc.trim_ascii_start()
    }

    /// What it may be.
    #[must_use]
    pub fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// The default, as TOML writes it.
    #[must_use]
    pub fn default(&self) -> String {
        (self.show)(&Config::default(), &self.allowed.range)
    }

    /// Whether a runtime takes over another value while it runs, by [`Runtime::reload`](crate::Runtime::reload).
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// The value in `config`, as TOML writes it; that of a url without its secrets.
    #[must_use]
    pub fn shown(&self, config: &Config) -> String {
        (self.show)(config, &self.allowed.range)
    }

    /// Whether two settings hold the same value, secrets included.
    pub(crate) fn is_same(&self, config: &Config, other: &Config) -> bool {
        (self.is_same)(config, other)
    }

    /// Takes the value over from other settings.
    pub(crate) fn take(&self, config: &mut Config, from: &Config) {
        (self.take)(config, from);
    }

    /// The environment variable: `WAYFARE_WORKERS__COUNT`.
    #[must_use]
    pub fn variable(&self) -> String {
        super::layers::variable_of(self.key)
    }

    /// Reads `raw` into `config`, checked.
    pub(super) fn read(
        &self,
        config: &mut Config,
        raw: Raw<'_>,
        origin: impl FnOnce() -> Origin,
    ) -> Result<(), ConfigError> {
        let Err(refusal) = (self.read)(config, raw, &self.allowed.range) else { return Ok(()) };
        let (key, value, origin) = (self.key.to_owned(), raw.shown(&self.allowed.range), origin());
        Err(match refusal {
            Refusal::WrongType => {
                ConfigError::WrongType { key, value, expected: self.allowed.expected(), origin }
            }
            Refusal::OutOfRange => {
                ConfigError::OutOfRange { key, value, allowed: self.allowed.to_string(), origin }
            }
            Refusal::TooLarge => {
                ConfigError::OutOfRange { key, value, allowed: format!("at most {}", grouped(ANY)), origin }
            }
        })
    }

    /// Checks the value in `config`, which the program has set.
    pub(super) fn check(&self, config: &Config) -> Result<(), ConfigError> {
        (self.check)(config, &self.allowed.range).map_err(|refusal| ConfigError::OutOfRange {
            key: self.key.to_owned(),
            value: (self.show)(config, &self.allowed.range).trim_matches('"').to_owned(),
            allowed: match refusal {
                Refusal::TooLarge => format!("at most {}", grouped(ANY)),
                Refusal::WrongType | Refusal::OutOfRange => self.allowed.to_string(),
            },
            origin: Origin::Builder,
        })
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting")
            .field("key", &self.key)
            .field("unit", &self.unit)
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

/// What a setting may be; reads as `` `auto` or 1..=256 ``.
#[derive(Clone, Debug)]
pub struct Allowed {
    pub(super) auto: bool,
    pub(super) range: Range,
}

impl Allowed {
    /// The type in words and the range, for a value of another type.
    fn expected(&self) -> String {
        match self.range {
            Range::Text => "a text".to_owned(),
            Range::Fraction => "a number from 0 to 1".to_owned(),
            Range::Switch => "`true` or `false`".to_owned(),
            Range::Entities => "a list of texts, such as `[\"City\"]`".to_owned(),
            Range::Number(_) | Range::PowerOfTwo(_) => format!("a whole number ({self})"),
            Range::Bytes(_) => format!("a number of bytes, or a text such as `512 MiB` ({self})"),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.auto {
            f.write_str("`auto` or ")?;
        }
        let (kind, range, show): (_, _, fn(u64) -> String) = match &self.range {
            Range::Text => return f.write_str("any text that is not empty"),
            Range::Fraction => return f.write_str("0.0..=1.0"),
            Range::Switch => return f.write_str("`true` or `false`"),
            Range::Entities => return f.write_str("names without dots, of 1..=64 bytes"),
            Range::Number(range) => ("", range, grouped),
            Range::PowerOfTwo(range) => ("a power of two in ", range, grouped),
            Range::Bytes(range) => ("", range, show_bytes),
        };
        match *range.end() {
            ANY => write!(f, "{kind}at least {}", show(*range.start())),
            end => write!(f, "{kind}{}..={}", show(*range.start()), show(end)),
        }
    }
}

/// The form and the range of a value.
#[derive(Clone, Debug)]
pub(super) enum Range {
    /// A text that is not empty.
    Text,
    /// A part of a whole.
    Fraction,
    /// Yes or no.
    Switch,
    /// A list of names that entities can have.
    Entities,
    /// A whole number.
    Number(RangeInclusive<u64>),
    /// A whole number that is a power of two.
    PowerOfTwo(RangeInclusive<u64>),
    /// A number of bytes, in digits or as `512 MiB`.
    Bytes(RangeInclusive<u64>),
}

impl Range {
    /// Takes numbers wider than any setting, so that negative and huge ones are out of range, not of a wrong type.
    pub(super) fn admits(&self, number: i128) -> Result<(), Refusal> {
        let within = u64::try_from(number).is_ok_and(|number| match self {
            Self::Text | Self::Fraction | Self::Switch | Self::Entities => false,
            Self::Number(range) | Self::Bytes(range) => range.contains(&number),
            Self::PowerOfTwo(range) => range.contains(&number) && number.is_power_of_two(),
        });
        match within {
            true => Ok(()),
            false if self.is_open() && number > i128::from(ANY) => Err(Refusal::TooLarge),
            false => Err(Refusal::OutOfRange),
        }
    }

    /// Whether nothing but what a settings file can hold bounds it above.
    fn is_open(&self) -> bool {
        matches!(self, Self::Number(range) | Self::Bytes(range) if *range.end() == ANY)
    }

    /// The number that `text` stands for, in range or not.
    pub(super) fn parse(&self, text: &str) -> Result<i128, Refusal> {
        match self {
            Self::Bytes(_) => parse_bytes(text).ok_or(Refusal::WrongType),
            _ => text.replace('_', "").parse().map_err(|_| Refusal::WrongType),
        }
    }
}

/// Why a value was refused; [`Setting`] adds the key, the value and the origin.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    WrongType,
    OutOfRange,
    /// More than any settings file can hold.
    TooLarge,
}
