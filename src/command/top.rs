//! `wayfare top`: how a runtime is doing, live, by the endpoint that it serves.

mod address;
mod client;
mod figures;
mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod health;
mod live;
mod page;
mod screen;
mod summary;
mod units;
mod watch;

use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use clap::Args;

use self::address::{Address, AddressError};
use self::client::{AskError, ask};
use self::figures::Interval;
use self::summary::Summary;
use self::watch::Watch;
use super::exit::{Exit, Failure};
use super::output::{Format, Output, to_value};
use super::session::Session;

/// Where the runtime is, and how it is shown.
#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    /// Where the runtime serves its figures, `HOST:PORT` [default: `[observe] listen` of the settings]
    address: Option<String>,

    /// Prints one page of text over one interval and ends; so it does where standard output is no terminal
    #[arg(long)]
    once: bool,

    /// Prints the figures of one interval as JSON and ends
    #[arg(long)]
    json: bool,

    /// How long an interval is, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    interval_ms: u64,
}

/// Shows a runtime until a key ends it, or once.
pub(crate) async fn run(
    session: &Session,
    arguments: TopArgs,
    format: Option<Format>,
) -> Result<Exit, Failure> {
    let address = match &arguments.address {
        Some(address) => address.parse()?,
        None => Address::of_settings(&session.config.observe)?,
    };
    let interval = Duration::from_millis(arguments.interval_ms);
    let format = if arguments.json { Some(Format::Json) } else { format };
    match format {
        Some(format @ (Format::Json | Format::Csv)) => {
            let summary = measure(&address, interval).await?;
            Output::new(Some(format)).one(&to_value(&summary)?)?;
        }
        _ if arguments.once || !stdout().is_terminal() => {
            let summary = measure(&address, interval).await?;
            let text =
                page::head(&address.to_string(), Some(&summary)).text() + "\n" + &page::page(&summary).text();
            stdout().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))?;
        }
        _ => {
            let watched = live::watch(&address, Watch::new(address.to_string(), interval)).await;
            watched
                .map_err(|error| Failure::new(Exit::Failed, format!("cannot use the terminal: {error}")))?;
        }
    }
    Ok(Exit::Done)
}

/// Asks twice, with an interval between.
async fn measure(address: &Address, interval: Duration) -> Result<Summary, AskError> {
    let before = ask(address).await?;
    tokio::time::sleep(interval).await;
    let after = ask(address).await?;
    Ok(Summary::of(&Interval::between(&before.figures, &after.figures), &after.health))
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        Self::bad_input(error.to_string())
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        Self::new(Exit::Failed, super::exit::explain(&error))
    }
}
