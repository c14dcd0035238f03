//! Imports under a fuzzer: no row is lost, none comes twice, and each is told by its line.

use std::io::Cursor;
use std::sync::Arc;

use clap::Parser;
use wayfare::{KeySource, Kind, ManualClock, Write};

use super::group::{Form, Group};
use super::input::Input;
use super::lines::Lines;
use super::occurrences::Occurrences;
use super::options::GroupArgs;
use super::records::{Record, Records};
use super::report::Rejection;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    groups: GroupArgs,
}

/// A line of options, and the file that they describe.
pub(crate) fn imports(input: &[u8]) {
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, file) = (&input[..at], input.get(at + 1..).unwrap_or_default());
    let Ok(line) = std::str::from_utf8(line) else { return };
    let words = line.split(' ').filter(|word| !word.is_empty());
    let Ok(line) = Line::try_parse_from(["import"].into_iter().chain(words)) else { return };
    for group in line.groups.0.into_iter().flatten() {
        let checked = Records::check(input_of(file), &group);
        let keys = KeySource::new(Arc::new(ManualClock::new(0)), 7);
        let new_edge_id = Box::new(move |entity| keys.next_id(Kind::Edge, entity));
        let opened = Records::open(input_of(file), &group, new_edge_id);
        assert_eq!(checked.is_ok(), opened.is_ok(), "a file is looked at as it is read");
        if let Ok(records) = opened {
            check(records, &group, file);
        }
    }
}

fn input_of(file: &[u8]) -> Input {
    let lines = Lines::new(Box::new(Cursor::new(file.to_vec())) as _);
    Input { lines, read: Arc::default(), bytes: None }
}

fn check(mut records: Records, group: &Group, file: &[u8]) {
    let mut occurrences = Occurrences::default();
    let mut read: Vec<Result<Record, Rejection>> = Vec::new();
    let mut last = 0;
    while let Some(record) = records.next(&mut occurrences) {
        let line = record.as_ref().map_or_else(|rejection| rejection.line, |record| record.line);
        assert!(line > last, "line {line} comes after {last}");
        last = line;
        read.push(record);
    }
    match group.form() {
        Ok(Form::Documents { .. }) => {
            let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
            assert_eq!(read.len(), lines.count(), "each line that is not empty is a document");
        }
        Ok(form) => check_rows(&read, group, &form, file),
        Err(reason) => panic!("it was opened: {reason}"),
    }
}

/// Holds rows against those of another reader, where both mean the same.
fn check_rows(read: &[Result<Record, Rejection>], group: &Group, form: &Form, file: &[u8]) {
    let Ok(text) = std::str::from_utf8(file) else { return };
    // To the other reader a lone carriage return ends a row, and a byte order mark means nothing on later lines.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.replace("\r\n", "").contains('\r') || text.contains('\u{feff}') || group.skip.is_some() {
        return;
    }
    let quote = group.quote();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(group.delimiter())
        .quoting(quote.is_some())
        .quote(quote.unwrap_or(b'"'))
        .from_reader(text.as_bytes());
    let mut rows = reader.records().map(|row| row.expect("it reads any text"));
    let names: Vec<String> = match &group.columns {
        Some(names) => names.clone(),
        None => rows.next().iter().flat_map(|header| header.iter().map(str::to_owned)).collect(),
    };
    let rows: Vec<csv::StringRecord> = rows.collect();
    assert_eq!(read.len(), rows.len(), "each row is written or rejected");
    let Form::Nodes { key, .. } = form else { return };
    let key = names.iter().position(|name| name == key).expect("it was opened with its key");
    for (record, row) in read.iter().zip(&rows) {
        let Ok(Record { write: Write::Upsert { document }, .. }) = record else { continue };
        assert_eq!(document.id().kind(), Kind::Node);
        document.id().with_key(|id| assert_eq!(Some(id), row.get(key), "a row becomes its own node"));
        let is_null = |cell: &str| cell.is_empty() || group.nulls.iter().any(|null| null == cell);
        let kept = names.iter().zip(row).filter(|(name, cell)| !name.is_empty() && !is_null(cell)).count();
        assert_eq!(document.context().expect("it was just made").len(), kept, "each cell becomes a field");
    }
}
