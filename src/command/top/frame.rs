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
pub(super) const NAME_WIDTH: usize = 11;

/// What stands between two figures of a line.
pub(super) const GAP: &str = "   ";

impl Piece {
    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

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
        let gap = if self.0.len() > 1 { GAP } else { "" };
        let line = self.with(Tone::Faint, format!("{gap}{name} "));
        line.with(tone, value)
    }

    /// The line broken before figures that would reach over a width; what follows stands under the first figure.
    fn fitted(self, width: usize) -> Vec<Self> {
        let mut lines = Vec::new();
        let (mut line, mut used) = (Self::default(), 0);
        let mut pieces = self.0.into_iter().peekable();
        while let Some(mut piece) = pieces.next() {
            // A figure is its name and the piece after it.
            let figure = piece.width() + pieces.peek().map_or(0, Piece::width);
            if piece.text.starts_with(GAP) && used > NAME_WIDTH && used + figure > width {
                lines.push(std::mem::take(&mut line));
                line.0.push(Piece { text: " ".repeat(NAME_WIDTH), tone: Tone::Plain });
                used = NAME_WIDTH;
                piece.text.drain(..GAP.len());
            }
            used += piece.width();
            line.0.push(piece);
        }
        lines.push(line);
        lines
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

    /// The page for a terminal of a width.
    pub(super) fn fitted(self, width: usize) -> Self {
        Self(self.0.into_iter().flat_map(|line| line.fitted(width)).collect())
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

    #[test]
    fn lines_are_broken_between_figures_and_nowhere_else() {
        let figures = ["alive", "visits", "ended"];
        let line =
            figures.iter().fold(Line::named("walks"), |line, name| line.figure(name, Tone::Plain, "12/s"));
        let fitted = |width| Frame(vec![line.clone()]).fitted(width).text();
        assert_eq!(fitted(80), "walks      alive 12/s   visits 12/s   ended 12/s\n");
        assert_eq!(fitted(48), fitted(80));
        assert_eq!(fitted(47), "walks      alive 12/s   visits 12/s\n           ended 12/s\n");
        // Where not even one has room, each stands on its own line, and the terminal cuts it.
        assert_eq!(fitted(5), "walks      alive 12/s\n           visits 12/s\n           ended 12/s\n");
    }
}
