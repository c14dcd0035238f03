//! Answers of an endpoint under a fuzzer: each figure is a number, and on the screen stands the page and nothing else.

use std::str::from_utf8;
use std::time::Duration;

use serde_json::Value;

use super::address::Address;
use super::client::{AskError, Told, figures_in, health_in};
use super::figures::Interval;
use super::frame::{Frame, GAP, Line, NAME_WIDTH};
use super::screen::paint;
use super::summary::Summary;
use super::watch::Watch;
use crate::command::exit::explain;
use crate::command::output::to_value;

/// Members that are null where there is nothing to tell.
const MAY_BE_NULL: [&str; 5] = ["p50", "p99", "writes_in_commit", "hit_ratio", "reason"];

/// A line each: the size of a terminal such as `80x24`, the health, and the figures before and after an interval.
pub(crate) fn answers(input: &[u8]) {
    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let Some(size) = size_in(next()) else { return };
    let (health, before, after) = (next(), next(), next());
    let address: Address = "h:1".parse().expect("it has a host and a port");
    let mut watch = Watch::new(address.to_string(), Duration::from_secs(1));
    let mut heard = Vec::new();
    for figures in [before, after] {
        let told = told_by(&address, figures, health);
        match &told {
            Ok(told) => heard.push(told.clone()),
            Err(error) => assert!(!explain(error).contains(char::is_control), "{error:?}"),
        }
        watch.hear(told);
        check_shown(watch.frame(), size);
    }
    if let [before, after] = &heard[..] {
        let summary = Summary::of(&Interval::between(&before.figures, &after.figures), &after.health);
        check_told("", &to_value(&summary).expect("it is JSON"));
    }
}

/// `WIDTHxHEIGHT`.
fn size_in(line: &[u8]) -> Option<(u16, u16)> {
    let (width, height) = from_utf8(line).ok()?.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// What `ask` gives where a runtime answers so.
fn told_by(address: &Address, figures: &[u8], health: &[u8]) -> Result<Told, AskError> {
    Ok(Told { figures: figures_in(address, figures)?, health: health_in(address, health)? })
}

/// Holds that figures are numbers which a runtime could have told.
fn check_told(name: &str, told: &Value) {
    match told {
        Value::Null => assert!(MAY_BE_NULL.contains(&name), "`{name}` is no number"),
        Value::Number(number) => {
            assert!(number.as_f64().is_some_and(f64::is_sign_positive), "`{name}` is {number}");
        }
        Value::Array(values) => values.iter().for_each(|value| check_told(name, value)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| check_told(name, value));
            let number = |name| members.get(name).and_then(Value::as_f64);
            assert!(number("p50") <= number("p99"), "half took longer than most: {members:?}");
            assert!(number("hit_ratio") <= Some(1.0), "more was found than asked for: {members:?}");
        }
        Value::String(_) | Value::Bool(_) => {}
    }
}

/// Holds that a page has all its text, broken wherever it can be, and that a terminal shows it in its own rows.
fn check_shown(frame: Frame, (width, height): (u16, u16)) {
    let text = frame.text();
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert_eq!(text.lines().count(), frame.0.len(), "{text:?}");
    let fitted = frame.fitted(width.into());
    let words = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(words(&fitted.text()), words(&text));
    for line in &fitted.0 {
        let has_room = plain(line).chars().count() <= width.into();
        assert!(has_room || !has_a_break(line), "{width} columns have no room for {line:?}");
    }
    let mut written = Vec::new();
    paint(&mut written, &fitted, (width, height)).expect("memory takes all that is written to it");
    let shown = rows(from_utf8(&written).expect("a page is text"));
    let lines = fitted.0.iter().take(height.into());
    let cut = lines.map(|line| plain(line).chars().take(width.into()).collect());
    // Below a page that is shorter than the screen, the rest is cleared.
    let rest = (fitted.0.len() < height.into()).then(String::new);
    assert_eq!(shown, cut.chain(rest).collect::<Vec<String>>());
}

fn plain(line: &Line) -> String {
    line.0.iter().map(|piece| piece.text.as_str()).collect()
}

/// Whether a figure begins behind another one.
fn has_a_break(line: &Line) -> bool {
    let mut used = 0;
    line.0.iter().any(|piece| {
        let begins_at = used;
        used += piece.text.chars().count();
        begins_at > NAME_WIDTH && piece.text.starts_with(GAP)
    })
}

/// What stands in the rows that were written to, which are the first ones, in order, each from its first column.
fn rows(written: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for part in written.split('\u{1b}').skip(1) {
        let part = part.strip_prefix('[').expect("there are no other sequences");
        let end = part.find(|c| matches!(c, '@'..='~')).expect("each sequence ends");
        let (sequence, text) = part.split_at(end + 1);
        if let Some(place) = sequence.strip_suffix('H') {
            assert_eq!(place, format!("{};1", rows.len() + 1));
            rows.push(String::new());
        }
        match rows.last_mut() {
            Some(row) => row.push_str(text),
            None => assert_eq!(text, "", "text before the first row"),
        }
    }
    rows
}
