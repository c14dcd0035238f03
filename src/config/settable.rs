//! The types that a setting may have: how a value of each is read, checked and written.

use std::fmt;

use super::auto::OrAuto;
use super::bytes::show_bytes;
use super::entity_list::EntityList;
use super::fraction::Fraction;
use super::setting::{Range, Refusal};
use super::store_url::{StoreUrl, without_secrets};

/// A value as a layer gives it.
#[derive(Clone, Copy)]
pub(super) enum Raw<'a> {
    /// From a file, with TOML's types: a number in quotes is a text.
    Toml(&'a toml::Value),
    /// From the environment, where everything is a text.
    Text(&'a str),
}

impl Raw<'_> {
    /// As shown in an error about a setting: its own lists are shown whole.
    pub(super) fn shown(&self, range: &Range) -> String {
        match (self, range) {
            (Self::Toml(list @ toml::Value::Array(_)), Range::Entities) => {
                without_secrets(&list.to_string()).into_owned()
            }
            _ => self.to_string(),
        }
    }
}

/// As shown in errors: without quotes, without secrets, and no more than the kind of a nested value.
impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(toml::Value::Array(_)) => f.write_str("[…]"),
            Self::Toml(toml::Value::Table(_)) => f.write_str("{…}"),
            Self::Toml(toml::Value::String(text)) => f.write_str(&without_secrets(text)),
            Self::Toml(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(&without_secrets(text)),
        }
    }
}

/// A type that a setting may have.
pub(super) trait Settable: Sized {
    /// Whether `auto` may stand for a value.
    const AUTO: bool = false;

    /// Reads a value and checks it.
    fn read(raw: Raw<'_>, range: &Range) -> Result<Self, Refusal>;

    /// Checks a value that is already of the type.
    fn check(&self, range: &Range) -> Result<(), Refusal>;

    /// The value as TOML writes it.
    fn to_toml(&self, range: &Range) -> String;
}

macro_rules! settable_number {
    ($type:ty) => {
        impl Settable for $type {
            fn read(raw: Raw<'_>, range: &Range) -> Result<Self, Refusal> {
                let number = match raw {
                    Raw::Toml(toml::Value::Integer(number)) => i128::from(*number),
                    Raw::Toml(toml::Value::String(text)) if matches!(range, Range::Bytes(_)) => {
                        range.parse(text)?
                    }
                    Raw::Text(text) => range.parse(text)?,
                    Raw::Toml(_) => return Err(Refusal::WrongType),
                };
                range.admits(number)?;
                Self::try_from(number).map_err(|_| Refusal::OutOfRange)
            }

            fn check(&self, range: &Range) -> Result<(), Refusal> {
                range.admits(*self as i128)
            }

            fn to_toml(&self, range: &Range) -> String {
                match range {
                    Range::Bytes(_) => format!("\"{}\"", show_bytes(*self as u64)),
                    _ => grouped(*self as u64),
                }
            }
        }
    };
}
settable_number!(u64);
settable_number!(usize);

impl Settable for bool {
    fn read(raw: Raw<'_>, _: &Range) -> Result<Self, Refusal> {
        match raw {
            Raw::Toml(toml::Value::Boolean(switch)) => Ok(*switch),
            Raw::Text(text) => text.parse().map_err(|_| Refusal::WrongType),
            Raw::Toml(_) => Err(Refusal::WrongType),
        }
    }

    fn check(&self, _: &Range) -> Result<(), Refusal> {
        Ok(())
    }

    fn to_toml(&self, _: &Range) -> String {
        self.to_string()
    }
}

impl<T: Settable> Settable for OrAuto<T> {
    const AUTO: bool = true;

    fn read(raw: Raw<'_>, range: &Range) -> Result<Self, Refusal> {
        match raw {
            Raw::Toml(toml::Value::String(text)) if text == "auto" => Ok(Self::Auto),
            Raw::Text("auto") => Ok(Self::Auto),
            raw => T::read(raw, range).map(Self::Fixed),
        }
    }

    fn check(&self, range: &Range) -> Result<(), Refusal> {
        match self {
            Self::Auto => Ok(()),
            Self::Fixed(value) => value.check(range),
        }
    }

    fn to_toml(&self, range: &Range) -> String {
        match self {
            Self::Auto => "\"auto\"".to_owned(),
            Self::Fixed(value) => value.to_toml(range),
        }
    }
}

impl Settable for String {
    fn read(raw: Raw<'_>, range: &Range) -> Result<Self, Refusal> {
        let text = match raw {
            Raw::Toml(toml::Value::String(text)) => text.clone(),
            Raw::Text(text) => text.to_owned(),
            Raw::Toml(_) => return Err(Refusal::WrongType),
        };
        text.check(range)?;
        Ok(text)
    }

    fn check(&self, _: &Range) -> Result<(), Refusal> {
        if self.trim().is_empty() { Err(Refusal::OutOfRange) } else { Ok(()) }
    }

    fn to_toml(&self, _: &Range) -> String {
        toml::Value::String(self.clone()).to_string()
    }
}

impl Settable for Fraction {
    fn read(raw: Raw<'_>, _: &Range) -> Result<Self, Refusal> {
        let part = match raw {
            Raw::Toml(toml::Value::Float(part)) => *part,
            // 0 and 1 are parts too.
            Raw::Toml(toml::Value::Integer(whole)) => match whole {
                0 => 0.0,
                1 => 1.0,
                _ => return Err(Refusal::OutOfRange),
            },
            Raw::Text(text) => text.trim().parse().map_err(|_| Refusal::WrongType)?,
            Raw::Toml(_) => return Err(Refusal::WrongType),
        };
        Self::new(part).ok_or(Refusal::OutOfRange)
    }

    fn check(&self, _: &Range) -> Result<(), Refusal> {
        Ok(())
    }

    fn to_toml(&self, _: &Range) -> String {
        self.to_string()
    }
}

impl Settable for EntityList {
    fn read(raw: Raw<'_>, range: &Range) -> Result<Self, Refusal> {
        let parsed;
        let list = match raw {
            Raw::Toml(toml::Value::Array(list)) => list,
            Raw::Text(text) if text.trim_start().starts_with('[') => {
                let table: Result<toml::Table, _> = toml::from_str(&format!("list = {text}"));
                parsed = table.ok().and_then(|mut table| table.remove("list"));
                parsed.as_ref().and_then(toml::Value::as_array).ok_or(Refusal::WrongType)?
            }
            Raw::Text(text) if text.trim().is_empty() => return Ok(Self::NONE),
            Raw::Text(text) => {
                let names = Self::from(text.split(',').map(str::trim));
                names.check(range)?;
                return Ok(names);
            }
            Raw::Toml(_) => return Err(Refusal::WrongType),
        };
        let texts: Option<Vec<&str>> = list.iter().map(toml::Value::as_str).collect();
        let names = Self::from(texts.ok_or(Refusal::WrongType)?);
        names.check(range)?;
        Ok(names)
    }

    fn check(&self, _: &Range) -> Result<(), Refusal> {
        self.names().map(drop).map_err(|_| Refusal::OutOfRange)
    }

    fn to_toml(&self, _: &Range) -> String {
        self.to_string()
    }
}

impl Settable for StoreUrl {
    fn read(raw: Raw<'_>, range: &Range) -> Result<Self, Refusal> {
        let url = match raw {
            Raw::Toml(toml::Value::String(text)) => Self::from(text.as_str()),
            Raw::Text(text) => Self::from(text),
            Raw::Toml(_) => return Err(Refusal::WrongType),
        };
        url.check(range)?;
        Ok(url)
    }

    fn check(&self, _: &Range) -> Result<(), Refusal> {
        if self.as_str().trim().is_empty() { Err(Refusal::OutOfRange) } else { Ok(()) }
    }

    fn to_toml(&self, _: &Range) -> String {
        toml::Value::from(self.to_string()).to_string()
    }
}

/// A number with `_` between thousands from five digits on, as TOML and Rust allow: `1024`, `65_536`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push('_');
        }
        shown.push(digit);
    }
    shown
}
