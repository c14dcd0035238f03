//! Watching a runtime on a terminal until somebody has seen enough.

use std::io;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};

use super::address::Address;
use super::client::ask;
use super::screen::Screen;
use super::watch::{Pressed, Watch};

/// Asks and shows until a key or a signal ends it. A runtime that does not answer is asked on.
pub(super) async fn watch(address: &Address, mut watch: Watch) -> io::Result<()> {
    let mut end = std::pin::pin!(signalled()?);
    let screen = Screen::take()?;
    let mut events = EventStream::new();
    let mut asking = Box::pin(ask(address));
    // When the question is asked that comes after the one under way, `None` while that one is.
    let mut asked_at = Instant::now();
    let mut is_asking = true;
    screen.show(watch.frame())?;
    loop {
        let next = watch.wait().map(|wait| asked_at + wait);
        tokio::select! {
            heard = &mut asking, if is_asking => {
                is_asking = false;
                // Under the page that is paused, nothing moves.
                if next.is_some() {
                    watch.hear(heard);
                }
            }
            () = sleep_until(next.unwrap_or(asked_at)), if !is_asking && next.is_some() => {
                asked_at = Instant::now();
                asking = Box::pin(ask(address));
                is_asking = true;
                continue;
            }
            event = events.next() => match event {
                Some(Ok(Event::Key(key))) => match watch.press(&key) {
                    Pressed::Quit => return Ok(()),
                    Pressed::Changed => {}
                    Pressed::Nothing => continue,
                },
                Some(Ok(Event::Resize(..))) => {}
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            () = &mut end => return Ok(()),
        }
        screen.show(watch.frame())?;
    }
}

/// Waits for a signal that ends the command: the system's own handling would leave the terminal as it is.
#[cfg(unix)]
fn signalled() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Waits for a signal that ends the command.
#[cfg(not(unix))]
fn signalled() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
