//! A pager, for what does not fit onto the terminal.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{SigSet, Signal};

use super::Stdout;

/// Holds lines back until there are more than the terminal shows; then they,
/// and all that follow, go to the pager.
#[derive(Debug)]
pub(super) struct Pager {
    command: OsString,
    rows: usize,
    to: To,
}

#[derive(Debug)]
enum To {
    /// Nowhere yet.
    Held {
        bytes: Vec<u8>,
        lines: usize,
    },
    Terminal,
    Pager(Child),
}

impl Pager {
    /// One that `sh` runs, unless it all fits.
    pub fn new(command: OsString) -> Self {
        let rows = terminal_size::terminal_size_of(io::stdout()).map_or(24, |(_, rows)| usize::from(rows.0));
        Self { command, rows, to: To::Held { bytes: Vec::new(), lines: 0 } }
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&self.command).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            command.env("LESS", "FRX");
        }
        let child = command.spawn()?;
        // To the pager it means to stop searching, and not to leave it behind.
        let mut interrupt = SigSet::empty();
        interrupt.add(Signal::SIGINT);
        let _ = interrupt.thread_block();
        Ok(child)
    }

    /// Gives the terminal what fits onto it, and waits until the pager is left.
    pub fn finish(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.to, To::Terminal) {
            To::Held { bytes, .. } => Stdout.write_all(&bytes),
            To::Terminal => Ok(()),
            To::Pager(mut child) => {
                drop(child.stdin.take());
                child.wait().map(drop)
            }
        }
    }
}

impl Write for Pager {
    fn write(&mut self, new: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Terminal => Stdout.write(new),
            To::Pager(child) => match &mut child.stdin {
                Some(stdin) => stdin.write(new),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            },
            To::Held { bytes, lines } => {
                bytes.extend_from_slice(new);
                *lines += new.split(|byte| *byte == b'\n').count() - 1;
                // The last line of the terminal is for the prompt.
                if *lines >= self.rows {
                    let held = std::mem::take(bytes);
                    match self.start() {
                        Ok(child) => self.to = To::Pager(child),
                        Err(_) => self.to = To::Terminal,
                    }
                    self.write_all(&held)?;
                }
                Ok(new.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Pager {
    /// Where it is left early, it has the terminal until then.
    fn drop(&mut self) {
        if let To::Pager(_) = self.to {
            let _ = self.finish();
        }
    }
}
