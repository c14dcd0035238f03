//! Asking a runtime how it is, over its endpoint.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::Address;
use super::figures::Figures;
use super::health::Health;

/// How long an answer may take in all. The endpoint itself gives up on a runtime after five seconds, and then says so.
const TIMEOUT: Duration = Duration::from_secs(7);

/// The longest answer that is read; that with all figures is some 50 KiB.
const ANSWER_BYTES: usize = 8 << 20;

/// Where the endpoint tells its figures, and where how each part is.
const FIGURES: &str = "/metrics.json";
const HEALTH: &str = "/health";

/// Why a runtime did not tell how it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// Nobody listens there, or the way there is cut.
    #[error("`{address}` is not reached: {source}")]
    Away { address: String, source: std::io::Error },
    /// What answers does not speak HTTP, or stopped in the middle.
    #[error("`{address}` does not answer in HTTP: {source}")]
    Protocol { address: String, source: hyper::Error },
    /// The answer has another status than an endpoint gives.
    #[error("`{address}{path}` answers with status {status}: is it the `[observe] listen` of a runtime?")]
    Status { address: String, path: &'static str, status: u16 },
    /// The answer is not what an endpoint tells.
    #[error("`{address}{path}` does not tell how a runtime is: {reason}")]
    Content { address: String, path: &'static str, reason: String },
    /// No answer came in time.
    #[error("`{address}` does not answer within {} s", TIMEOUT.as_secs())]
    Late { address: String },
}

/// What a runtime told at one moment.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) figures: Figures,
    pub(super) health: Health,
}

/// Asks for the figures, and then for the health: the figures come at once, also from a runtime that is stuck.
pub(super) async fn ask(address: &Address) -> Result<Told, AskError> {
    let figures = figures_in(address, &get(address, FIGURES, |status| status == StatusCode::OK).await?)?;
    // A runtime of which a part has failed says so with status 503.
    let well_or_not = |status| status == StatusCode::OK || status == StatusCode::SERVICE_UNAVAILABLE;
    let health = health_in(address, &get(address, HEALTH, well_or_not).await?)?;
    Ok(Told { figures, health })
}

/// The figures that an answer tells.
pub(super) fn figures_in(address: &Address, answer: &[u8]) -> Result<Figures, AskError> {
    let figures: Figures = read(address, FIGURES, answer)?;
    if !figures.are_of_a_runtime() {
        let reason = "it has no `wayfare_uptime_seconds`".to_owned();
        return Err(AskError::Content { address: address.to_string(), path: FIGURES, reason });
    }
    Ok(figures)
}

/// The health that an answer tells.
pub(super) fn health_in(address: &Address, answer: &[u8]) -> Result<Health, AskError> {
    read(address, HEALTH, answer)
}

fn read<T: DeserializeOwned>(address: &Address, path: &'static str, answer: &[u8]) -> Result<T, AskError> {
    serde_json::from_slice(answer).map_err(|error| AskError::Content {
        address: address.to_string(),
        path,
        reason: error.to_string(),
    })
}

async fn get(
    address: &Address,
    path: &'static str,
    is_answer: impl Fn(StatusCode) -> bool,
) -> Result<Bytes, AskError> {
    let late = |_| AskError::Late { address: address.to_string() };
    let (status, body) = timeout(TIMEOUT, exchange(address, path)).await.map_err(late)??;
    match is_answer(status) {
        true => Ok(body),
        false => Err(AskError::Status { address: address.to_string(), path, status: status.as_u16() }),
    }
}

/// One request on a connection of its own: there are two a second, and a server that was started again is found so.
async fn exchange(address: &Address, path: &'static str) -> Result<(StatusCode, Bytes), AskError> {
    let broken = |source| AskError::Protocol { address: address.to_string(), source };
    let unfit = |reason: String| AskError::Content { address: address.to_string(), path, reason };
    let stream = TcpStream::connect((address.host(), address.port())).await;
    let stream = stream.map_err(|source| AskError::Away { address: address.to_string(), source })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| unfit(error.to_string()))?;
    let answering = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => broken(*error),
            Err(error) if error.is::<LengthLimitError>() => {
                unfit(format!("its answer has more than {ANSWER_BYTES} bytes"))
            }
            Err(error) => unfit(error.to_string()),
        })?;
        Ok((status, body.to_bytes()))
    };
    let mut answering = std::pin::pin!(answering);
    tokio::select! {
        answer = &mut answering => answer,
        // The answer may be whole when the connection ends; an error of it comes out of the request as well.
        _ = connection => answering.await,
    }
}
