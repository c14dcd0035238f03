//! The task that owns connecting: it makes the connection, watches over it, and makes it again.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, PushInfo, Value};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use wayfare_graph::RemoteError;

use super::fault::{Fault, bytes, done};
use super::link::{Link, Live};
use super::script::TEXTS;
use super::stamp::fraction;

/// The shortest pause, whatever the settings say: attempts without any would keep a processor.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// Keeps a connection until the runtime of the cache ends.
pub(super) async fn keep(link: Arc<Link>, mut first: Option<Arc<Live>>) {
    loop {
        let live = match first.take() {
            Some(live) => live,
            None => connect_at_last(&link).await,
        };
        watch(&link, &live).await;
    }
}

/// Makes a connection and lets calls through, in one attempt.
pub(super) async fn connect(link: &Arc<Link>) -> Result<Arc<Live>, RemoteError> {
    let limit = link.options.connect_timeout;
    let prepared = match timeout(limit, prepare(link)).await {
        Ok(prepared) => prepared,
        Err(_) => Err(Fault::Away(format!("no connection within {limit:?}"))),
    };
    let live = prepared.map(Arc::new).map_err(|fault| link.told(fault))?;
    link.set_live(Arc::clone(&live));
    tracing::debug!(url = link.address.shown, "the cache is connected");
    Ok(live)
}

/// Tries until there is a connection.
///
/// Pauses double, and half of each is drawn: those who lost a server together do not come back together.
async fn connect_at_last(link: &Arc<Link>) -> Arc<Live> {
    let mut pause = link.options.retry_pause.max(SHORTEST_PAUSE);
    loop {
        sleep(pause.mul_f64(0.5 + fraction() / 2.0)).await;
        match connect(link).await {
            Ok(live) => return live,
            Err(error) => link.set_reason(&error),
        }
        pause = pause.saturating_mul(2).min(link.options.max_retry_pause).max(SHORTEST_PAUSE);
    }
}

/// Asks for signs of life until the connection is given up: a network that fell silent tells nobody, and no change
/// would come from there any more.
async fn watch(link: &Link, live: &Live) {
    let mut ping = Pipeline::new();
    ping.cmd("TIME");
    loop {
        if timeout(link.options.ping_interval, live.ended.notified()).await.is_ok() {
            return;
        }
        let mut connection = live.connection.clone();
        let answer = connection.send_packed_commands(&ping, 0, 1);
        let reason = match timeout(link.options.call_timeout, answer).await {
            Ok(Ok(answers)) => {
                // Whatever it says, it lives.
                let _ = answers.first().map(|time| link.time.set(time));
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no sign of life within {:?}", link.options.call_timeout),
        };
        // Where somebody else has given it up, that is what is to be waited for.
        link.lose(live.generation, &reason);
        return;
    }
}

async fn prepare(link: &Arc<Link>) -> Result<Live, Fault> {
    let generation = link.next_generation();
    let heard = Arc::downgrade(link);
    let hear = move |push: PushInfo| -> Result<(), redis::aio::SendError> {
        if let Some(link) = heard.upgrade() {
            link.pushed(generation, &push);
        }
        Ok(())
    };
    // Times are limited here, over all of it, and by each call.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_push_sender(hear);
    let client = &link.address.client;
    let connected = client.get_multiplexed_async_connection_with_config(&config).await;
    let mut connection = connected.map_err(|error| Fault::from(error).while_preparing())?;
    let hashes = introduce(link, &mut connection).await?;
    let (unanswered, ended) = (AtomicU32::new(0), Notify::new());
    Ok(Live { generation, connection, hashes, unanswered, ended })
}

/// Has changes told over the connection, and sends the scripts.
async fn introduce(
    link: &Link,
    connection: &mut MultiplexedConnection,
) -> Result<[String; TEXTS.len()], Fault> {
    let mut pipeline = Pipeline::new();
    let mut track = Cmd::new();
    track.arg("CLIENT").arg("TRACKING").arg("ON").arg("BCAST");
    for prefix in [&link.keys.entries, &link.keys.tag_guards, &link.keys.all_guard] {
        track.arg("PREFIX").arg(prefix);
    }
    pipeline.add_command(track.arg("NOLOOP").to_owned());
    pipeline.cmd("TIME");
    for text in TEXTS {
        pipeline.cmd("SCRIPT").arg("LOAD").arg(text);
    }
    let answers = connection.send_packed_commands(&pipeline, 0, pipeline.len()).await?;
    let [tracked, time, loaded @ ..] = &*answers else { return Err(too_few()) };
    done(tracked).map_err(Fault::while_preparing)?;
    link.time.set(time)?;
    let hashes = loaded.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
    hashes.try_into().map_err(|_| too_few())
}

fn hash(loaded: &Value) -> Result<String, Fault> {
    let hash = bytes(loaded)?.and_then(|hash| std::str::from_utf8(hash).ok());
    hash.map(str::to_owned).ok_or_else(|| Fault::Garbage("no hash of a script".into()))
}

fn too_few() -> Fault {
    Fault::Garbage("fewer answers than questions".into())
}
