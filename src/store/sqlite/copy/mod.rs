//! Copies of whole stores: files under temporary names, filled page by page.

pub(super) mod backup;
pub(super) mod restore;

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Error as IoError, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::unistd::AccessFlags;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::model::{Error, Result, shown};
use crate::store::sqlite::attend::{attend, may_go_on};
use crate::store::sqlite::check::examine::{Finding, FindingKind};
use crate::store::sqlite::file::descriptors::Descriptor;
use crate::store::sqlite::file::ofd_lock;
use crate::store::sqlite::file::open::{harden, own_tables_only};
use crate::store::sqlite::file::path::{COMPANIONS, beside, immutable_uri};
use crate::store::sqlite::file::vfs;

/// Pages copied between two calls of the progress function.
pub(in crate::store::sqlite) const STEP: i32 = 1024;

/// What a copy is about at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Pages are copied out of a file.
    Copying,
    /// A backup comes in.
    Receiving,
    /// The copy is looked through for damage.
    Checking,
    /// The store is overwritten with the copy.
    Writing,
}

/// Hears of every stage how many of how many pages are done.
pub type Progress<'a> = &'a mut dyn FnMut(Stage, u64, u64);

/// A file under a temporary name; it and what SQLite keeps beside it are
/// removed unless it is given its proper name. A process that is killed leaves
/// it behind: the next copy under the same name removes what nobody holds any
/// more.
pub(in crate::store::sqlite) struct Scratch {
    file: Cell<Option<tempfile::TempPath>>,
    pub(in crate::store::sqlite) path: PathBuf,
    /// Locked as long as the file is being made.
    _hold: File,
}

/// Where SQLite's own locks on a file begin; the byte behind the last of them
/// is locked by who makes the file. Not the whole file: locks of one process's
/// descriptors stand in each other's way.
const LOCKS: libc::off_t = 0x4000_0000;
const HOLD: libc::off_t = LOCKS + 512;

impl Scratch {
    pub(in crate::store::sqlite) fn beside(target: &Path) -> Result<Self> {
        Self::within(target.parent().unwrap_or(Path::new("/")), target)
    }

    /// A temporary file in `directory` for what `target` is to hold.
    pub(in crate::store::sqlite) fn within(directory: &Path, target: &Path) -> Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{}.", name.chars().take(40).collect::<String>());
        remove_stale(directory, &prefix);
        let io_error = |e| io_error(directory, e);
        loop {
            let (hold, file) = tempfile::Builder::new()
                .prefix(&prefix)
                .suffix(".partial")
                .tempfile_in(directory)
                .map_err(io_error)?
                .into_parts();
            // Before it was locked somebody may have taken it for stale. Where
            // there are no locks nobody can.
            let taken = matches!(lock(&hold, HOLD, 1), Err(Errno::EAGAIN | Errno::EACCES));
            let path = file.to_path_buf();
            if !taken && is_named(&hold, &path) {
                return Ok(Self { file: Cell::new(Some(file)), path, _hold: hold });
            }
        }
    }

    /// A connection that has the file for itself and needs no `-shm`.
    pub(in crate::store::sqlite) fn connect(&self) -> Result<Connection> {
        vfs::register();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags_and_vfs(&self.path, flags, vfs::NAME)?;
        own_tables_only(&mut conn)?;
        attend(&mut conn)?;
        conn.execute_batch(
            "PRAGMA locking_mode=EXCLUSIVE;PRAGMA synchronous=FULL;PRAGMA cell_size_check=ON;PRAGMA temp_store=MEMORY",
        )?;
        Ok(conn)
    }

    /// Gives the file its name, if nobody has taken it, durably.
    pub(in crate::store::sqlite) fn persist(&self, target: &Path) -> Result<()> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|e| io_error(target, e))?;
        if let Some(file) = self.file.take() {
            file.persist_noclobber(target).map_err(|e| io_error(target, e.error))?;
        }
        sync_directory(target)
    }
}

/// Locks a part of the file for this descriptor alone; SQLite's locks count too.
fn lock(file: &File, start: libc::off_t, length: libc::off_t) -> nix::Result<()> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&ofd_lock::range(libc::F_WRLCK, start, length))).map(drop)
}

/// A database that is locked against SQLite.
pub(in crate::store::sqlite) struct Locked(Descriptor);

impl Drop for Locked {
    fn drop(&mut self) {
        let unlock = ofd_lock::range(libc::F_UNLCK, LOCKS, 512);
        let _ = fcntl(&*self.0, FcntlArg::F_OFD_SETLK(&unlock));
    }
}

/// Takes the bytes that SQLite locks, all of them, for writing: until the
/// result is dropped, no SQLite connection can have the file open.
pub(in crate::store::sqlite) fn lock_whole(database: Descriptor) -> nix::Result<Locked> {
    lock(&database, LOCKS, 512)?;
    Ok(Locked(database))
}

fn is_named(file: &File, path: &Path) -> bool {
    let name = fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()));
    file.metadata().is_ok_and(|meta| name.is_ok_and(|name| name == (meta.dev(), meta.ino())))
}

/// Removes the caller's own temporary files that no process holds. What cannot
/// be removed stays: a copy does not depend on it.
fn remove_stale(directory: &Path, prefix: &str) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let temporary = name
            .to_str()
            .and_then(|name| name.strip_prefix(prefix)?.split_once(".partial"))
            .filter(|(random, _)| random.len() == 6 && random.bytes().all(|b| b.is_ascii_alphanumeric()));
        match temporary {
            Some((_, "")) => remove_unheld(&entry.path()),
            Some((random, suffix)) if COMPANIONS.contains(&suffix) => {
                // The copy got its name, and this could not be removed then.
                let copy = directory.join(format!("{prefix}{random}.partial"));
                let gone = fs::symlink_metadata(copy).is_err_and(|e| e.kind() == ErrorKind::NotFound);
                if gone && entry.metadata().is_ok_and(|meta| is_own(&meta)) {
                    let _ = fs::remove_file(entry.path());
                }
            }
            _ => {}
        }
    }
}

fn remove_unheld(path: &Path) {
    let opened = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path);
    let Ok(file) = opened else { return };
    let own = file.metadata().is_ok_and(|meta| is_own(&meta));
    if own && lock(&file, LOCKS, HOLD - LOCKS + 1).is_ok() && is_named(&file, path) {
        forget_companions(path);
        let _ = fs::remove_file(path);
    }
}

fn is_own(meta: &fs::Metadata) -> bool {
    meta.is_file() && meta.uid() == nix::unistd::geteuid().as_raw() && meta.nlink() == 1
}

impl Drop for Scratch {
    fn drop(&mut self) {
        forget_companions(&self.path);
    }
}

pub(in crate::store::sqlite) fn forget_companions(path: &Path) {
    for suffix in COMPANIONS {
        let _ = fs::remove_file(beside(path, suffix));
    }
}

pub(in crate::store::sqlite) fn sync_directory(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(|e| io_error(path, e))
}

pub(in crate::store::sqlite) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| io_error(path, e))
}

pub(in crate::store::sqlite) fn io_error(path: &Path, e: IoError) -> Error {
    Error::io(shown(path), e)
}

/// Copies every page; the destination is whole after `Ok` and as before after
/// an error.
pub(in crate::store::sqlite) fn copy_pages(
    from: &Connection,
    to: &mut Connection,
    progress: Progress<'_>,
) -> Result<()> {
    let backup = Backup::new(from, to)?;
    loop {
        let step = backup.step(STEP)?;
        let pages = backup.progress();
        let (total, left) = (unsigned(pages.pagecount), unsigned(pages.remaining));
        progress(Stage::Copying, total.saturating_sub(left), total);
        if !may_go_on() {
            return Err(Error::Interrupted);
        }
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => return Err(busy()),
        }
    }
}

pub(in crate::store::sqlite) fn unsigned(pages: i32) -> u64 {
    u64::try_from(pages).unwrap_or(0)
}

pub(in crate::store::sqlite) fn busy() -> Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None).into()
}

pub(in crate::store::sqlite) fn close(conn: Connection) -> Result<()> {
    conn.close().map_err(|(_, e)| e.into())
}

/// Where larder is installed setgid it can reach what its caller cannot. A file
/// that the caller names has to be within the caller's own reach.
pub(in crate::store::sqlite) fn own_right(path: &Path, right: AccessFlags) -> Result<()> {
    nix::unistd::access(path, right).map_err(|e| io_error(path, e.into()))
}

/// Opens a file that nobody changes: without locks, without files beside it.
pub(in crate::store::sqlite) fn immutable(path: &Path) -> Result<Connection> {
    vfs::register();
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut conn = Connection::open_with_flags_and_vfs(immutable_uri(path), flags, vfs::NAME)?;
    harden(&mut conn)?;
    attend(&mut conn)?;
    Ok(conn)
}

/// What no recount can heal.
pub(in crate::store::sqlite) fn serious(findings: &[Finding]) -> Option<&Finding> {
    let grave = [FindingKind::Damage, FindingKind::Index, FindingKind::Schema];
    findings.iter().find(|finding| grave.contains(&finding.kind))
}

impl Error {
    /// Like `settle`, when one file was read and another one written: a full
    /// disk is the second one's, damage the first one's.
    pub(in crate::store::sqlite) fn settle_copy(self, from: &Path, to: &Path) -> Self {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
        let of_the_written = self
            .failure()
            .is_some_and(|e| matches!(e.code, DiskFull | SystemIoFailure | ReadOnly | CannotOpen));
        self.settle(if of_the_written { to } else { from })
    }
}
