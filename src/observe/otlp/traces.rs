//! Spans of `tracing` to a collector.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use super::client::Client;
use super::endpoint;
use crate::config::ObserveConfig;
use crate::observe::ObserveError;

/// Sends spans to the collector that `[observe] otlp` names; put its [`layer`](Self::layer) into the program's subscriber.
///
/// Spans are sent in groups, some seconds after they have ended. Dropping it sends what waits, for at most five seconds.
#[derive(Debug)]
pub struct OtlpTraces {
    provider: SdkTracerProvider,
}

impl OtlpTraces {
    /// Begins to gather spans for a service; `None` where the settings name no collector.
    ///
    /// # Errors
    /// [`ObserveError::Otlp`] for an endpoint that cannot be.
    pub fn start(config: &ObserveConfig, service: &str) -> Result<Option<Self>, ObserveError> {
        if config.otlp.is_none() {
            return Ok(None);
        }
        let refused = |error: ExporterBuildError| ObserveError::Otlp { reason: error.to_string() };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client)
            .with_endpoint(endpoint(config, "traces"))
            .build()
            .map_err(refused)?;
        let resource = Resource::builder().with_service_name(service.to_owned()).build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Some(Self { provider }))
    }

    /// The layer for a subscriber: `tracing_subscriber::registry().with(traces.layer())`.
    #[must_use]
    pub fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer().with_tracer(self.provider.tracer("wayfare"))
    }

    /// Sends what waits now, and waits for that.
    ///
    /// # Errors
    /// [`ObserveError::Otlp`] when the collector does not take it.
    pub fn flush(&self) -> Result<(), ObserveError> {
        self.provider.force_flush().map_err(|error| ObserveError::Otlp { reason: error.to_string() })
    }
}

impl Drop for OtlpTraces {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "the last traces were not taken by the collector");
        }
    }
}
