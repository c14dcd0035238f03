//! `wayfare config`: the effective settings.

use std::env;

use serde_json::{Value, json};
use wayfare::{Config, Setting, settings};

use super::exit::{Exit, Failure};
use super::session::{Globals, Session};

/// Prints each setting with its value, its default, and where it was set if that is another.
pub(crate) fn run(session: &Session, globals: &Globals) -> Result<Exit, Failure> {
    let (values, defaults) = (json!(session.config), json!(Config::default()));
    let rows: Vec<Value> = settings()
        .iter()
        .map(|setting| {
            let at = |of: &Value| of[setting.section()][setting.name()].clone();
            let (value, default) = (at(&values), at(&defaults));
            let set_by = if value == default { Value::Null } else { origin(setting, globals).into() };
            json!({
                "setting": setting.key(),
                "value": value,
                "default": default,
                "unit": setting.unit(),
                "set_by": set_by,
            })
        })
        .collect();
    session.output.list(&rows)?;
    Ok(Exit::Done)
}

/// Where a setting that differs from its default was set: the layers, last first.
fn origin(setting: &Setting, globals: &Globals) -> String {
    if setting.key() == "store.url" && globals.store.is_some() {
        return "--store".to_owned();
    }
    if env::var_os(setting.variable()).is_some() {
        return setting.variable();
    }
    globals.config.as_ref().map_or_else(|| "config.toml".to_owned(), |path| path.display().to_string())
}
