//! The end of a connection: why, and the closing handshake.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, Utf8Bytes, WebSocket};

use super::http::drain;
use super::stream::Stream;

/// How long a client has to take the goodbye, and then to answer it.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Room in the kernel for all that can be left to send: a client that did not
/// read still finds, when it reads again, whole messages and a close code.
const LAST_BUFFER: usize = 1 << 20;

/// Why a connection ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The client is no longer there.
    Gone,
    /// The client said goodbye, and the answer waits to be sent.
    Answered,
    /// We say goodbye.
    Close {
        /// The close code.
        code: u16,
        /// The reason, at most 123 bytes of it.
        reason: String,
        /// Whether what the client sends can still be understood.
        readable: bool,
    },
}

impl End {
    /// Says goodbye with a close code; the reason is cut to what a frame holds.
    #[must_use]
    pub fn close(code: u16, reason: &str) -> Self {
        let end = reason.floor_char_boundary(123);
        Self::Close { code, reason: reason[..end].to_owned(), readable: true }
    }

    /// The client cannot keep up.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::close(1013, "too slow: connect again with ?after=")
    }

    fn unreadable(code: u16, reason: &str) -> Self {
        Self::Close { code, reason: reason.to_owned(), readable: false }
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => {
                Self::unreadable(1009, "message exceeds 64 KiB")
            }
            Error::Utf8(_) => Self::unreadable(1007, "text is not UTF-8"),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Protocol(_) => Self::unreadable(1002, "protocol error"),
            _ => Self::Gone,
        }
    }
}

/// Whether the socket only has to be waited for.
pub fn is_blocked(error: &Error) -> bool {
    matches!(error, Error::Io(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted))
}

/// A connection to be ended.
pub struct Ending {
    /// The connection.
    pub socket: WebSocket<Stream>,
    /// Why.
    pub end: End,
}

impl Ending {
    /// Says goodbye and waits for the other side, not for long.
    pub fn finish(mut self) {
        let readable = match &self.end {
            End::Gone => return,
            End::Answered => true,
            End::Close { code, reason, readable } => {
                let _ = setsockopt(self.socket.get_ref(), sockopt::SndBuf, &LAST_BUFFER);
                let frame = CloseFrame { code: (*code).into(), reason: Utf8Bytes::from(reason.as_str()) };
                // Whatever did not leave is driven on below.
                let _ = self.socket.close(Some(frame));
                *readable
            }
        };
        let taken = self.drive(PollFlags::POLLOUT, |socket| socket.flush().map(|()| true));
        if taken && readable && self.end != End::Answered {
            self.drive(PollFlags::POLLIN, |socket| socket.read().map(|_| false));
        }
        drain(&mut self.socket.into_inner().into_inner(), TIMEOUT);
    }

    /// Takes steps until one is the last, fails, or time is up. Says whether
    /// it was time.
    fn drive(
        &mut self,
        wait_for: PollFlags,
        mut step: impl FnMut(&mut WebSocket<Stream>) -> tungstenite::Result<bool>,
    ) -> bool {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match step(&mut self.socket) {
                Ok(false) => continue,
                Err(e) if is_blocked(&e) => {}
                Ok(true) | Err(_) => return true,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let mut fds = [PollFd::new(self.socket.get_ref().as_fd(), wait_for)];
            let millis = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::ZERO);
            let _ = poll(&mut fds, millis);
        }
    }
}
