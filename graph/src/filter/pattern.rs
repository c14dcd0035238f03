//! A pattern of `$regex`, ready to match.

use regex::{Regex, RegexBuilder};

use super::dialect;
use super::error::FilterError;

/// Longest pattern that MongoDB takes.
const MAX_PATTERN_BYTES: usize = 32_764;

/// A compiled pattern. Matching takes time linear in the text.
pub(super) struct Pattern {
    regex: Regex,
    prefix: Option<String>,
}

impl Pattern {
    /// Compiles a pattern with options out of `imsxu`; `u` is what it is anyway.
    pub(super) fn new(pattern: &str, options: &str) -> Result<Self, FilterError> {
        let bad = |reason: String| FilterError::BadRegex { pattern: pattern.to_owned(), reason };
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(bad(format!("it is longer than {MAX_PATTERN_BYTES} bytes")));
        }
        if pattern.contains('\0') {
            return Err(bad("it contains a NUL character".to_owned()));
        }
        let has = |option| options.contains(option);
        let translated =
            dialect::translate(pattern, has('m'), has('x')).map_err(|reason| bad(reason.to_owned()))?;
        let regex = RegexBuilder::new(&translated)
            .case_insensitive(has('i'))
            .multi_line(has('m'))
            .dot_matches_new_line(has('s'))
            .ignore_whitespace(has('x'))
            .build()
            .map_err(|error| bad(short(&error)))?;
        let anchors = !has('i') && !has('m') && !has('x');
        let prefix = if anchors { literal_prefix(pattern) } else { None };
        Ok(Self { regex, prefix })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// What every matching text begins with, where that is known.
    pub(super) fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }
}

/// The message of a syntax error without the drawing of where it is.
fn short(error: &regex::Error) -> String {
    match error {
        regex::Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or(text);
            last.trim_start_matches("error: ").to_owned()
        }
        regex::Error::CompiledTooBig(limit) => format!("it compiles to more than {limit} bytes"),
        other => other.to_string(),
    }
}

/// The literal text after a leading `^`, shorter rather than wrong.
fn literal_prefix(pattern: &str) -> Option<String> {
    let anchored = pattern.strip_prefix('^').or_else(|| pattern.strip_prefix("\\A"))?;
    // Another branch need not begin so.
    if pattern.contains('|') {
        return None;
    }
    let mut prefix = String::new();
    let mut chars = anchored.chars();
    while let Some(next) = chars.next() {
        match next {
            '*' | '?' | '{' => {
                prefix.pop();
                break;
            }
            '.' | '[' | ']' | '(' | ')' | '+' | '}' | '^' | '$' => break,
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => prefix.push(escaped),
                _ => break,
            },
            _ => prefix.push(next),
        }
    }
    (!prefix.is_empty()).then_some(prefix)
}
