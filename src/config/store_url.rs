//! The url of a store, which may hold a password and therefore never shows itself whole by accident.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

/// Shown in the place of a secret.
pub(super) const HIDDEN: &str = "***";

/// Where the graph is kept: `embedded:PATH`.
///
/// `Display`, `Debug` and serialising show it without password; [`as_str`](Self::as_str) gives it whole.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Cow<'static, str>);

impl StoreUrl {
    /// The embedded store in the current folder.
    pub(super) const DEFAULT: Self = Self(Cow::Borrowed("embedded:wayfare.db"));

    /// No url: nothing is connected to.
    pub(super) const NONE: Self = Self(Cow::Borrowed("none"));

    /// Whether it says that nothing is connected to.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0 == "none"
    }

    /// The whole url, password and all: for opening the store, not for printing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for StoreUrl {
    fn from(url: &str) -> Self {
        Self(Cow::Owned(url.to_owned()))
    }
}

impl From<String> for StoreUrl {
    fn from(url: String) -> Self {
        Self(Cow::Owned(url))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_secrets(&self.0))
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_secrets(&self.0), f)
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `text` with the password of a url and the values of secret-bearing options replaced by `***`; as it is where there is
/// none of them.
///
/// A password with an unescaped `/` or `@` is not a valid url, yet people write them; so everything up to the last
/// `@` goes that is in no secret option, which may hide part of a path but never shows part of a password.
pub(super) fn without_secrets(text: &str) -> Cow<'_, str> {
    let Some((scheme, whole)) = text.split_once("://") else { return Cow::Borrowed(text) };
    let masked = mask_options(whole);
    let rest: &str = &masked;
    // Then what looks like an option may be the end of a password with a `?` in it.
    let has_lost_at = whole.contains('@') && !rest.contains('@');
    let options_at = rest.find('?').unwrap_or(rest.len());
    if let Some(colon) = rest[..options_at].find(':').filter(|_| has_lost_at) {
        return Cow::Owned(format!("{scheme}://{}:{HIDDEN}{}", &rest[..colon], &rest[options_at..]));
    }
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // Without `@` in the authority proper, one further on means that the password itself holds a `/`, `?` or `#`.
    let at = rest[..authority_end].rfind('@').or_else(|| rest.rfind('@'));
    let (user, rest) = match at {
        Some(at) => (rest[..at].split(':').next().unwrap_or_default(), &rest[at..]),
        None => ("", rest),
    };
    let has_password = at.is_some_and(|at| at > user.len());
    let colon = if has_password { ":***" } else { "" };
    // An `@` without a password before it may lie in an option, as may what looks like the user.
    let rest = if has_password { rest } else { &masked };
    let user = if has_password { user } else { "" };
    let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
    if !has_password && matches!(masked, Cow::Borrowed(_)) {
        return Cow::Borrowed(text);
    }
    let mut shown = format!("{scheme}://{user}{colon}{path}");
    for (index, option) in options.split('&').filter(|option| !option.is_empty()).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(option);
    }
    Cow::Owned(shown)
}

/// Hides the values of secret options behind the first `?`. Further ones may stand in a password, or be a mistake.
fn mask_options(rest: &str) -> Cow<'_, str> {
    let Some((path, options)) = rest.split_once('?') else { return Cow::Borrowed(rest) };
    let mut masked = format!("{path}?");
    for option in options.split_inclusive(['?', '&']) {
        let bare = option.trim_end_matches(['?', '&']);
        masked.push_str(&shown_option(bare));
        masked.push_str(&option[bare.len()..]);
    }
    if masked == rest { Cow::Borrowed(rest) } else { Cow::Owned(masked) }
}

/// One `name=value` of a url, without the value where the name says that it is secret.
fn shown_option(option: &str) -> Cow<'_, str> {
    let Some((name, _)) = option.split_once('=') else { return Cow::Borrowed(option) };
    let lower = name.to_ascii_lowercase();
    // `authMechanismProperties` carries session tokens.
    let secret = ["password", "token", "secret", "properties"].iter().any(|word| lower.contains(word));
    if secret { Cow::Owned(format!("{name}={HIDDEN}")) } else { Cow::Borrowed(option) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_secret_options_are_never_shown() {
        for (url, shown) in [
            ("embedded:/data/a:b@c.db", "embedded:/data/a:b@c.db"),
            ("mongodb://localhost:27017/graph", "mongodb://localhost:27017/graph"),
            ("mongodb://ann@localhost/graph", "mongodb://ann@localhost/graph"),
            ("mongodb://localhost/graph?&w=1&", "mongodb://localhost/graph?&w=1&"),
            ("mongodb://ann:hush@localhost/graph?&w=1&", "mongodb://ann:***@localhost/graph?w=1"),
            ("mongodb://ann:hush@a:1,b:2/graph?w=1", "mongodb://ann:***@a:1,b:2/graph?w=1"),
            ("mongodb://ann:hu@sh@host/graph", "mongodb://ann:***@host/graph"),
            ("mongodb://ann:hu/sh@host/graph", "mongodb://ann:***@host/graph"),
            ("mongodb://ann:hu?sh@host", "mongodb://ann:***@host"),
            ("mongodb://:hush@host", "mongodb://:***@host"),
            (
                "mongodb://host/?tls=true&tlsCertificateKeyFilePassword=hush",
                "mongodb://host/?tls=true&tlsCertificateKeyFilePassword=***",
            ),
            (
                "mongodb://host/?tlsCertificateKeyFilePassword=hu@sh",
                "mongodb://host/?tlsCertificateKeyFilePassword=***",
            ),
            (
                "mongodb://host/?authMechanismProperties=AWS_SESSION_TOKEN:hu@sh&w=1",
                "mongodb://host/?authMechanismProperties=***&w=1",
            ),
            ("mongodb://ann:hush@host/?w=1&token=a@hush", "mongodb://ann:***@host/?w=1&token=***"),
            ("mongodb://ann:hu?sh@host/?token=a@hush", "mongodb://ann:***@host/?token=***"),
            ("mongodb://ann:hush?token=hush@host/graph", "mongodb://ann:***?token=***"),
            ("mongodb://a@b/?x=1", "mongodb://a@b/?x=1"),
            (
                "mongodb://host/?authMechanismProperties=AWS_SESSION_TOKEN:hush&w=1",
                "mongodb://host/?authMechanismProperties=***&w=1",
            ),
        ] {
            assert_eq!(without_secrets(url), shown);
            assert_eq!(without_secrets(shown), shown);
            assert_eq!(StoreUrl::from(url).to_string(), shown);
            assert!(!format!("{:?}", StoreUrl::from(url)).contains("hush"));
        }
    }

    #[test]
    fn the_whole_url_is_there_for_opening_the_store() {
        assert_eq!(StoreUrl::from("mongodb://ann:hush@host").as_str(), "mongodb://ann:hush@host");
    }
}
