//! URLs of MongoDB: read, completed with options, and shown without secrets.

use mongodb::error::ErrorKind;
use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::{Acknowledgment, ClientOptions, ConnectionString, WriteConcern};
use wayfare_graph::StoreError;

use super::fault::Fault;
use super::options::MongoOptions;
use crate::url::without_password;

/// How a URL must look.
const FORM: &str = "write `mongodb://HOST/DATABASE`";

/// Settings in the query of a URL whose values are nobody's business.
const SECRET_SETTINGS: [&str; 3] =
    ["tlscertificatekeyfilepassword", "authmechanismproperties", "proxypassword"];

/// Fewest bytes of a piece of a password that count as telling it.
const TELLING_BYTES: usize = 3;

/// A URL that was read.
#[derive(Debug)]
pub(super) struct Address {
    /// Without any secret.
    pub(super) shown: String,
    pub(super) database: String,
    text: String,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let shown = without_secrets(url);
        let refused = |reason: String| StoreError::Url { url: shown.clone(), reason };
        if !url.starts_with("mongodb://") && !url.starts_with("mongodb+srv://") {
            return Err(refused(FORM.into()));
        }
        if has_broken_escape(url) {
            return Err(refused(unescaped()));
        }
        let read = ConnectionString::parse(url).map_err(|error| refused(reason(url, &error)))?;
        let database =
            read.default_database.ok_or_else(|| refused(format!("the database is missing, {FORM}")))?;
        Ok(Self { shown, database, text: url.to_owned() })
    }

    /// Options for the driver. Asks the DNS about `mongodb+srv`.
    pub(super) async fn client_options(&self, options: &MongoOptions) -> Result<ClientOptions, StoreError> {
        let read = ClientOptions::parse(&self.text).await;
        let mut client = read.map_err(|error| self.unresolved(error))?;
        // What was written has to be there when it is read next, so everything goes by the primary as it is.
        client.selection_criteria = None;
        client.read_concern = None;
        client.app_name.get_or_insert_with(|| "wayfare".into());
        client.min_pool_size.get_or_insert(options.min_size);
        client.max_pool_size.get_or_insert(options.max_size);
        client.max_idle_time = client.max_idle_time.or(options.max_idle_time);
        client.connect_timeout.get_or_insert(options.connect_timeout);
        client.server_selection_timeout.get_or_insert(options.server_selection_timeout);
        let concern = client.write_concern.get_or_insert_with(WriteConcern::default);
        concern.w.get_or_insert(Acknowledgment::Majority);
        concern.journal.get_or_insert(true);
        Ok(client)
    }
}

impl Address {
    fn unresolved(&self, error: mongodb::error::Error) -> StoreError {
        let url = self.shown.clone();
        match &*error.kind {
            ErrorKind::DnsResolve { .. } => Fault::from(error).told(&url),
            _ => StoreError::Url { url, reason: reason(&self.text, &error) },
        }
    }
}

/// Calls `heed` with what happens to connections.
pub(super) fn watch_pool(client: &mut ClientOptions, heed: impl Fn(CmapEvent) + Send + Sync + 'static) {
    client.cmap_event_handler = Some(EventHandler::callback(heed));
}

/// Why the driver does not take a URL, in its words unless they tell the password.
fn reason(url: &str, error: &mongodb::error::Error) -> String {
    let text = error.kind.to_string();
    let text = text.strip_prefix("An invalid argument was provided: ").unwrap_or(&text);
    let secret = secret_of(url).unwrap_or_default();
    let mut pieces = secret.split(|sign: char| !sign.is_alphanumeric());
    if pieces.any(|piece| piece.len() >= TELLING_BYTES && text.contains(piece)) || tells_setting(url, text) {
        return unescaped();
    }
    text.to_owned()
}

fn unescaped() -> String {
    format!("it cannot be read: percent-encode the user's name and password, and {FORM}")
}

/// Whether a `%` stands before a sign that is no hex digit and takes several bytes: the driver would take two bytes for
/// the digits, and panic with the user's name or password in its message.
fn has_broken_escape(url: &str) -> bool {
    url.split('%').skip(1).any(|behind| behind.len() >= 2 && !behind.is_char_boundary(2))
}

/// What stands where a password does.
fn secret_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (account, _) = rest.rsplit_once('@')?;
    account.split_once(':').map(|(_, secret)| secret)
}

fn tells_setting(url: &str, text: &str) -> bool {
    settings(url).any(|(name, value)| is_secret(name) && !value.is_empty() && text.contains(value))
}

fn settings(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.rsplit_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|setting| setting.split_once('='))
}

fn is_secret(setting: &str) -> bool {
    SECRET_SETTINGS.contains(&setting.to_ascii_lowercase().as_str())
}

fn without_secrets(url: &str) -> String {
    let shown = without_password(url);
    let Some((place, _)) = shown.rsplit_once('?') else {
        return shown;
    };
    let query = shown[place.len() + 1..].split('&').map(|setting| match setting.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=***"),
        _ => setting.to_owned(),
    });
    format!("{place}?{}", query.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> (String, String) {
        match Address::parse(url) {
            Err(StoreError::Url { url, reason }) => (url, reason),
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn a_url_names_a_database_and_is_shown_without_secrets() {
        let address = Address::parse("mongodb://ann:p%40ss@a:1,b:2/shop?replicaSet=r").unwrap();
        assert_eq!(address.database, "shop");
        assert_eq!(address.shown, "mongodb://ann:***@a:1,b:2/shop?replicaSet=r");
        let (shown, _) = refused("mongodb://a/shop?tlsCertificateKeyFilePassword=x&replicaSet=r");
        assert_eq!(shown, "mongodb://a/shop?tlsCertificateKeyFilePassword=***&replicaSet=r");
        assert!(Address::parse("mongodb+srv://cluster.example.com/shop").is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (url, part) in [
            ("mongodb://host", "database is missing, write `mongodb://HOST/DATABASE`"),
            ("mongodb://ann:secret@host/", "database is missing"),
            ("mongodb:host/db", "write `mongodb://HOST/DATABASE`"),
            ("postgres://host/db", "write `mongodb://HOST/DATABASE`"),
            ("mongodb://host:port/db", "port"),
            ("mongodb://host/db?w=-3", "w"),
            ("mongodb://host/a b.c", "database"),
        ] {
            let (_, reason) = refused(url);
            assert!(reason.contains(part), "{url}: {reason}");
        }
        for url in [
            "mongodb://ann:sec@ret/word@host/db",
            "mongodb://ann:sec:ret@host/db",
            "mongodb://ann:sec?ret=word&ret@host/db",
            "mongodb://ann:sec%zzret@host/db",
            "mongodb://ann:sec%0éret@host/db",
            "mongodb://ann:%€secret@host/db",
            "mongodb://ann:secret@host:99999/db",
        ] {
            let (shown, reason) = refused(url);
            assert!(!shown.contains("sec") && !shown.contains("ret"), "{shown}");
            assert!(!reason.contains("sec") && !reason.contains("ret"), "{url}: {reason}");
        }
    }
}
