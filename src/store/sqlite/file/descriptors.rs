//! Descriptors of databases that larder itself opens, beside SQLite's own.
//!
//! POSIX drops all locks that a process has on a file when the process closes
//! any descriptor of it. SQLite's locks are of that kind, and SQLite does not
//! notice: another program then takes itself for the only one and deletes the
//! log that this process goes on writing to. So a descriptor of a database,
//! once opened, is never closed. Whoever needs one takes it from here, and
//! gives it back for the next one.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::sqlite::vault;

/// A descriptor that is not in use.
struct Spare {
    /// Device and inode.
    identity: (u64, u64),
    writable: bool,
    file: &'static File,
}

static SPARES: Mutex<Vec<Spare>> = Mutex::new(Vec::new());

fn spares() -> MutexGuard<'static, Vec<Spare>> {
    SPARES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A descriptor of a database, in one hand at a time unless it is a vault's.
/// Locks that were taken through it must be released before it is dropped,
/// which does not close it.
#[derive(Debug)]
pub(in crate::store::sqlite) struct Descriptor {
    file: &'static File,
    /// What to give back; nothing of a vault's.
    spare: Option<((u64, u64), bool)>,
}

impl Descriptor {
    /// A descriptor to read the file at `path`.
    pub fn to_read(path: &Path) -> io::Result<Self> {
        Self::open(path, false)
    }

    /// A descriptor to read and write the file at `path`, and to lock it.
    pub fn to_write(path: &Path) -> io::Result<Self> {
        Self::open(path, true)
    }

    fn open(path: &Path, writable: bool) -> io::Result<Self> {
        if let Some(file) = vault::database(path) {
            return Ok(Self { file, spare: None });
        }
        let meta = std::fs::metadata(path)?;
        let identity = (meta.dev(), meta.ino());
        {
            let mut spares = spares();
            let fits = |spare: &Spare| spare.identity == identity && (spare.writable || !writable);
            if let Some(at) = spares.iter().position(fits) {
                let Spare { file, writable, .. } = spares.swap_remove(at);
                return Ok(Self { file, spare: Some((identity, writable)) });
            }
        }
        let file = OpenOptions::new().read(true).write(writable).open(path)?;
        // From here on nothing may close it, not even an error.
        let file: &'static File = Box::leak(Box::new(file));
        let meta = file.metadata()?;
        Ok(Self { file, spare: Some(((meta.dev(), meta.ino()), writable)) })
    }
}

impl Deref for Descriptor {
    type Target = File;

    fn deref(&self) -> &File {
        self.file
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if let Some((identity, writable)) = self.spare {
            spares().push(Spare { identity, writable, file: self.file });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn what_was_given_back_is_handed_out_again_and_two_hands_have_two() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("db");
        std::fs::write(&path, b"x").expect("a file");
        let first = Descriptor::to_write(&path).expect("open");
        let second = Descriptor::to_write(&path).expect("open");
        let numbers = [first.as_raw_fd(), second.as_raw_fd()];
        assert_ne!(numbers[0], numbers[1]);
        drop((first, second));
        let reader = Descriptor::to_read(&path).expect("open");
        assert!(numbers.contains(&reader.as_raw_fd()), "a third one was opened");
        // Another file at the same path is another file.
        std::fs::rename(&path, dir.path().join("old")).expect("rename");
        std::fs::write(&path, b"y").expect("a file");
        let other = Descriptor::to_read(&path).expect("open");
        assert!(!numbers.contains(&other.as_raw_fd()));
    }
}
