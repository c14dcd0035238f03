//! The layers between defaults and builder: a TOML text and the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use strsim::damerau_levenshtein;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Origin};
use super::settable::Raw;
use super::setting::Setting;
use super::settings::{Config, settings};

/// Every variable that is a setting begins so.
const VARIABLE_PREFIX: &str = "WAYFARE_";

/// Reads the settings in `text` over those in `config`.
pub(super) fn apply_toml(config: &mut Config, text: &str, path: Option<&Path>) -> Result<(), ConfigError> {
    let path = path.map(PathBuf::from);
    let table: toml::Table = toml::from_str(text).map_err(|error| ConfigError::Syntax {
        path: path.clone(),
        line: error.span().map(|span| line_at(text, span.start)),
        // The error's own text quotes the line, which may hold a password; its message does not.
        reason: error.message().replace('\n', ", "),
    })?;
    apply_table(config, &table, |key| Origin::File { path: path.clone(), line: line_of(text, key) })
}

/// Reads the settings in `table` over those in `config`; `origin` is asked for keys that are refused.
pub(super) fn apply_table(
    config: &mut Config,
    table: &toml::Table,
    origin: impl Fn(&str) -> Origin,
) -> Result<(), ConfigError> {
    for (section, value) in table {
        match value {
            toml::Value::Table(values) if is_section(section) || !values.is_empty() => {
                apply_section(config, section, values, &origin)?;
            }
            _ => return Err(unknown(section, origin(section))),
        }
    }
    Ok(())
}

/// Reads the settings of a section, and of the sections within it.
fn apply_section(
    config: &mut Config,
    section: &str,
    values: &toml::Table,
    origin: &impl Fn(&str) -> Origin,
) -> Result<(), ConfigError> {
    for (name, value) in values {
        let key = format!("{section}.{name}");
        match value {
            toml::Value::Table(values) if is_section(&key) => apply_section(config, &key, values, origin)?,
            value => apply(config, &key, Raw::Toml(value), || origin(&key))?,
        }
    }
    Ok(())
}

/// Reads the settings among `variables` over those in `config`.
pub(super) fn apply_environment(
    config: &mut Config,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<(), ConfigError> {
    for (variable, value) in variables {
        let Some(variable) = variable.to_str() else { continue };
        let Some(name) = variable.strip_prefix(VARIABLE_PREFIX) else { continue };
        let key = name.to_ascii_lowercase().replace("__", ".");
        // `WAYFARE_DATA` and its like are no settings; `WAYFARE_WORKERS_COUNT` is one with a slip in it.
        let section = key.split(['.', '_']).next().unwrap_or_default();
        if key.contains('.') || is_section(section) {
            let origin = || Origin::Environment { variable: variable.to_owned() };
            apply(config, &key, Raw::Text(&value.to_string_lossy()), origin)?;
        }
    }
    Ok(())
}

/// The environment variable of a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

fn apply(
    config: &mut Config,
    key: &str,
    raw: Raw<'_>,
    origin: impl FnOnce() -> Origin,
) -> Result<(), ConfigError> {
    match settings().iter().find(|setting| setting.key() == key) {
        Some(setting) => setting.read(config, raw, origin),
        None => Err(unknown(key, origin())),
    }
}

fn is_section(name: &str) -> bool {
    settings().iter().any(|setting| setting.section() == name)
}

fn unknown(key: &str, origin: Origin) -> ConfigError {
    ConfigError::UnknownKey { key: key.to_owned(), nearest: nearest(key), origin }
}

/// The known key most like `key`: a slip of a few letters, the beginning of one, or its name in another section.
fn nearest(key: &str) -> Option<String> {
    let name = key.rsplit('.').next().unwrap_or(key);
    let distance = |setting: &Setting| {
        if setting.key().starts_with(key) || setting.name() == name {
            1
        } else {
            damerau_levenshtein(setting.key(), key)
        }
    };
    let (distance, setting) =
        settings().iter().map(|setting| (distance(setting), setting)).min_by_key(|(d, _)| *d)?;
    // A third of the letters wrong is another word, not a slip.
    (distance <= key.len() / 3).then(|| setting.key().to_owned())
}

/// The line on which `key` stands. Parses anew, which only a refused file pays for.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut line = None;
    for name in key.split('.') {
        let Some((at, value)) = table.and_then(|table| table.iter().find(|(at, _)| at.get_ref() == name))
        else {
            break;
        };
        line = Some(line_at(text, at.span().start));
        table = match value.get_ref() {
            DeValue::Table(inner) => Some(inner),
            _ => None,
        };
    }
    line
}

fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}
