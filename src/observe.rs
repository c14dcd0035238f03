//! Telling others how a runtime is: over HTTP, and by OTLP where that is built in.

#[cfg(feature = "otlp")]
mod otlp;
mod server;

use std::net::SocketAddr;

use wayfare_actors::RuntimeHandle;

#[cfg(feature = "otlp")]
pub use self::otlp::OtlpTraces;

use crate::config::ObserveConfig;

/// Why figures and health cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObserveError {
    /// The address cannot be listened on.
    #[error("`[observe] listen` at `{address}`: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's own error.
        #[source]
        source: std::io::Error,
    },
    /// Traces cannot be sent, or were not taken.
    #[error("`[observe] otlp`: {reason}")]
    Otlp {
        /// Why, in the words of the exporter.
        reason: String,
    },
    /// A thread could not be started.
    #[error("cannot start a thread that tells of the runtime: {0}")]
    Thread(#[source] std::io::Error),
}

/// Starts what the settings ask for; it ends with the runtime.
pub(crate) fn start(
    handle: &RuntimeHandle,
    config: &ObserveConfig,
) -> Result<Option<SocketAddr>, ObserveError> {
    // Without the feature, settings that ask for it were refused before.
    #[cfg(feature = "otlp")]
    if !config.otlp.is_none() {
        handle.keep(Box::new(otlp::Sending::start(handle.downgrade(), config)?));
    }
    let Some(address) = config.listen_address() else { return Ok(None) };
    let server = server::Server::start(handle.downgrade(), address)?;
    let address = server.address();
    handle.keep(Box::new(server));
    Ok(Some(address))
}
