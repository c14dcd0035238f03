//! CSV and TSV: each row a node or an edge.

use std::io::{self, BufRead};

use clap::ValueEnum;
use rustc_hash::FxHashSet;
use wayfare::{Body, Document, Ends, EntityName, Id, Key, Kind, Write};

use super::cell::{CellType, Fields};
use super::columns::Columns;
use super::group::{Form, Group};
use super::lines::{Line, Lines, too_long, utf8};
use super::occurrences::Occurrences;
use super::records::{NewEdgeId, Record, unreadable};
use super::report::Rejection;
use super::split::{Splitter, without_line_break};
use crate::command::exit::Failure;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads rows.
pub(super) struct TableReader {
    rows: Rows,
    columns: Columns,
    group: Group,
    form: Form,
    new_edge_id: NewEdgeId,
    seen: FxHashSet<Id>,
}

impl TableReader {
    /// Reads the header, unless the options name the columns.
    ///
    /// # Errors
    /// When there is no header, or it lacks a column.
    pub(super) fn open(
        lines: Lines<Box<dyn BufRead + Send>>,
        group: &Group,
        form: Form,
        new_edge_id: NewEdgeId,
    ) -> Result<Self, Failure> {
        let (rows, columns) = read_header(lines, group, &form)?;
        Ok(Self { rows, columns, group: group.clone(), form, new_edge_id, seen: FxHashSet::default() })
    }

    /// The next row; empty lines are passed over.
    pub(super) fn next(&mut self, occurrences: &mut Occurrences) -> Option<Result<Record, Rejection>> {
        let line = match self.rows.advance()? {
            Ok(line) => line,
            Err(rejection) => return Some(Err(rejection)),
        };
        let made = self.write(occurrences);
        Some(match made {
            Ok((write, repeats)) => Ok(Record { line, write, repeats }),
            Err(reason) => Err(Rejection { line, reason }),
        })
    }

    /// What to write for the present row, and whether it repeats an earlier one.
    fn write(&mut self, occurrences: &mut Occurrences) -> Result<(Write, bool), String> {
        let cells = self.rows.splitter.len();
        if cells != self.columns.width {
            return Err(self.columns.wrong_width(cells, self.rows.text(), &self.group));
        }
        let line = self.rows.text();
        let body = self.body(line)?;
        match &self.form {
            Form::Nodes { entity, .. } => {
                let id = self.id(line, 0, *entity)?;
                let repeats = !self.seen.insert(id.clone());
                Ok((Write::Upsert { document: Document::new(id, body) }, repeats))
            }
            Form::Edges { entity, from, to, undirected, multi } => {
                let (source, target) = (self.id(line, 0, from.entity)?, self.id(line, 1, to.entity)?);
                let before = occurrences.count(*entity, &source, &target);
                let id = (self.new_edge_id)(*entity);
                let edge = Document::edge(id, Ends { source, target, bidirectional: *undirected }, body);
                Ok((Write::Connect { edge, parallel: multi.then_some(before) }, before > 0 && !multi))
            }
            Form::Documents { .. } => Err("a table holds no documents".to_owned()),
        }
    }

    fn body(&self, line: &str) -> Result<Body, String> {
        let mut fields = Vec::with_capacity(self.columns.fields.len());
        for column in &self.columns.fields {
            let text = self.rows.splitter.cell(line, column.place);
            if !self.is_null(text) {
                let cell =
                    column.of.read(text).map_err(|fault| misfit(&column.name, text, fault, column.of))?;
                fields.push((column.name.as_str(), cell));
            }
        }
        Body::encode(&Fields(fields)).map_err(|error| error.to_string())
    }

    /// The id that the `number`-th key column names.
    fn id(&self, line: &str, number: usize, entity: EntityName) -> Result<Id, String> {
        let text = self.rows.splitter.cell(line, self.columns.keys[number]);
        if self.is_null(text) {
            return Err(format!("`{}` is empty, a key is wanted", self.columns.key_names[number]));
        }
        let key = Key::new(text).map_err(|error| format!("`{}`: {error}", self.columns.key_names[number]))?;
        Ok(Id::new(Kind::Node, entity, &key))
    }

    fn is_null(&self, text: &str) -> bool {
        text.is_empty() || self.group.nulls.iter().any(|null| null == text)
    }
}

/// What to tell about a cell that its type does not take.
fn misfit(column: &str, text: &str, fault: &str, of: CellType) -> String {
    let text: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    let of = of.to_possible_value().map_or_else(String::new, |of| of.get_name().to_owned());
    format!("`{column}` is `{text}`, which {fault}: `--types` says {of}")
}

/// Reads the header, unless the options name the columns.
pub(super) fn read_header(
    lines: Lines<Box<dyn BufRead + Send>>,
    group: &Group,
    form: &Form,
) -> Result<(Rows, Columns), Failure> {
    let mut rows = Rows::new(lines, Splitter::new(group.delimiter(), group.quote()));
    let refuse = |what: &str| Failure::bad_input(format!("`{}`: {what}", group.name()));
    rows.skip(group.skip.unwrap_or(0)).map_err(|error| refuse(&unreadable(&error)))?;
    if let Some(names) = &group.columns {
        return Ok((rows, Columns::new(names.clone(), None, group, form)?));
    }
    match rows.advance() {
        None => Err(refuse("it is empty, a header is wanted")),
        Some(Err(rejection)) => Err(refuse(&format!("its header cannot be read: {}", rejection.reason))),
        Some(Ok(_)) => {
            let columns = Columns::new(rows.cells(), Some(rows.text()), group, form)?;
            Ok((rows, columns))
        }
    }
}

/// Lines made into rows.
pub(super) struct Rows {
    lines: Lines<Box<dyn BufRead + Send>>,
    splitter: Splitter,
    line: Vec<u8>,
    ended: bool,
}

impl Rows {
    fn new(lines: Lines<Box<dyn BufRead + Send>>, splitter: Splitter) -> Self {
        Self { lines, splitter, line: Vec::new(), ended: false }
    }

    /// Passes over lines.
    fn skip(&mut self, lines: u64) -> io::Result<()> {
        for _ in 0..lines {
            if self.lines.read(&mut self.line, 0)? == Line::End {
                break;
            }
        }
        Ok(())
    }

    /// Reads the next row and gives the line on which it begins; `None` at the end.
    fn advance(&mut self) -> Option<Result<u64, Rejection>> {
        // The line on which the row begins, once it has begun.
        let mut began = None;
        while !self.ended {
            let read = self.lines.read(&mut self.line, self.splitter.held());
            let number = self.lines.number();
            let line = *began.get_or_insert(number);
            let reason = match read {
                Ok(Line::Read) => match self.split(number, began.is_some_and(|line| line < number)) {
                    Ok(Split::Whole) => return Some(Ok(line)),
                    Ok(Split::Open) => continue,
                    Ok(Split::Empty) => {
                        began = None;
                        continue;
                    }
                    Err(reason) => reason,
                },
                Ok(Line::End) if !self.splitter.is_open() => return None,
                Ok(Line::End) => format!("a quote is opened here and never closed{NO_QUOTES}"),
                Ok(Line::TooLong) if line < number => {
                    format!("{} with a quote left open{NO_QUOTES}", too_long())
                }
                Ok(Line::TooLong) => too_long(),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(Rejection { line: number + 1, reason: unreadable(&error) }));
                }
            };
            self.splitter.give_up();
            return Some(Err(Rejection { line, reason }));
        }
        None
    }

    fn split(&mut self, number: u64, goes_on: bool) -> Result<Split, String> {
        if number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        let text = utf8(&self.line)?;
        if !goes_on && without_line_break(text).is_empty() {
            return Ok(Split::Empty);
        }
        Ok(if self.splitter.split(text) { Split::Whole } else { Split::Open })
    }

    /// The last line of the present row.
    fn text(&self) -> &str {
        // Checked when the row was split.
        std::str::from_utf8(&self.line).unwrap_or_default()
    }

    fn cells(&self) -> Vec<String> {
        self.splitter.cells(self.text())
    }
}

/// What to do about a quote that is none.
const NO_QUOTES: &str = ": close it, or give --quote none if quotes have no meaning in this file";

/// What a line did to the row.
enum Split {
    Whole,
    Open,
    Empty,
}
