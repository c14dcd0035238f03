//! Figures and health over HTTP.
//!
//! On a thread of its own: it answers while the threads of the runtime are stuck, and says so.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use wayfare_actors::WeakRuntimeHandle;

use super::ObserveError;

/// Connections at once; further ones wait to be taken.
const CONNECTIONS: usize = 64;

/// How long a client may take to send what it asks for.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the runtime may take to say how it is: more than each of its parts may.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The version of Prometheus' text form that is spoken.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

const JSON: &str = "application/json";

/// What is served, and by which path.
const INDEX: &str = "/metrics\n/metrics.json\n/health\n/ready\n";

/// The server. Dropping it stops it.
pub(super) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(runtime: WeakRuntimeHandle, address: SocketAddr) -> Result<Self, ObserveError> {
        let refused = |source| ObserveError::Listen { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let executor = executor.map_err(ObserveError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let serving = move || {
            executor.block_on(async {
                match TcpListener::from_std(listener) {
                    Ok(listener) => tokio::select! {
                        () = serve(&listener, &runtime) => {}
                        _ = stopped => {}
                    },
                    Err(error) => tracing::error!(%error, "figures and health are not served"),
                }
            });
        };
        let thread = std::thread::Builder::new().name("wayfare-observe".into()).spawn(serving);
        let thread = Some(thread.map_err(ObserveError::Thread)?);
        Ok(Self { address: bound, stop: Some(stop), thread })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A request may hold the last handle of the runtime: then this is the thread that would be waited for.
        if let Some(thread) = self.thread.take().filter(|it| it.thread().id() != std::thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: &TcpListener, runtime: &WeakRuntimeHandle) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // Never closed, so there is always a next one.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Such as too many open files: trying again at once would only heat the machine.
                tracing::warn!(%error, "a connection to the figures was not taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let runtime = runtime.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let runtime = runtime.clone();
                async move { Ok::<_, Infallible>(answer(&request, &runtime).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), answer);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the figures ended");
            }
            drop(place);
        });
    }
}

async fn answer(request: &Request<Incoming>, runtime: &WeakRuntimeHandle) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(runtime) = runtime.upgrade() else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "the runtime has stopped\n");
    };
    match request.uri().path() {
        "/" => text(StatusCode::OK, INDEX),
        "/metrics" => respond(StatusCode::OK, PROMETHEUS, runtime.metrics().to_prometheus()),
        "/metrics.json" => told(true, &runtime.metrics()),
        "/health" => match in_time(runtime.health_report()).await {
            Some(health) => told(health.is_up(), &health),
            None => unheard(),
        },
        "/ready" => match in_time(runtime.readiness()).await {
            Some(readiness) => told(readiness.ready, &readiness),
            None => unheard(),
        },
        _ => text(StatusCode::NOT_FOUND, INDEX),
    }
}

/// What the runtime says of itself, `None` where it says nothing.
async fn in_time<T, E>(said: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(ANSWER_TIMEOUT, said).await.ok()?.ok()
}

fn unheard() -> Response<Full<Bytes>> {
    told(false, &json!({ "state": "failed", "ready": false, "reason": "the runtime does not answer" }))
}

/// JSON, with the status by which probes decide.
fn told(is_well: bool, what: &impl Serialize) -> Response<Full<Bytes>> {
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match serde_json::to_string(what) {
        Ok(json) => respond(status, JSON, json),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", text.to_owned())
}

fn respond(status: StatusCode, content: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}
