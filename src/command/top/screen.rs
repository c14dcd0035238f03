//! The terminal: taken for a page, and given back however the command ends.

use std::io::{self, Write, stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::{Attribute, Color, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{execute, queue};

use super::frame::{Frame, Tone};

/// The size of a terminal that does not tell its own.
const USUAL_SIZE: (u16, u16) = (80, 24);

/// The terminal while a page is shown. Dropping it gives the terminal back.
pub(super) struct Screen {
    is_taken: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal. A panic gives it back before it tells its message, which would else be lost with the page.
    pub(super) fn take() -> io::Result<Self> {
        let screen = Self { is_taken: Arc::new(AtomicBool::new(true)) };
        let is_taken = Arc::clone(&screen.is_taken);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            give_back(&is_taken);
            before(panicked);
        }));
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen, Hide, DisableLineWrap)?;
        Ok(screen)
    }

    /// Shows a page in place of the one before.
    pub(super) fn show(&self, frame: Frame) -> io::Result<()> {
        let (width, height) = size().unwrap_or(USUAL_SIZE);
        let mut out = io::BufWriter::new(stdout().lock());
        paint(&mut out, &frame.fitted(width.into()), (width, height))?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The hook of panics stays, and does nothing from now on: another may have been set over it meanwhile.
        give_back(&self.is_taken);
    }
}

/// Gives the terminal back, once. Nobody is left to tell when that fails.
fn give_back(is_taken: &AtomicBool) {
    // Relaxed: nothing else is handed over by it.
    if is_taken.swap(false, Ordering::Relaxed) {
        let _ = execute!(stdout(), ResetColor, EnableLineWrap, Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// Writes a page over the one before, which is cleared bit by bit: a screen that is cleared as a whole flickers.
///
/// What is beyond the size is left out. Characters of double width may reach over the end of a line: the terminal cuts
/// them, because it does not wrap.
pub(super) fn paint(out: &mut impl Write, frame: &Frame, (width, height): (u16, u16)) -> io::Result<()> {
    queue!(out, BeginSynchronizedUpdate)?;
    for (row, line) in (0..height).zip(&frame.0) {
        queue!(out, MoveTo(0, row))?;
        let mut room = usize::from(width);
        for piece in &line.0 {
            let text: String = piece.text.chars().take(room).collect();
            room -= text.chars().count();
            set_tone(out, piece.tone)?;
            write!(out, "{text}")?;
            queue!(out, SetAttribute(Attribute::Reset), ResetColor)?;
        }
        // In a row that is full the cursor stands on the last character, which this would clear.
        if room > 0 {
            queue!(out, Clear(ClearType::UntilNewLine))?;
        }
    }
    if let Some(below) = u16::try_from(frame.0.len()).ok().filter(|below| *below < height) {
        queue!(out, MoveTo(0, below), Clear(ClearType::FromCursorDown))?;
    }
    queue!(out, EndSynchronizedUpdate)
}

fn set_tone(out: &mut impl Write, tone: Tone) -> io::Result<()> {
    match tone {
        Tone::Plain => Ok(()),
        Tone::Title => queue!(out, SetAttribute(Attribute::Bold)),
        Tone::Faint => queue!(out, SetAttribute(Attribute::Dim)),
        Tone::Good => queue!(out, SetForegroundColor(Color::Green)),
        Tone::Warning => queue!(out, SetForegroundColor(Color::Yellow)),
        Tone::Bad => queue!(out, SetForegroundColor(Color::Red), SetAttribute(Attribute::Bold)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::top::frame::Line;

    /// What is written for a page, with its escapes shown as `<` and what follows.
    fn painted(lines: &[&str], size: (u16, u16)) -> String {
        let mut frame = Frame::default();
        lines.iter().for_each(|line| frame.push(Line::default().with(Tone::Plain, line)));
        let mut out = Vec::new();
        paint(&mut out, &frame, size).unwrap();
        String::from_utf8(out).unwrap().replace('\u{1b}', "<")
    }

    #[test]
    fn a_page_is_cut_to_the_size_of_the_terminal() {
        let text = painted(&["abcdef", "x", "y"], (3, 2));
        assert!(text.contains("<[1;1Habc<") && text.contains("<[2;1Hx<"), "{text}");
        assert!(!text.contains('d') && !text.contains('y'), "{text}");
    }

    #[test]
    fn rests_of_a_longer_page_are_cleared_but_never_the_last_character_of_a_full_row() {
        let text = painted(&["abc", "x"], (3, 9));
        let (full, rest) = text.split_once("<[2;1H").unwrap();
        assert!(!full.contains("<[K") && rest.contains("<[K"), "{text}");
        assert!(rest.contains("<[3;1H<[J"), "{text}");
    }

    #[test]
    fn a_terminal_without_room_is_written_nothing() {
        let text = painted(&["abc"], (0, 0));
        assert!(!text.contains('a'), "{text}");
    }
}
