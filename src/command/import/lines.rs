//! Lines of a file, none of which may take more than so much memory.

use std::io::{self, BufRead, Read};

/// Longest line, and longest record where a quoted cell holds line breaks, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 64 << 20;

/// What the next line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It was read, with the line break it ends in.
    Read,
    /// It is longer than allowed. The rest of it has been passed over.
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

    /// Reads the next line into `line`, which is cleared first. `held` bytes of the same record are kept
    /// elsewhere and count too.
    pub(super) fn read(&mut self, line: &mut Vec<u8>, held: usize) -> io::Result<Line> {
        line.clear();
        // One byte more than allowed tells a line that just fits from one that does not.
        let room = self.limit.saturating_sub(held) + 1;
        if self.reader.by_ref().take(room as u64).read_until(b'\n', line)? == 0 {
            return Ok(Line::End);
        }
        self.number += 1;
        if line.len() < room {
            return Ok(Line::Read);
        }
        if line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
        }
        // The memory it took is not kept for the lines to come.
        *line = Vec::new();
        Ok(Line::TooLong)
    }
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
        let mut line = Vec::new();
        let mut next = || (lines.read(&mut line, 0).unwrap(), line.clone(), lines.number());
        assert_eq!(next(), (Line::Read, b"a\r\n".to_vec(), 1));
        assert_eq!(next(), (Line::Read, b"\n".to_vec(), 2));
        assert_eq!(next(), (Line::Read, b"b".to_vec(), 3));
        assert_eq!(next(), (Line::End, b"".to_vec(), 3));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        for (text, first) in
            [(&b"123456\nx\n"[..], Line::TooLong), (b"12345\nx\n", Line::TooLong), (b"1234\nx\n", Line::Read)]
        {
            let mut lines = lines(text, 5);
            let mut line = Vec::new();
            assert_eq!(lines.read(&mut line, 0).unwrap(), first, "{text:?}");
            assert_eq!(lines.read(&mut line, 0).unwrap(), Line::Read);
            assert_eq!((line.as_slice(), lines.number()), (&b"x\n"[..], 2));
        }
    }

    #[test]
    fn what_is_held_of_the_same_record_counts() {
        let mut lines = lines(b"456\n456\nx\n", 6);
        let mut line = Vec::new();
        assert_eq!(lines.read(&mut line, 2).unwrap(), Line::Read);
        assert_eq!(lines.read(&mut line, 3).unwrap(), Line::TooLong);
        assert_eq!(lines.read(&mut line, 0).unwrap(), Line::Read);
        assert_eq!(line, b"x\n");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_located() {
        assert_eq!(utf8(b"ab\xff").unwrap_err(), "byte 3 of the line is not UTF-8: save the file as UTF-8");
        assert!(utf8(b"\xff\xfea\0").unwrap_err().contains("UTF-16"));
    }
}
