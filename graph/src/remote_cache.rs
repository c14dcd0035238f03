//! The port to a cache that several processes share.
//!
//! Values computed from what is stored may be out of date before they are kept: somebody may delete the key, or
//! invalidate a tag, while they are being computed. So whoever is about to compute asks for a [`Ticket`] first, and
//! what is filled in under it is kept only if nobody deleted, invalidated or set anything it depends on since.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// An answer of a remote cache.
pub type RemoteFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, RemoteError>> + Send + 'a>>;

/// Why a remote cache does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The URL says nothing that can be connected to.
    #[error("`{url}` is no URL of a cache: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answers, or not in time. While it lasts calls fail with this at once.
    #[error("the cache at `{url}` does not answer: {reason}")]
    Away {
        /// The URL, without its password.
        url: String,
        /// What was tried.
        reason: String,
    },
    /// The server refuses: a wrong user or password, a command that it does not know.
    #[error("the cache at `{url}` refuses: {reason}")]
    Refused {
        /// The URL, without its password.
        url: String,
        /// What the server says.
        reason: String,
    },
    /// It answers what cannot be understood.
    #[error("the cache at `{url}` answers what it should not: {reason}")]
    Garbage {
        /// The URL, without its password.
        url: String,
        /// What it was.
        reason: String,
    },
}

/// What is kept under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteEntry {
    /// The value, encoded.
    pub value: Arc<[u8]>,
    /// How long it is kept from now on.
    pub left: Duration,
    /// What it was tagged with.
    pub tags: Vec<String>,
}

/// What a fill depends on, as it was before its value was computed. Only the cache that gave it can read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticket(pub Vec<Option<Vec<u8>>>);

/// A key and what its value would be tagged with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// The key.
    pub key: String,
    /// Tags that [`fill`](RemoteCache::fill) will be given under the ticket.
    pub tags: Vec<String>,
}

/// What a key holds, and a ticket to fill it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedUp {
    /// The entry, `None` when there is none.
    pub entry: Option<RemoteEntry>,
    /// Good for one fill of this key with these tags, for [`TICKET_LIFE`].
    pub ticket: Ticket,
}

/// A value to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePut {
    /// The key.
    pub key: String,
    /// The value, encoded.
    pub value: Arc<[u8]>,
    /// How long it is kept, from one millisecond.
    pub ttl: Duration,
    /// Tags by which it can be invalidated with others.
    pub tags: Vec<String>,
}

/// How long a ticket is good. Who takes longer to compute keeps nothing.
pub const TICKET_LIFE: Duration = Duration::from_secs(600);

/// What happened to entries of a remote cache.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteChange {
    /// Somebody else wrote or removed what is kept under a key, or it has expired. May be told without a reason.
    Key(String),
    /// Somebody else invalidated a tag. May be told without a reason.
    Tag(String),
    /// Somebody else removed everything, or entries by pattern. May be told without a reason.
    Everything,
    /// The connection was lost: changes are missed from now on.
    Lost,
    /// There is a connection again: changes are told from now on.
    Back,
}

/// Hears of changes, see [`RemoteCache::listen`].
pub type RemoteListener = Arc<dyn Fn(&RemoteChange) + Send + Sync>;

/// A cache that several processes share.
///
/// Keys and tags are any text of 1 to 512 bytes. Every call ends within the time limit of a call, whatever the server
/// does, and fails at once while the server is known to be away. Calls that remove by tag or by pattern take as many
/// steps as there is to remove, each of which ends within that limit.
///
/// A change that was acknowledged, to whoever made it, before a look-up was begun is told before the look-up is
/// answered. What is done at the same time may be told a moment later, but no change is left out while there is a
/// connection. So who copies what was looked up keeps it only if no change of its key or tags, and none of
/// [`Everything`](RemoteChange::Everything), [`Lost`](RemoteChange::Lost) and [`Back`](RemoteChange::Back), was told
/// since before the look-up was begun, and drops it when one is told; then nothing that it keeps is out of date for
/// longer than a change is on its way.
///
/// Its own changes are not told to a cache, except that [`invalidate`](Self::invalidate) tells the keys it removes:
/// who copies drops what it changes, after the call has ended, however it ended.
pub trait RemoteCache: Send + Sync + fmt::Debug + 'static {
    /// Where it is, without secrets.
    fn describe(&self) -> String;

    /// What keys hold, in order, in one round trip: for who does not want to fill them.
    fn peek<'a>(&'a self, keys: &'a [&'a str]) -> RemoteFuture<'a, Vec<Option<RemoteEntry>>>;

    /// What keys hold, in order, in one round trip, and tickets to fill them.
    fn look_up<'a>(&'a self, wanted: &'a [LookUp]) -> RemoteFuture<'a, Vec<LookedUp>>;

    /// Keeps a computed value, unless what it depends on has changed since the ticket was given: then `false`, and
    /// nothing is kept.
    fn fill<'a>(&'a self, put: &'a RemotePut, ticket: &'a Ticket) -> RemoteFuture<'a, bool>;

    /// Keeps values, whatever was there before. Fills of these keys under older tickets are not kept.
    fn put<'a>(&'a self, puts: &'a [RemotePut]) -> RemoteFuture<'a, ()>;

    /// Removes keys, and tells how many there were. Fills of these keys under older tickets are not kept.
    fn delete<'a>(&'a self, keys: &'a [String]) -> RemoteFuture<'a, u64>;

    /// Removes all that is tagged with one of these, and may remove what once was, and tells how many there were.
    /// Fills with these tags under older tickets are not kept.
    fn invalidate<'a>(&'a self, tags: &'a [String]) -> RemoteFuture<'a, u64>;

    /// Removes the keys that a pattern matches, in which `*` stands for any text, `?` for any one character, and
    /// everything else for itself; tells how many there were. No fill under an older ticket is kept.
    ///
    /// Goes through all keys of the cache; others are served meanwhile.
    fn delete_matching<'a>(&'a self, pattern: &'a str) -> RemoteFuture<'a, u64>;

    /// Removes everything of this cache, and nothing else of the server. No fill under an older ticket is kept.
    fn clear(&self) -> RemoteFuture<'_, ()>;

    /// Tells the changes of others from now on, in the order in which they happened, beginning with
    /// [`RemoteChange::Back`] if there is a connection.
    ///
    /// Listeners are called where answers are read: later ones wait until all listeners have returned. So they must be
    /// quick, and must not call the cache. They are heard as long as the cache is there.
    fn listen(&self, listener: RemoteListener);

    /// Whether it answers.
    fn health(&self) -> RemoteFuture<'_, ()>;
}
