//! All errors of the public face.

use std::path::PathBuf;

use wayfare_actors::{PinError, StartError};
use wayfare_graph::{
    BodyError, CacheError, DocumentError, EntityName, FilterError, Id, IdError, StoreError, WalkError,
    WriteError,
};

use crate::config::ConfigError;
use crate::cursor::CursorError;
use crate::observe::ObserveError;

/// Any error of Wayfare.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The runtime did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store failed as a whole.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A write was refused.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Entities were not pinned.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A walk did not start, or ended with an error.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A text is no id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Figures and health could not be served.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// Signals cannot be listened to.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] std::io::Error),
    /// A cache refused.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A filter was refused.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Fields could not be written or read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A document could not be made or read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A cursor was refused.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A field was named that the type does not have.
    #[error("{entity} has no field `{field}`{}", did_you_mean(nearest.as_deref()))]
    UnknownField {
        /// The entity of the type.
        entity: EntityName,
        /// The name that was given.
        field: String,
        /// The field that is most like it, if one is.
        nearest: Option<String>,
    },
    /// An update met a new conflict at every attempt.
    #[error(
        "`{id}` was changed by others at each of {attempts} attempts to update it: raise `[updates] retries`"
    )]
    Contended {
        /// The entity.
        id: Id,
        /// How often the update was applied.
        attempts: usize,
    },
    /// An id is of another kind or entity than the type asked for.
    #[error("`{id}` is not a {wanted}")]
    WrongEntity {
        /// The id.
        id: Id,
        /// The kind and entity of the type.
        wanted: String,
    },
    /// A file could not be read or written.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's own error.
        #[source]
        source: std::io::Error,
    },
}

/// A result with Wayfare's [`Error`] unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!(": did you mean `{nearest}`?"),
        None => "; write `context.FIELD` for one that only its documents have".to_owned(),
    }
}
