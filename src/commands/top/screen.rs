//! The terminal as a screen: entered, drawn on, and left as it was.

use std::io::{IsTerminal, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};

use super::frame::Frame;
use crate::exit::Failure;
use crate::output::Stdout;

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Quit,
    Up,
    Down,
    Char(char),
}

/// The alternate screen. Dropping it brings back what was shown before, the
/// cursor and the terminal's own line editing.
pub struct Screen {
    /// How standard input was, if it is a terminal that can be asked for keys.
    before: Option<Termios>,
}

impl Screen {
    /// Clears the screen and hides the cursor; keys come one by one. Ctrl-C
    /// still is SIGINT.
    pub fn enter() -> anyhow::Result<Self> {
        let stdin = std::io::stdin();
        let mut before = None;
        if stdin.is_terminal()
            && let Ok(found) = tcgetattr(&stdin)
        {
            let mut raw = found.clone();
            raw.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
            // A process that is stopped would leave its screen behind.
            raw.control_chars[SpecialCharacterIndices::VSUSP as usize] = 0;
            raw.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
            raw.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
            tcsetattr(&stdin, SetArg::TCSANOW, &raw).map_err(|e| Failure::io("the terminal", e.into()))?;
            before = Some(found);
        }
        let screen = Self { before };
        let mut text = Vec::new();
        queue!(text, EnterAlternateScreen, Hide, Clear(ClearType::All)).map_err(io_error)?;
        write(&text)?;
        Ok(screen)
    }

    /// Columns and lines.
    #[allow(clippy::unused_self)]
    pub fn size(&self) -> (usize, usize) {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        let size = size.map(|(width, height)| (usize::from(width.0), usize::from(height.0)));
        size.filter(|(width, height)| *width > 0 && *height > 0).unwrap_or((80, 24))
    }

    /// Whether there is a keyboard.
    pub fn has_keys(&self) -> bool {
        self.before.is_some()
    }

    /// Draws all lines at once, so that nothing flickers.
    #[allow(clippy::unused_self)]
    pub fn show(&self, frame: &Frame) -> anyhow::Result<()> {
        let mut text = Vec::new();
        for (at, line) in frame.lines.iter().enumerate() {
            queue!(text, MoveTo(0, u16::try_from(at).unwrap_or(u16::MAX))).map_err(io_error)?;
            text.extend_from_slice(line.as_bytes());
            queue!(text, Clear(ClearType::UntilNewLine)).map_err(io_error)?;
        }
        queue!(text, Clear(ClearType::FromCursorDown)).map_err(io_error)?;
        write(&text)
    }

    /// The keys that were pressed; `None` if the terminal is gone.
    #[allow(clippy::unused_self)]
    pub fn keys(&mut self) -> anyhow::Result<Option<Vec<Key>>> {
        let mut bytes = [0; 64];
        match nix::unistd::read(std::io::stdin(), &mut bytes) {
            Ok(0) | Err(nix::errno::Errno::EIO) => Ok(None),
            Ok(count) => Ok(Some(parse(&bytes[..count]))),
            Err(nix::errno::Errno::EINTR) => Ok(Some(Vec::new())),
            Err(e) => Err(Failure::io("the terminal", e.into())),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut text = Vec::new();
        let _ = queue!(text, Show, LeaveAlternateScreen);
        let _ = write(&text);
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, before);
        }
    }
}

fn write(text: &[u8]) -> anyhow::Result<()> {
    Stdout.write_all(text).map_err(io_error)
}

fn io_error(error: std::io::Error) -> anyhow::Error {
    Failure::io("standard output", error)
}

/// What a terminal sends. A lone escape is the key; with more behind it, it
/// begins the sequence of another one.
fn parse(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let [first, more @ ..] = rest {
        rest = more;
        match first {
            b'q' | b'Q' => keys.push(Key::Quit),
            b'k' => keys.push(Key::Up),
            b'j' => keys.push(Key::Down),
            0x1b => {
                let [b'[' | b'O', more @ ..] = rest else {
                    keys.push(Key::Quit);
                    continue;
                };
                // Parameters, then one letter or a tilde.
                let end = more.iter().position(|byte| (0x40..0x7f).contains(byte)).unwrap_or(more.len());
                match more.get(end) {
                    Some(b'A') => keys.push(Key::Up),
                    Some(b'B') => keys.push(Key::Down),
                    _ => {}
                }
                rest = more.get(end + 1..).unwrap_or_default();
            }
            byte if byte.is_ascii() && !byte.is_ascii_control() => keys.push(Key::Char(char::from(*byte))),
            _ => {}
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        assert_eq!(parse(b"q"), [Key::Quit]);
        assert_eq!(parse(b"\x1b"), [Key::Quit]);
        assert_eq!(parse(b"\x1b[A\x1b[1;5B\x1bOAs"), [Key::Up, Key::Down, Key::Up, Key::Char('s')]);
        // An unknown key is none, and is not taken for its letters.
        assert_eq!(parse(b"\x1b[15~\x1b[3~ "), [Key::Char(' ')]);
        assert_eq!(parse("é\u{1}".as_bytes()), []);
        assert_eq!(parse(b"\x1b["), []);
    }
}
