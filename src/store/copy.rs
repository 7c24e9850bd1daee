//! Copies of whole stores: files under passing names, filled page by page.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Error as IoError;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::AccessFlags;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::error::{Error, Result, quote};
use super::findings::{Finding, FindingKind};
use super::opening::{harden, no_triggers};
use super::place::beside;
use super::vfs;

/// Pages copied between two calls of the progress function.
pub(super) const STEP: i32 = 1024;

/// Hears how many of how many pages are copied, and says whether to go on.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// A file under a passing name; it and what SQLite keeps beside it are removed
/// unless it is given its proper name.
pub(super) struct Scratch {
    file: Cell<Option<tempfile::TempPath>>,
    pub(super) path: PathBuf,
}

impl Scratch {
    pub(super) fn beside(target: &Path) -> Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let parent = target.parent().unwrap_or(Path::new("/"));
        let file = tempfile::Builder::new()
            .prefix(&format!(".{}.", name.chars().take(40).collect::<String>()))
            .suffix(".partial")
            .tempfile_in(parent)
            .map_err(|e| told(target, e))?
            .into_temp_path();
        let path = file.to_path_buf();
        Ok(Self { file: Cell::new(Some(file)), path })
    }

    /// A connection that has the file for itself and needs no `-shm`.
    pub(super) fn connect(&self) -> Result<Connection> {
        vfs::register();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags_and_vfs(&self.path, flags, vfs::NAME)?;
        conn.execute_batch(
            "PRAGMA locking_mode=EXCLUSIVE;PRAGMA synchronous=FULL;PRAGMA cell_size_check=ON;PRAGMA temp_store=MEMORY",
        )?;
        Ok(conn)
    }

    /// Gives the file its name, if nobody has taken it, durably.
    pub(super) fn persist(&self, target: &Path) -> Result<()> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|e| told(target, e))?;
        if let Some(file) = self.file.take() {
            file.persist_noclobber(target).map_err(|e| told(target, e.error))?;
        }
        sync_directory(target)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        forget_companions(&self.path);
    }
}

pub(super) fn forget_companions(path: &Path) {
    for suffix in ["-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(beside(path, suffix));
    }
}

pub(super) fn sync_directory(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(|e| told(path, e))
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| told(path, e))
}

pub(super) fn told(path: &Path, e: IoError) -> Error {
    Error::io(quote(&path.to_string_lossy()), e)
}

/// Copies every page; the destination is whole after `Ok` and as before after
/// an error.
pub(super) fn copy_pages(from: &Connection, to: &mut Connection, progress: Progress<'_>) -> Result<()> {
    let backup = Backup::new(from, to)?;
    loop {
        let step = backup.step(STEP)?;
        let pages = backup.progress();
        let (total, left) = (unsigned(pages.pagecount), unsigned(pages.remaining));
        if !progress(total.saturating_sub(left), total) {
            return Err(Error::io("the copy", std::io::ErrorKind::Interrupted.into()));
        }
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => return Err(busy()),
        }
    }
}

pub(super) fn unsigned(pages: i32) -> u64 {
    u64::try_from(pages).unwrap_or(0)
}

pub(super) fn busy() -> Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None).into()
}

pub(super) fn close(conn: Connection) -> Result<()> {
    conn.close().map_err(|(_, e)| e.into())
}

/// Where larder is installed setgid it can reach what its caller cannot. A file
/// that the caller names has to be within the caller's own reach.
pub(super) fn own_right(path: &Path, right: AccessFlags) -> Result<()> {
    nix::unistd::access(path, right).map_err(|e| told(path, e.into()))
}

/// Opens a file that nobody changes: without locks, without files beside it.
pub(super) fn immutable(path: &Path) -> Result<Connection> {
    vfs::register();
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut conn = Connection::open_with_flags_and_vfs(&uri, flags, vfs::NAME)?;
    harden(&mut conn)?;
    no_triggers(&conn)?;
    Ok(conn)
}

/// What no recount can heal.
pub(super) fn serious(findings: &[Finding]) -> Option<&Finding> {
    let grave = [FindingKind::Damage, FindingKind::Index, FindingKind::Schema];
    findings.iter().find(|finding| grave.contains(&finding.kind))
}

impl Error {
    /// Like `settle`, when one file was read and another one written: a full
    /// disk is the second one's, damage the first one's.
    pub(super) fn settle_copy(self, from: &Path, to: &Path) -> Self {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
        match &self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(e, _))
                if matches!(e.code, DiskFull | SystemIoFailure | ReadOnly | CannotOpen) =>
            {
                self.settle(to)
            }
            _ => self.settle(from),
        }
    }
}
