//! Claims: what one process at a time may do, for as long as it lives.
//!
//! A claim is a lock of the operating system on one byte of the store's file,
//! far past SQLite's own lock bytes. The kernel frees it with the process, so
//! nothing is left behind by a kill, and hands it on without any polling. The
//! byte is found by hashing: two claims on one byte only keep each other
//! waiting.

use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use sha1::{Digest, Sha1};

use crate::model::{Error, Result};
use crate::store::sqlite::file::descriptors::Descriptor;
use crate::store::sqlite::file::ofd_lock;
use crate::text::quote;

/// What is claimed. Names are as stored, with the namespace's prefix.
#[derive(Clone, Copy, Debug)]
pub enum Claimed<'a> {
    /// Reading as a consumer.
    Consumer(&'a str),
    /// Making the value of a key.
    Making {
        /// Group.
        group: &'a str,
        /// Key.
        key: &'a str,
    },
}

/// A claim that is held; given back when dropped, or by the kernel. It may be
/// taken and dropped whether or not the store is open.
#[derive(Debug)]
pub struct Claim {
    descriptor: Descriptor,
    byte: i64,
}

/// First byte of the range: past any database SQLite can hold (2^48 bytes).
const BASE: i64 = 1 << 61;

impl Claim {
    /// Claims at once, on the store at `path`; `None` if another process has
    /// the claim.
    pub fn take(path: &Path, what: Claimed<'_>) -> Result<Option<Self>> {
        let (descriptor, byte) = (open(path)?, what.byte());
        match fcntl(&*descriptor, FcntlArg::F_OFD_SETLK(&ofd_lock::range(libc::F_WRLCK, byte, 1))) {
            Ok(_) => Ok(Some(Self { descriptor, byte })),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
            Err(e) => Err(io_error(path, e.into())),
        }
    }

    /// Claims, however long it takes. A signal that ends the process ends the
    /// wait.
    pub fn wait(path: &Path, what: Claimed<'_>) -> Result<Self> {
        let (descriptor, byte) = (open(path)?, what.byte());
        loop {
            match fcntl(&*descriptor, FcntlArg::F_OFD_SETLKW(&ofd_lock::range(libc::F_WRLCK, byte, 1))) {
                Ok(_) => return Ok(Self { descriptor, byte }),
                Err(Errno::EINTR) => {}
                Err(e) => return Err(io_error(path, e.into())),
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let unlock = ofd_lock::range(libc::F_UNLCK, self.byte, 1);
        let _ = fcntl(&*self.descriptor, FcntlArg::F_OFD_SETLK(&unlock));
    }
}

impl Claimed<'_> {
    /// The byte that is locked: whoever has it keeps others waiting, also
    /// those with another name that hashes to it.
    #[must_use]
    pub fn byte(self) -> i64 {
        let bytes = match self {
            Self::Consumer(name) => [b"consumer\0", name.as_bytes(), b"", b""].concat(),
            Self::Making { group, key } => {
                [b"making\0".as_slice(), group.as_bytes(), b"\0", key.as_bytes()].concat()
            }
        };
        // Not to be foreseen by who looks for another name of his own on the
        // same byte, to keep its owner out.
        let digest = Sha1::digest(bytes);
        let number = digest[..8].try_into().map_or(0, u64::from_be_bytes);
        BASE + i64::try_from(number >> 4).unwrap_or(0)
    }
}

fn open(path: &Path) -> Result<Descriptor> {
    Descriptor::to_write(path).map_err(|e| io_error(path, e))
}

fn io_error(path: &Path, error: std::io::Error) -> Error {
    Error::io(format!("store {}", quote(&path.to_string_lossy())), error)
}
