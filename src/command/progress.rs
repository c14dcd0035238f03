//! Progress on a terminal, for work that takes longer than a second.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is done sooner shows no bar.
const QUIET_TIME: Duration = Duration::from_secs(1);

/// A bar or spinner on standard error; nothing at all in a pipe or with `--quiet`.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
    /// Whether a bar may be drawn at all.
    wanted: bool,
    drawn: bool,
}

impl Progress {
    /// Progress through so many bytes, or through an unknown number.
    pub(crate) fn bytes(quiet: bool, total: Option<u64>, what: &str) -> Self {
        let bar = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
        let spinner = "{spinner} {msg} {bytes}";
        Self::new(quiet, total, if total.is_some() { bar } else { spinner }, what)
    }

    /// Progress through so many things, or through an unknown number.
    pub(crate) fn count(quiet: bool, total: Option<u64>, what: &str) -> Self {
        let bar = "{msg} {wide_bar} {human_pos}/{human_len} {eta}";
        let spinner = "{spinner} {msg} {human_pos} {elapsed}";
        Self::new(quiet, total, if total.is_some() { bar } else { spinner }, what)
    }

    fn new(quiet: bool, total: Option<u64>, template: &str, what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        // A template that does not parse would cost the bar its looks, not the work.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self { bar, begun: Instant::now(), wanted: !quiet && stderr().is_terminal(), drawn: false }
    }

    /// Whether anybody will see it, so that finding the position is worth its cost.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Moves to a position.
    pub(crate) fn set(&mut self, position: u64) {
        if !self.wanted {
            return;
        }
        if !self.drawn && self.begun.elapsed() >= QUIET_TIME {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.drawn = true;
        }
        self.bar.set_position(position);
    }
}

/// Leaves no trace on the terminal.
impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
