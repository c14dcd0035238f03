//! Where stores and caches are: no text makes reading it panic, and no password is shown.

use crate::url::StoreUrl;

/// Stands where a password does. Its pieces are long enough for each to tell something.
const PASSWORD: &str = "hush7hush";

/// A text, and the parts of a URL around a password, at its first line break.
pub(super) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    shown(text);
    let (user, rest) = text.split_once('\n').unwrap_or(("ann", text));
    // What stands before the password is a name: a sign that ends the names would make it something else.
    if user.contains([':', '@', '/', '?', '#']) || text.contains(PASSWORD) {
        return;
    }
    for scheme in ["mongodb", "mongodb+srv", "redis", "rediss"] {
        let url = format!("{scheme}://{user}:{PASSWORD}@{rest}");
        for told in shown(&url) {
            assert!(!told.contains(PASSWORD), "the password of `{url}` is told: {told}");
        }
    }
}

/// All that is said of a URL, by whoever reads it.
fn shown(url: &str) -> Vec<String> {
    let mut told = Vec::new();
    match StoreUrl::parse(url) {
        Ok(read) => told.push(format!("{read:?}")),
        Err(error) => told.push(format!("{error} {error:?}")),
    }
    #[cfg(feature = "mongodb")]
    told.push(crate::mongodb::fuzzing::address(url));
    #[cfg(feature = "redis")]
    told.push(crate::redis::fuzzing::address(url));
    told
}
