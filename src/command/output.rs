//! Results on standard output: as JSON, as a table for people, or as CSV.
//!
//! One result is one JSON object. A list is a JSON array, one element a line; on a terminal both are spread
//! out. Nothing but results goes to standard output.

mod columns;
mod shown;

use std::io::{self, IsTerminal, Write, stdout};

use clap::ValueEnum;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;
use serde_json::{Map, Value};

use self::columns::Columns;
pub(crate) use self::shown::printable;
use self::shown::{compact, figure, shortened};
use super::exit::{Exit, Failure};

/// The form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    Table,
    /// JSON.
    Json,
    /// CSV with a header.
    Csv,
}

/// Where and how results are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    spread_out: bool,
}

impl Output {
    /// Writes in the form asked for: by default a table on a terminal, JSON anywhere else.
    pub(crate) fn new(format: Option<Format>) -> Self {
        let terminal = stdout().is_terminal();
        let format = format.unwrap_or(if terminal { Format::Table } else { Format::Json });
        Self { format, spread_out: terminal }
    }

    /// Writes one result, an object.
    ///
    /// Its members are rows of a table, and lists of objects in it tables of their own; in CSV they are the
    /// columns of one row.
    pub(crate) fn one(self, result: &Value) -> Result<(), Failure> {
        let members = result.as_object().cloned().unwrap_or_default();
        self.write(|out| match self.format {
            Format::Json => self.json(out, result),
            Format::Table => object_as_tables(out, &members),
            Format::Csv => {
                let members = flat(&members);
                let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                let row = members.iter().map(|(_, value)| compact(value)).collect();
                csv_rows(out, &names, [row])
            }
        })
    }

    /// Writes a list of objects with the same members, such as settings.
    pub(crate) fn list(self, rows: &[Value]) -> Result<(), Failure> {
        self.rows(rows, Columns::of_objects)
    }

    /// Writes a list of documents: their fields are the columns, after the id and the ends of edges.
    pub(crate) fn documents(self, documents: &[Value]) -> Result<(), Failure> {
        self.rows(documents, Columns::of_documents)
    }

    fn rows(self, rows: &[Value], columns: fn(&[Value]) -> Columns) -> Result<(), Failure> {
        self.write(|out| match self.format {
            Format::Json => self.json_array(out, rows),
            Format::Table => {
                let columns = columns(rows);
                writeln!(
                    out,
                    "{}",
                    table(Some(&columns.names()), rows.iter().map(|row| columns.row(row, shortened)))
                )
            }
            Format::Csv => {
                let columns = columns(rows);
                csv_rows(out, &columns.names(), rows.iter().map(|row| columns.row(row, compact)))
            }
        })
    }

    fn json(self, out: &mut dyn Write, value: &Value) -> io::Result<()> {
        match self.spread_out {
            true => serde_json::to_writer_pretty(&mut *out, value)?,
            false => serde_json::to_writer(&mut *out, value)?,
        }
        writeln!(out)
    }

    fn json_array(self, out: &mut dyn Write, rows: &[Value]) -> io::Result<()> {
        write!(out, "[")?;
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                writeln!(out, ",")?;
            }
            match self.spread_out {
                true => serde_json::to_writer_pretty(&mut *out, row)?,
                false => serde_json::to_writer(&mut *out, row)?,
            }
        }
        writeln!(out, "]")
    }

    fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let mut out = io::BufWriter::new(stdout().lock());
        write(&mut out).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
    }
}

/// A result as JSON.
pub(crate) fn to_value(result: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(result)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot show the result: {error}")))
}

/// An object as [`Output::one`] shows it to people, for standard error.
pub(crate) fn as_table(members: &Map<String, Value>) -> String {
    let mut out = Vec::new();
    // Memory takes all that is written to it.
    let _ = object_as_tables(&mut out, members);
    String::from_utf8_lossy(&out).into_owned()
}

/// The scalars of an object as one table, then each list of objects as a table under its name.
fn object_as_tables(out: &mut dyn Write, members: &Map<String, Value>) -> io::Result<()> {
    let (lists, scalars): (Vec<_>, Vec<_>) =
        flat(members).into_iter().partition(|(_, value)| is_table(value));
    if !scalars.is_empty() {
        writeln!(
            out,
            "{}",
            table(None, scalars.iter().map(|(name, value)| vec![printable(name), figure(value)]))
        )?;
    }
    for (name, list) in &lists {
        let rows: Vec<Value> = list.as_array().into_iter().flatten().map(flat_object).collect();
        let columns = Columns::of_objects(&rows);
        writeln!(out, "\n{}", printable(name))?;
        writeln!(
            out,
            "{}",
            table(Some(&columns.names()), rows.iter().map(|row| columns.row(row, shortened)))
        )?;
    }
    Ok(())
}

fn is_table(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_object))
}

/// An object without objects in it.
fn flat_object(value: &Value) -> Value {
    value
        .as_object()
        .map_or_else(|| value.clone(), |members| Value::Object(flat(members).into_iter().collect()))
}

/// The members of an object; those of objects in it under `outer.inner`.
fn flat(members: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut flattened = Vec::new();
    for (name, value) in members {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                flattened
                    .extend(flat(inner).into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value)));
            }
            _ => flattened.push((name.clone(), value.clone())),
        }
    }
    flattened
}

fn table(header: Option<&[&str]>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    if let Some(header) = header {
        table.set_header(header.iter().map(|name| printable(name)));
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    // The last column's padding would be blanks at the end of each line.
    table.trim_fmt()
}

fn csv_rows(
    out: &mut dyn Write,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> io::Result<()> {
    // A list without elements has no columns, and a row without fields cannot be written.
    if header.is_empty() {
        return Ok(());
    }
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(&row)?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_members_are_flattened_under_their_path() {
        let object = json!({"a": 1, "b": {"c": 2, "d": {"e": 3}}, "f": {}});
        let names: Vec<String> =
            flat(object.as_object().unwrap()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b.c", "b.d.e", "f"]);
    }

    #[test]
    fn lists_of_objects_are_tables_under_their_names() {
        let object = json!({"total": 3, "parts": [{"name": "x", "n": 1}, {"name": "y", "n": 2}]});
        let mut out = Vec::new();
        object_as_tables(&mut out, object.as_object().unwrap()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "total  3\n\nparts\nname  n\nx     1\ny     2\n");
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let mut out = Vec::new();
        csv_rows(&mut out, &["a", "b"], [vec!["x,y".to_owned(), "say \"z\"".to_owned()]]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a,b\n\"x,y\",\"say \"\"z\"\"\"\n");
    }
}
