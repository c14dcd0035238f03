//! A record into its cells: CSV as RFC 4180 has it, and as `csv` reads what the RFC does not allow.
//!
//! By hand, because the command must know the line of every record, must not take a stray quote for a
//! record as long as the file, and must refuse a line of a gigabyte before it is in memory; `csv` offers
//! none of these. The tests hold both to the same answers.

use std::ops::Range;

/// Splits records; keeps its memory from one to the next.
#[derive(Debug)]
pub(super) struct Splitter {
    delimiter: u8,
    quote: Option<u8>,
    /// The cells of a record with quotes, without them.
    unquoted: String,
    is_unquoted: bool,
    cells: Vec<Range<usize>>,
}

impl Splitter {
    /// Splits at an ASCII delimiter; with a quote, cells that begin with it end with it.
    pub(super) fn new(delimiter: u8, quote: Option<u8>) -> Self {
        Self { delimiter, quote, unquoted: String::new(), is_unquoted: false, cells: Vec::new() }
    }

    /// Splits a record; `false` when it ends within quotes, so that the next line belongs to it.
    pub(super) fn split(&mut self, record: &str) -> bool {
        self.cells.clear();
        self.is_unquoted = self.quote.is_some_and(|quote| record.as_bytes().contains(&quote));
        if let (true, Some(quote)) = (self.is_unquoted, self.quote) {
            return self.split_quoted(record, char::from(quote));
        }
        let mut start = 0;
        for (at, _) in record.bytes().enumerate().filter(|(_, byte)| *byte == self.delimiter) {
            self.cells.push(start..at);
            start = at + 1;
        }
        self.cells.push(start..record.len());
        true
    }

    fn split_quoted(&mut self, record: &str, quote: char) -> bool {
        self.unquoted.clear();
        let delimiter = char::from(self.delimiter);
        let mut rest = record;
        loop {
            let start = self.unquoted.len();
            if let Some(quoted) = rest.strip_prefix(quote) {
                let Some(after) = self.unquote(quoted, quote) else { return false };
                rest = after;
            }
            // What follows a closing quote belongs to the cell as it is.
            let end = rest.find(delimiter);
            self.unquoted.push_str(&rest[..end.unwrap_or(rest.len())]);
            self.cells.push(start..self.unquoted.len());
            match end {
                Some(end) => rest = &rest[end + 1..],
                None => return true,
            }
        }
    }

    /// Takes what stands before the closing quote, and gives what stands after it.
    fn unquote<'a>(&mut self, mut quoted: &'a str, quote: char) -> Option<&'a str> {
        loop {
            let (text, after) = quoted.split_once(quote)?;
            self.unquoted.push_str(text);
            match after.strip_prefix(quote) {
                Some(after) => {
                    self.unquoted.push(quote);
                    quoted = after;
                }
                None => return Some(after),
            }
        }
    }

    /// How many cells the record has.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// A cell of the record that was split last, which is handed in again.
    pub(super) fn cell<'a>(&'a self, record: &'a str, number: usize) -> &'a str {
        let text = if self.is_unquoted { &self.unquoted } else { record };
        self.cells.get(number).and_then(|range| text.get(range.clone())).unwrap_or_default()
    }

    /// All cells of the record that was split last.
    pub(super) fn cells(&self, record: &str) -> Vec<String> {
        (0..self.len()).map(|number| self.cell(record, number).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wayfare::Random;

    fn cells(record: &str) -> Option<Vec<String>> {
        let mut splitter = Splitter::new(b',', Some(b'"'));
        splitter.split(record).then(|| splitter.cells(record))
    }

    #[test]
    fn quotes_hold_delimiters_quotes_and_line_breaks() {
        assert_eq!(cells("a,,b").unwrap(), ["a", "", "b"]);
        assert_eq!(cells(r#""x,y","say ""z""",w"#).unwrap(), ["x,y", r#"say "z""#, "w"]);
        assert_eq!(cells("\"x\ny\",z").unwrap(), ["x\ny", "z"]);
        assert_eq!(cells("\"x\ny,z"), None);
        assert_eq!(cells("\"\"\""), None);
    }

    #[test]
    fn without_quoting_a_quote_is_a_letter() {
        let mut splitter = Splitter::new(b'\t', None);
        let record = "\"a\tb\"";
        assert!(splitter.split(record));
        assert_eq!(splitter.cells(record), ["\"a", "b\""]);
    }

    #[test]
    fn any_record_splits_as_the_csv_crate_splits_it() {
        for seed in 0..20_000 {
            let mut random = Random::new(seed);
            let length = 1 + random.below(12);
            let record: String = (0..length).map(|_| ['a', 'é', ',', '"', '"', ' '][random.below(6) as usize]).collect();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(record.as_bytes());
            let expected = reader.records().next().unwrap().unwrap();
            // Within quotes at its end is what the crate does not tell.
            if let Some(cells) = cells(&record) {
                assert_eq!(cells, expected.iter().collect::<Vec<_>>(), "seed {seed}: {record}");
            }
        }
    }
}
