//! What is known of a runtime while it is watched: its last interval, whether it answers, and what keys ask for.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::client::{AskError, Told};
use super::figures::Interval;
use super::frame::{Frame, Line, Tone};
use super::page::{head, page};
use super::summary::Summary;
use super::units::time;

/// What `+` and `-` choose from, in milliseconds.
const INTERVALS_MS: [u64; 8] = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/// A runtime that is watched.
#[derive(Debug)]
pub(super) struct Watch {
    address: String,
    interval: Duration,
    is_paused: bool,
    /// The last answer, from which the next interval begins.
    before: Option<Told>,
    summary: Option<Summary>,
    /// Why it does not answer, in words.
    lost: Option<String>,
}

/// What comes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    /// The command ends.
    Quit,
    /// What is shown has changed, and maybe when to ask next.
    Changed,
    /// Nothing.
    Nothing,
}

impl Watch {
    pub(super) fn new(address: String, interval: Duration) -> Self {
        Self { address, interval, is_paused: false, before: None, summary: None, lost: None }
    }

    /// How long to wait before the next question; `None` while paused.
    pub(super) fn wait(&self) -> Option<Duration> {
        (!self.is_paused).then_some(self.interval)
    }

    /// Takes an answer, or that there was none. What was known stays on the page.
    pub(super) fn hear(&mut self, heard: Result<Told, AskError>) {
        match heard {
            Ok(told) => {
                if let Some(before) = &self.before {
                    let interval = Interval::between(&before.figures, &told.figures);
                    self.summary = Some(Summary::of(&interval, &told.health));
                }
                self.before = Some(told);
                self.lost = None;
            }
            Err(error) => {
                // A runtime that comes back may be another one that has run longer already, so no interval goes from
                // the one before to it.
                self.before = None;
                self.lost = Some(error.to_string());
            }
        }
    }

    /// Does what a key asks for.
    pub(super) fn press(&mut self, key: &KeyEvent) -> Pressed {
        if key.kind == KeyEventKind::Release {
            return Pressed::Nothing;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Pressed::Quit,
            KeyCode::Char('q' | 'Q') | KeyCode::Esc => return Pressed::Quit,
            KeyCode::Char('p' | 'P') => self.is_paused = !self.is_paused,
            KeyCode::Char('+' | '=') => {
                let longer = INTERVALS_MS.map(Duration::from_millis).into_iter();
                self.interval = longer.filter(|it| *it > self.interval).min().unwrap_or(self.interval);
            }
            KeyCode::Char('-' | '_') => {
                let shorter = INTERVALS_MS.map(Duration::from_millis).into_iter();
                self.interval = shorter.filter(|it| *it < self.interval).max().unwrap_or(self.interval);
            }
            _ => return Pressed::Nothing,
        }
        Pressed::Changed
    }

    /// What to show.
    pub(super) fn frame(&self) -> Frame {
        let mut frame = Frame::default();
        frame.push(head(&self.address, self.summary.as_ref()));
        match (&self.lost, &self.summary) {
            (Some(lost), Some(_)) => {
                let text = format!("{lost}; below is what it told last, and it is asked again");
                frame.push(Line::named("lost").with(Tone::Bad, text));
            }
            (Some(lost), None) => {
                frame.push(Line::named("waiting").with(Tone::Bad, format!("{lost}; it is asked again")));
            }
            (None, None) => {
                frame.push(Line::named("waiting").with(Tone::Faint, "for two answers to compare"))
            }
            (None, Some(_)) => {}
        }
        if let Some(summary) = &self.summary {
            frame.0.extend(page(summary).0);
        }
        frame.push(Line::default());
        let state = if self.is_paused { "paused" } else { "" };
        frame.push(
            Line::default()
                .with(
                    Tone::Faint,
                    format!("q quit   p pause   + - every {}   ", time(Some(self.interval.as_secs_f64()))),
                )
                .with(Tone::Warning, state),
        );
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::top::figures::Figures;
    use crate::command::top::health::Health;
    use serde_json::json;

    fn told(uptime: f64, visits: f64) -> Result<Told, AskError> {
        let one =
            |name: &str, value: f64| json!({"name": name, "samples": [{"label": null, "value": value}]});
        let families = [one("wayfare_uptime_seconds", uptime), one("wayfare_visits_total", visits)];
        let figures: Figures = serde_json::from_value(json!({ "families": families })).unwrap();
        Ok(Told { figures, health: Health { state: "well".into(), reason: None, parts: Vec::new() } })
    }

    fn gone() -> Result<Told, AskError> {
        Err(AskError::Late { address: "h:1".into() })
    }

    fn watch() -> Watch {
        Watch::new("h:1".into(), Duration::from_secs(1))
    }

    fn press(watch: &mut Watch, code: KeyCode, modifiers: KeyModifiers) -> Pressed {
        watch.press(&KeyEvent::new(code, modifiers))
    }

    #[test]
    fn a_runtime_that_goes_away_and_comes_back_is_shown_again_without_negative_rates() {
        let mut watch = watch();
        assert!(watch.frame().text().contains("for two answers to compare"));
        watch.hear(told(10.0, 1_000.0));
        watch.hear(told(11.0, 1_500.0));
        assert!(watch.frame().text().contains("visits 500/s"), "{}", watch.frame().text());
        watch.hear(gone());
        let text = watch.frame().text();
        assert!(text.contains("`h:1` does not answer") && text.contains("visits 500/s"), "{text}");
        // Another process, which has run longer than the first was watched.
        watch.hear(told(90.0, 100.0));
        assert!(!watch.frame().text().contains("does not answer"));
        watch.hear(told(91.0, 130.0));
        let text = watch.frame().text();
        assert!(text.contains("visits 30/s") && !text.contains("/s -"), "{text}");
    }

    #[test]
    fn a_restart_between_two_answers_is_said() {
        let mut watch = watch();
        watch.hear(told(100.0, 1_000.0));
        watch.hear(told(0.5, 20.0));
        let text = watch.frame().text();
        assert!(text.contains("started again") && text.contains("visits 40/s"), "{text}");
    }

    #[test]
    fn a_runtime_that_never_answered_is_waited_for() {
        let mut watch = watch();
        watch.hear(gone());
        let text = watch.frame().text();
        assert!(
            text.starts_with(
                "wayfare at h:1\nwaiting    `h:1` does not answer within 7 s; it is asked again\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn keys_pause_change_the_interval_and_quit() {
        let mut watch = watch();
        let none = KeyModifiers::NONE;
        assert_eq!(press(&mut watch, KeyCode::Char('p'), none), Pressed::Changed);
        assert_eq!(watch.wait(), None);
        assert!(watch.frame().text().trim_end().ends_with("paused"));
        press(&mut watch, KeyCode::Char('p'), none);
        assert_eq!(watch.wait(), Some(Duration::from_secs(1)));
        for (key, ms) in [('+', 2_000), ('-', 1_000), ('-', 500), ('-', 200), ('-', 200)] {
            press(&mut watch, KeyCode::Char(key), none);
            assert_eq!(watch.wait(), Some(Duration::from_millis(ms)), "{key}");
        }
        assert_eq!(press(&mut watch, KeyCode::Char('c'), none), Pressed::Nothing);
        assert_eq!(press(&mut watch, KeyCode::Char('c'), KeyModifiers::CONTROL), Pressed::Quit);
        assert_eq!(press(&mut watch, KeyCode::Char('q'), none), Pressed::Quit);
        assert_eq!(press(&mut watch, KeyCode::Esc, none), Pressed::Quit);
        let up = KeyEvent::new_with_kind(KeyCode::Char('q'), none, KeyEventKind::Release);
        assert_eq!(watch.press(&up), Pressed::Nothing);
    }
}
