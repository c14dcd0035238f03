//! Figures and traces as a collector gets them, over HTTP and in protobuf.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracing::Instrument;
use wayfare::metrics_table;

use super::listening::listen;
use crate::walks::stage::{Stage, until};

/// A collector that keeps what it is sent.
pub(super) struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    metrics: Vec<ExportMetricsServiceRequest>,
    traces: Vec<ExportTraceServiceRequest>,
}

impl Collector {
    /// Starts it on a thread of its own, which lives as long as the test program.
    pub(super) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::<Mutex<Kept>>::default();
        let own = Arc::clone(&kept);
        std::thread::spawn(move || {
            let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            executor.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let kept = Arc::clone(&own);
                    let take = service_fn(move |request| take(request, Arc::clone(&kept)));
                    let serving = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), take);
                    tokio::spawn(serving);
                }
            });
        });
        Self { address, kept }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans so far.
    fn spans(&self) -> Vec<Span> {
        let kept = self.kept.lock().unwrap();
        let resources = kept.traces.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }

    /// The metrics of the last message, if there was one.
    fn last_metrics(&self) -> Option<Vec<Metric>> {
        let kept = self.kept.lock().unwrap();
        Some(kept.metrics.last()?.resource_metrics[0].scope_metrics[0].metrics.clone())
    }
}

async fn take(
    request: Request<Incoming>,
    kept: Arc<Mutex<Kept>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut kept = kept.lock().unwrap();
    match path.as_str() {
        "/v1/metrics" => kept.metrics.push(ExportMetricsServiceRequest::decode(body).unwrap()),
        "/v1/traces" => kept.traces.push(ExportTraceServiceRequest::decode(body).unwrap()),
        _ => panic!("{path} is no path of OTLP"),
    }
    Ok(Response::new(Full::new(Bytes::new())))
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_arrive_at_a_collector_and_the_last_ones_at_the_stop() {
    let collector = Collector::start();
    let stage = Stage::with(|config| config.observe_otlp(collector.url()).observe_otlp_interval_ms(100));
    stage.draw("a>b").await;
    stage.trail("a").await;
    let visits = || {
        let metrics = collector.last_metrics()?;
        let visits = metrics.into_iter().find(|metric| metric.name == "wayfare_visits_total")?;
        let Some(Data::Sum(sum)) = visits.data else { panic!("a counter is a sum") };
        assert!(sum.is_monotonic);
        match sum.data_points[0].value {
            Some(number_data_point::Value::AsDouble(visits)) => Some(visits),
            other => panic!("{other:?}"),
        }
    };
    until(async || visits() == Some(2.0)).await;
    let metrics = collector.last_metrics().unwrap();
    let table = metrics_table().iter().filter(|spec| !spec.name.starts_with("wayfare_pool_"));
    let expected: Vec<(&str, &str)> = table.map(|spec| (spec.name, spec.unit)).collect();
    let names: Vec<(&str, &str)> =
        metrics.iter().map(|metric| (metric.name.as_str(), metric.unit.as_str())).collect();
    assert_eq!(names, expected);
    let commits = metrics.iter().find(|metric| metric.name == "wayfare_commit_writes").unwrap();
    let Some(Data::Histogram(commits)) = &commits.data else { panic!("{commits:?}") };
    let point = &commits.data_points[0];
    assert_eq!((point.count, point.sum), (1, Some(3.0)));
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    // Three writes are more than two and at most four.
    assert_eq!((point.explicit_bounds[2], point.bucket_counts[2]), (4.0, 1));
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), 1);

    stage.trail("a").await;
    stage.runtime.clone().shutdown().await;
    assert_eq!(visits(), Some(4.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_is_done_without() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    let stage = Stage::with(|config| config.observe_otlp(url).observe_otlp_interval_ms(100));
    stage.draw("a>b").await;
    assert_eq!(stage.trail("a").await, "a b");
    stage.runtime.clone().shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_of_a_walk_arrives_at_a_collector() {
    let listening = listen();
    let stage = Stage::new();
    stage.draw("a>b b>c").await;
    let stage = stage.reopened().await;
    let caller = tracing::info_span!("caller", request = "otlp-17");
    stage.trail("a").instrument(caller.clone()).await;
    let root = caller.clone();
    drop(caller);
    until(async || listening.trace_of(&root).values().all(|told| told.is_closed || told.name == "caller"))
        .await;
    drop(root);
    tokio::task::spawn_blocking(|| listening.traces.flush().unwrap()).await.unwrap();
    let spans = listening.collector.spans();
    let request = spans.iter().find(|span| attribute(span, "request").as_deref() == Some("otlp-17")).unwrap();
    let trace: Vec<&Span> = spans.iter().filter(|span| span.trace_id == request.trace_id).collect();
    let walk = trace.iter().find(|span| span.name == "walk").unwrap();
    assert_eq!(walk.parent_span_id, request.span_id);
    assert_eq!(attribute(walk, "walker").as_deref(), Some("Trail"));
    assert_eq!(attribute(walk, "outcome").as_deref(), Some("finished"));
    let loads: Vec<_> = trace.iter().filter(|span| span.name == "store").collect();
    assert!(!loads.is_empty() && loads.iter().all(|span| span.parent_span_id == walk.span_id));
    assert!(walk.start_time_unix_nano <= loads[0].start_time_unix_nano);
    assert!(loads[0].end_time_unix_nano <= walk.end_time_unix_nano);
}
