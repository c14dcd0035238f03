//! The client that figures and traces are sent with: one connection for each request, of which there are a few a minute.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::Uri;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::net::TcpStream;

/// How long a request may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read: a collector says what it did not take, which is short.
const ANSWER_BYTES: usize = 1 << 20;

/// Why a collector did not take what it was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// It was not reached, or the connection was lost.
    #[error("`{host}` is not reached: {source}")]
    Away { host: String, source: HttpError },
    /// It was reached and refused.
    #[error("`{host}` answers with {status}")]
    Refused { host: String, status: u16 },
    /// It did not answer in time.
    #[error("`{host}` does not answer within {} s", TIMEOUT.as_secs())]
    Late { host: String },
}

/// The client. It has no threads: it works on that of its caller, which must not be one of an executor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client;

impl Client {
    /// Sends a message of OTLP.
    pub(super) fn post(self, url: &str, message: Vec<u8>) -> Result<(), SendError> {
        let request = Request::post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
            .body(Bytes::from(message));
        let request =
            request.map_err(|error| SendError::Away { host: url.to_owned(), source: error.into() })?;
        let host = host_of(request.uri());
        let response = send(request)?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(SendError::Refused { host, status: response.status().as_u16() }),
        }
    }
}

impl HttpClient for Client {
    fn send_bytes<'client, 'future>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'future>>
    where
        'client: 'future,
        Self: 'future,
    {
        // The exporter polls this on a thread of its own, without an executor of tokio.
        Box::pin(async move { Ok(send(request)?) })
    }
}

fn send(request: Request<Bytes>) -> Result<Response<Bytes>, SendError> {
    let host = host_of(request.uri());
    let away = |source: HttpError| SendError::Away { host: host.clone(), source };
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor = executor.map_err(|error| away(error.into()))?;
    let sent = executor.block_on(async { tokio::time::timeout(TIMEOUT, exchange(request)).await });
    sent.map_err(|_| SendError::Late { host: host.clone() })?.map_err(away)
}

async fn exchange(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let uri = request.uri().clone();
    let host = uri.host().ok_or("its url names no host")?.trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let named = uri.authority().map_or("", |authority| authority.as_str());
    request.headers_mut().insert(HOST, HeaderValue::from_str(named)?);
    // On an own connection a request names its path only.
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    let answering = async {
        let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
        drop(sender);
        Ok::<_, HttpError>(Response::from_parts(parts, body))
    };
    let (answer, _) = tokio::join!(answering, connection);
    answer
}

fn host_of(uri: &Uri) -> String {
    // Without the user and password that an authority may begin with.
    uri.host().map_or_else(String::new, |host| match uri.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}
