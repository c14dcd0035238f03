//! Settings under a fuzzer: files, variables, and the urls in both.

use std::ffi::OsString;

use super::error::ConfigError;
use super::layers::apply_environment;
use super::store_url::{HIDDEN, StoreUrl};
use super::{Config, settings};

/// Stands where a password does.
const PASSWORD: &str = "hush7hush";

/// The text of a settings file.
pub(crate) fn file(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Config::from_toml(text) {
        Ok(config) => check_settings(&config),
        Err(error) => check_error(&error),
    }
}

/// Variables, one a line: `NAME=VALUE`.
pub(crate) fn environment(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let variables = text.lines().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut config = Config::default();
    match apply_environment(&mut config, variables) {
        Ok(()) => check_settings(&config),
        Err(error) => check_error(&error),
    }
}

/// The user of a url, and behind a line break what follows its password, which nothing shows.
pub(crate) fn urls(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some((user, rest)) = text.split_once('\n') else { return };
    if user.contains([':', '@', '/', '?', '#']) || text.contains(PASSWORD) {
        return;
    }
    let url = format!("mongodb://{user}:{PASSWORD}@{rest}");
    let shown = StoreUrl::from(url.as_str());
    let mut told = format!("{shown} {shown:?}");
    for key in ["WAYFARE_STORE__URL", "WAYFARE_WORKERS__COUNT", "WAYFARE_CACHE__WARM"] {
        let mut config = Config::default();
        let variables = [(OsString::from(key), OsString::from(&url))].into_iter();
        match apply_environment(&mut config, variables) {
            Ok(()) if key == "WAYFARE_STORE__URL" => {
                assert_eq!(config.store.url.as_str(), url);
                let json = serde_json::to_string(&config).expect("settings are JSON");
                told.push_str(&format!("{config:?} {json}"));
            }
            // A url that is a list of names has no password in it that anybody would take for one.
            Ok(()) => {}
            Err(error) => told.push_str(&format!("{error} {error:?}")),
        }
    }
    assert!(!told.contains(PASSWORD), "the password of `{url}` is told: {told}");
}

/// Settings that were taken are within their ranges, and read back from what they are written as.
fn check_settings(config: &Config) {
    // Each is within its range; whether they go together is asked for only where all layers have been read.
    for setting in settings() {
        assert!(setting.check(config).is_ok(), "`{}` was taken", setting.key());
    }
    let written = toml::to_string(config).expect("settings are TOML");
    let again = Config::from_toml(&written).unwrap_or_else(|error| panic!("{error} in\n{written}"));
    for setting in settings() {
        let (key, value) = (setting.key(), setting.shown(config));
        assert_eq!(setting.shown(&again), value, "`{key}` is read back as another value");
        // A secret is not written, so that it cannot be read back.
        assert!(
            value.contains(HIDDEN) || setting.is_same(&again, config),
            "`{key}` is not read back: {value}"
        );
    }
}

/// Says which setting was refused, and what stood there.
fn check_error(error: &ConfigError) {
    let told = error.to_string();
    let named: &[&String] = match error {
        ConfigError::UnknownKey { key, .. } => &[key],
        ConfigError::WrongType { key, value, .. } | ConfigError::OutOfRange { key, value, .. } => {
            &[key, value]
        }
        ConfigError::Syntax { reason, .. } => &[reason],
        ConfigError::Unreadable { .. } => panic!("nothing was to be read: {told}"),
    };
    assert!(named.iter().all(|part| told.contains(part.as_str())), "{told}");
}
