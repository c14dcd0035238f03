//! A page of text with tones: what is shown, whether on a terminal or in a file.

/// How a piece of text stands out on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Title,
    Faint,
    Good,
    Warning,
    Bad,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// A line of pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(pub(super) Vec<Piece>);

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Frame(pub(super) Vec<Line>);

/// The width of what stands before the figures of a line.
const NAME_WIDTH: usize = 11;

impl Line {
    /// A line that begins with the name of its section.
    pub(super) fn named(name: &str) -> Self {
        Self::default().with(Tone::Title, format!("{name:<NAME_WIDTH$}"))
    }

    /// Adds text, in which control characters are escaped: some of it comes from elsewhere, and must not move the cursor.
    pub(super) fn with(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.0.push(Piece { text: crate::command::output::printable(text.as_ref()), tone });
        self
    }

    /// Adds a figure with its name before it, after a gap where it is not the first.
    pub(super) fn figure(self, name: &str, tone: Tone, value: impl AsRef<str>) -> Self {
        let gap = if self.0.len() > 1 { "   " } else { "" };
        let line = self.with(Tone::Faint, format!("{gap}{name} "));
        line.with(tone, value)
    }

    /// The line without tones.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|piece| piece.text.as_str()).collect::<String>().trim_end().to_owned()
    }
}

impl Frame {
    pub(super) fn push(&mut self, line: Line) {
        self.0.push(line);
    }

    /// The page without tones, each line ended.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|line| line.text() + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_move_the_cursor() {
        let line = Line::named("health").with(Tone::Bad, "a\u{1b}[2Jb\nc");
        assert_eq!(line.text(), "health     a\\u{1b}[2Jb\\nc");
    }

    #[test]
    fn figures_stand_apart_and_lines_end_without_blanks() {
        let line = Line::named("x").figure("a", Tone::Plain, "1").figure("b", Tone::Plain, "2 ");
        let mut frame = Frame::default();
        frame.push(line);
        assert_eq!(frame.text(), "x          a 1   b 2\n");
    }
}
