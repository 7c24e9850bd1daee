//! A socket that remembers since when it has taken nothing.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// A non-blocking socket.
#[derive(Debug)]
pub struct Stream {
    tcp: TcpStream,
    /// Since when every write has been refused for want of room.
    pub blocked_since: Option<Instant>,
}

impl Stream {
    /// Wraps a socket that does not block.
    #[must_use]
    pub fn new(tcp: TcpStream) -> Self {
        Self { tcp, blocked_since: None }
    }

    /// The socket itself.
    #[must_use]
    pub fn into_inner(self) -> TcpStream {
        self.tcp
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.tcp.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.tcp.write(bytes);
        match &written {
            Ok(n) if *n > 0 => self.blocked_since = None,
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                self.blocked_since.get_or_insert_with(Instant::now);
            }
            _ => {}
        }
        written
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}
