//! URLs of Redis: read, and shown without secrets.

use redis::{Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use wayfare_graph::RemoteError;

use crate::url::without_password;

/// How a URL must look.
const FORM: &str = "write `redis://HOST`, or `redis://USER:PASSWORD@HOST:PORT/NUMBER` with what stands in names \
                    percent-encoded";

/// A URL that was read.
pub(super) struct Address {
    /// Without any secret.
    pub(super) shown: String,
    pub(super) client: Client,
}

impl Address {
    /// # Errors
    /// [`RemoteError::Url`]. Its reason says nothing of what stands in the URL, where a password may stand anywhere.
    pub(super) fn parse(url: &str) -> Result<Self, RemoteError> {
        let shown = without_secrets(url);
        let refused = |reason: &str| RemoteError::Url { url: shown.clone(), reason: reason.to_owned() };
        if url.starts_with("rediss://") {
            return Err(refused("there is no TLS to a cache: write `redis://HOST`"));
        }
        if !url.starts_with("redis://") {
            return Err(refused(FORM));
        }
        let info: ConnectionInfo = url.into_connection_info().map_err(|_| refused(FORM))?;
        // Changes come as pushes, which older protocols lack.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(|_| refused(FORM))?;
        Ok(Self { client, shown })
    }
}

fn without_secrets(url: &str) -> String {
    let shown = without_password(url);
    // Nothing that stands behind it is needed to know the place.
    shown.split(['?', '#']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        match Address::parse(url) {
            Err(error @ RemoteError::Url { .. }) => error.to_string(),
            other => panic!("{url}: {}", other.map(|address| address.shown).unwrap_or_default()),
        }
    }

    #[test]
    fn urls_are_shown_without_secrets() {
        for (url, shown) in [
            ("redis://localhost", "redis://localhost"),
            ("redis://:secret@localhost:7000/3", "redis://:***@localhost:7000/3"),
            ("redis://ann:p%40ss@[::1]:7000?protocol=resp2", "redis://ann:***@[::1]:7000"),
        ] {
            assert_eq!(Address::parse(url).unwrap().shown, shown);
        }
    }

    #[test]
    fn the_protocol_with_pushes_is_spoken_whatever_the_url_says() {
        let address = Address::parse("redis://localhost/2?protocol=resp2").unwrap();
        let settings = address.client.get_connection_info().redis_settings();
        assert_eq!((settings.protocol(), settings.db()), (ProtocolVersion::RESP3, 2));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in [
            "",
            "localhost:6379",
            "http://localhost",
            "rediss://localhost",
            "redis://",
            "redis://:secret@",
            "redis://:secret@localhost:port",
            "redis://:secret@localhost/zero",
            "redis://ann:sec@ret/@localhost:99999",
            "redis://ann:sec?ret#@localhost:99999",
            "redis://:%ffsecret@localhost",
        ] {
            let told = refused(url);
            assert!(told.contains("write `redis://HOST`"), "{told}");
            assert!(!told.contains("sec") && !told.contains("ret"), "{told}");
        }
    }
}
