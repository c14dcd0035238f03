//! Lines of a file, none of which may take more than so much memory.

use std::io::{self, BufRead, Read};

/// Longest line, and longest record where a quoted cell holds line breaks, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 64 << 20;

/// What the next line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It was put at the end of the text, with the line break it ends in.
    Read,
    /// With it the text would be longer than allowed. The rest of the line has been passed over.
    TooLong,
    /// There is none.
    End,
}

/// Reads lines and counts them.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    /// The number of the line read last, counted from 1.
    number: u64,
    limit: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0, limit: MAX_LINE_BYTES }
    }

    /// The number of the line read last; 0 before the first.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Puts the next line at the end of `text`, which may hold earlier lines of the same record.
    pub(super) fn read_onto(&mut self, text: &mut Vec<u8>) -> io::Result<Line> {
        // One byte more than allowed tells a line that just fits from one that does not.
        let room = (self.limit + 1).saturating_sub(text.len());
        let read = self.reader.by_ref().take(room as u64).read_until(b'\n', text)?;
        if read == 0 && room > 0 {
            return Ok(Line::End);
        }
        self.number += 1;
        if text.len() <= self.limit {
            return Ok(Line::Read);
        }
        if text.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
        }
        // The memory it took is not kept for the lines to come.
        *text = Vec::new();
        Ok(Line::TooLong)
    }
}

/// A line without the line break it ends in, `\n` or `\r\n`.
pub(super) fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The text of a line.
///
/// # Errors
/// What to tell about a line that is not UTF-8.
pub(super) fn utf8(line: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(line).map_err(|error| {
        let advice = match line {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16, save the file as UTF-8",
            _ => "save the file as UTF-8",
        };
        format!("byte {} of the line is not UTF-8: {advice}", error.valid_up_to() + 1)
    })
}

/// What to tell about a line that is too long.
pub(super) fn too_long() -> String {
    format!("the line is longer than {} MiB", MAX_LINE_BYTES >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], limit: usize) -> Lines<&[u8]> {
        Lines { limit, ..Lines::new(text) }
    }

    #[test]
    fn lines_are_read_and_counted_whatever_they_end_in() {
        let mut lines = lines(b"a\r\n\nb", 10);
        let mut next = || {
            let mut text = Vec::new();
            let line = lines.read_onto(&mut text).unwrap();
            (line, without_break(&text).to_vec(), lines.number())
        };
        assert_eq!(next(), (Line::Read, b"a".to_vec(), 1));
        assert_eq!(next(), (Line::Read, b"".to_vec(), 2));
        assert_eq!(next(), (Line::Read, b"b".to_vec(), 3));
        assert_eq!(next(), (Line::End, b"".to_vec(), 3));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        for (text, first) in [(&b"123456\nx\n"[..], Line::TooLong), (b"12345\nx\n", Line::TooLong), (b"1234\nx\n", Line::Read)] {
            let mut lines = lines(text, 5);
            let mut line = Vec::new();
            assert_eq!(lines.read_onto(&mut line).unwrap(), first, "{text:?}");
            line.clear();
            assert_eq!(lines.read_onto(&mut line).unwrap(), Line::Read);
            assert_eq!((line.as_slice(), lines.number()), (&b"x\n"[..], 2));
        }
    }

    #[test]
    fn lines_of_one_record_share_the_limit() {
        let mut lines = lines(b"123\n456\nx\n", 6);
        let mut record = Vec::new();
        assert_eq!(lines.read_onto(&mut record).unwrap(), Line::Read);
        assert_eq!(lines.read_onto(&mut record).unwrap(), Line::TooLong);
        assert!(record.is_empty());
        assert_eq!(lines.read_onto(&mut record).unwrap(), Line::Read);
        assert_eq!(record, b"x\n");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_located() {
        assert_eq!(utf8(b"ab\xff").unwrap_err(), "byte 3 of the line is not UTF-8: save the file as UTF-8");
        assert!(utf8(b"\xff\xfea\0").unwrap_err().contains("UTF-16"));
    }
}
