//! Ctrl-C during a walk, and progress meanwhile.

use std::pin::pin;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};
use wayfare::Runtime;

use super::elapsed_ms;
use crate::command::exit::{Exit, Failure};
use crate::command::progress::Progress;
use crate::command::session::Session;

/// How often progress is looked at. Looking costs the walk a copy of its state.
const LOOK: Duration = Duration::from_secs(1);

/// How long a cancelled walk may take to tell what it knows.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits for a walk. Ctrl-C cancels it and prints what is known of it by then.
pub(super) async fn unless_interrupted(
    session: &Session,
    runtime: &Runtime,
    keeps_ids: bool,
    begun: Instant,
    walk: impl Future<Output = Result<Value, Failure>>,
) -> Result<Value, Failure> {
    let mut walk = pin!(walk);
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut progress = Progress::count(session.quiet, None, "visits");
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            result = &mut walk => return result,
            // Where signals cannot be listened to, the system's own handling ends the command.
            Ok(()) = &mut interrupt => {
                drop(progress);
                return Err(interrupted(session, runtime, begun).await?);
            }
            _ = look.tick(), if progress.is_wanted() => {
                let visits = if keeps_ids { 0 } else { visits_of(&known(runtime).await) };
                progress.set(visits);
            }
        }
    }
}

/// Cancels all walks and prints how far they came.
async fn interrupted(session: &Session, runtime: &Runtime, begun: Instant) -> Result<Failure, Failure> {
    let walks = known(runtime).await;
    for walk in walks.iter().filter_map(|walk| walk["walk"].as_u64()) {
        runtime.handle().cancel(walk).await;
    }
    session.output.one(&json!({
        "interrupted": true,
        "visited": visits_of(&walks),
        "elapsed_ms": elapsed_ms(begun),
        "walks": walks,
    }))?;
    Ok(Failure::new(Exit::Interrupted, "interrupted: the walk was cancelled before its end"))
}

/// What the walks are doing; nothing where they do not answer in time.
async fn known(runtime: &Runtime) -> Vec<Value> {
    timeout(PATIENCE, runtime.handle().walks()).await.unwrap_or_default()
}

fn visits_of(walks: &[Value]) -> u64 {
    walks.iter().filter_map(|walk| walk["profile"]["visits"].as_u64()).sum()
}
