//! Where the endpoint of a runtime is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use wayfare::ObserveConfig;

/// A host, by name or number, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

/// Why a text or a setting names no address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    /// The text is something else.
    #[error("`{text}` is no address: write `HOST:PORT`, such as `127.0.0.1:9464`")]
    Malformed { text: String },
    /// The settings name none.
    #[error("`[observe] listen` is `{listen}`: name the address, such as `wayfare top 127.0.0.1:9464`")]
    Unset { listen: String },
}

impl Address {
    /// The host, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Where a runtime with these settings is asked. One that listens on all interfaces is asked on loopback.
    pub(super) fn of_settings(config: &ObserveConfig) -> Result<Self, AddressError> {
        let unset = || AddressError::Unset { listen: config.listen.clone() };
        // Of port 0 only the runtime knows which one it took.
        let address = config.listen_address().filter(|address| address.port() != 0).ok_or_else(unset)?;
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Ok(Self { host: ip.to_string(), port: address.port() })
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed { text: text.to_owned() };
        let bare = text.strip_prefix("http://").unwrap_or(text);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        if let Ok(address) = bare.parse::<SocketAddr>() {
            let of = Self { host: address.ip().to_string(), port: address.port() };
            return Some(of).filter(|of| of.port != 0).ok_or_else(malformed);
        }
        let (host, port) = bare.rsplit_once(':').ok_or_else(malformed)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(malformed)?;
        match !host.is_empty() && host.chars().all(is_name) {
            true => Ok(Self { host: host.to_owned(), port }),
            false => Err(malformed()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_numbers_with_a_port_are_addresses() {
        for (text, shown) in [
            ("127.0.0.1:9464", "127.0.0.1:9464"),
            ("http://localhost:80/", "localhost:80"),
            ("[::1]:9464", "[::1]:9464"),
            ("my-host.example:1", "my-host.example:1"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in
            ["", "9464", ":9464", "host", "host:0", "host:99999", "https://host:1", "a b:1", "u@h:1", "::1"]
        {
            let refused = text.parse::<Address>().unwrap_err().to_string();
            assert!(refused.contains("`127.0.0.1:9464`"), "{text}: {refused}");
        }
    }

    #[test]
    fn settings_name_an_address_unless_they_leave_it_open() {
        let of = |listen: &str| {
            let config = ObserveConfig { listen: listen.into(), ..ObserveConfig::default() };
            Address::of_settings(&config).map(|address| address.to_string())
        };
        assert_eq!(of("10.0.0.7:9464").unwrap(), "10.0.0.7:9464");
        assert_eq!(of("0.0.0.0:9464").unwrap(), "127.0.0.1:9464");
        assert_eq!(of("[::]:9464").unwrap(), "[::1]:9464");
        assert_eq!(of("none").unwrap_err(), AddressError::Unset { listen: "none".into() });
        assert_eq!(of("127.0.0.1:0").unwrap_err(), AddressError::Unset { listen: "127.0.0.1:0".into() });
    }
}
