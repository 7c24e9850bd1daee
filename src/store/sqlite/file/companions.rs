//! The files that SQLite keeps beside a database, and which of them are
//! trusted.
//!
//! SQLite takes `-wal`, `-shm` and `-journal` for parts of the database by
//! their names alone. In a directory where others may make files, such as
//! `/tmp`, another user could give a store a log of theirs, and with it any
//! content. So SQLite's system call to open a file is replaced by one that
//! looks at what it has opened, by descriptor. A companion is taken if
//!
//! * it is a regular file of one name, and no symbolic link;
//! * it belongs to the owner of the database or to root, **or** to somebody who
//!   may write the database anyway: everybody may, by its mode, or its group
//!   may, the companion is of that group, and not everybody can make files in
//!   the directory (where that directory is setgid, a file would be of the
//!   group whoever makes it). Who can write the database owns its content
//!   already; so a Unix group can share a store, in a directory of mode 2770
//!   with files of mode 660;
//! * its mode grants nothing that the database's does not. What can merely be
//!   read by more people is narrowed, where the caller may.
//!
//! A missing companion is made with `O_EXCL`, and given the database's group
//! where that is allowed. A FIFO is not waited for.
//!
//! A `-journal` of the owner's is left to SQLite even beside a store in WAL
//! mode: a store that was killed while it was being made has one, and needs it.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, OsStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::libc;
use rusqlite::ffi;

use crate::model::Error;
use crate::store::sqlite::file::path::COMPANIONS;
use crate::store::sqlite::vault;

/// What is known of an open database.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::sqlite) struct Database {
    pub dev: u64,
    pub ino: u64,
    pub uid: u32,
    gid: u32,
    mode: u32,
}

/// Databases that were opened, by SQLite's names for them.
static DATABASES: Mutex<Vec<(Vec<u8>, Database)>> = Mutex::new(Vec::new());

thread_local! {
    /// Whether the next file to be opened is a database.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
    static LAST: Cell<Option<Database>> = const { Cell::new(None) };
    static REFUSED: RefCell<Option<(PathBuf, &'static str)>> = const { RefCell::new(None) };
    static FAILED: Cell<Option<Errno>> = const { Cell::new(None) };
}

/// Runs `open`, in which SQLite opens a database.
pub(in crate::store::sqlite) fn expect_database<T>(open: impl FnOnce() -> T) -> T {
    LAST.set(None);
    EXPECTED.set(true);
    let result = open();
    EXPECTED.set(false);
    result
}

/// The database that this thread opened last.
pub(in crate::store::sqlite) fn last_database() -> Option<Database> {
    LAST.take()
}

/// The refusal that is behind what SQLite last said on this thread, if there
/// was one.
pub(in crate::store::sqlite) fn refusal() -> Option<Error> {
    REFUSED.take().map(|(file, why)| Error::Companion { file, why })
}

/// Why the process could open no more files, if SQLite met with that.
pub(in crate::store::sqlite) fn exhaustion() -> Option<Errno> {
    FAILED.take().filter(|errno| matches!(errno, Errno::EMFILE | Errno::ENFILE))
}

type Open = unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int;

/// Has SQLite open files as is written above.
pub(in crate::store::sqlite) fn guard() {
    // SAFETY: sqlite3_vfs_find(NULL) returns the default VFS, which lives as
    // long as the process. SQLite calls the replacement with the arguments of
    // open(2), which are those of the type.
    unsafe {
        let vfs = ffi::sqlite3_vfs_find(ptr::null());
        if let Some(replace) = vfs.as_ref().and_then(|vfs| vfs.xSetSystemCall) {
            let call = std::mem::transmute::<Open, ffi::sqlite3_syscall_ptr>(open);
            replace(vfs, c"open".as_ptr(), call);
        }
    }
}

// SAFETY of the two: SQLite passes what it would pass to the system call.

unsafe extern "C" fn open(name: *const c_char, flags: c_int, mode: c_int) -> c_int {
    unsafe {
        let path = CStr::from_ptr(name).to_bytes();
        if EXPECTED.get() {
            let fd = open_plainly(name, flags, mode);
            if let Some(stat) = stat_of(fd) {
                remember(path, &stat);
            }
            return fd;
        }
        if vault::descriptor(name).is_some() {
            return open_plainly(name, flags, mode);
        }
        let Some(database) = database_of(path) else { return open_plainly(name, flags, mode) };
        let without = (flags | libc::O_NONBLOCK) & !libc::O_CREAT;
        let fd = loop {
            let fd = open_plainly(name, without, mode);
            if fd >= 0 || flags & libc::O_CREAT == 0 || Errno::last() != Errno::ENOENT {
                break fd;
            }
            let new = open_plainly(name, without | libc::O_CREAT | libc::O_EXCL, mode);
            if new >= 0 {
                if stat_of(new).is_some_and(|stat| stat.st_gid != database.gid) {
                    libc::fchown(new, u32::MAX, database.gid);
                }
                return new;
            }
            if Errno::last() != Errno::EEXIST {
                return new;
            }
        };
        let wrong = match stat_of(fd) {
            Some(stat) => wrong(&database, &stat, fd, path),
            None if Errno::last() == Errno::ELOOP => Some("is a symbolic link"),
            None => None,
        };
        let Some(why) = wrong else { return fd };
        if fd >= 0 {
            libc::close(fd);
        }
        REFUSED.replace(Some((OsStr::from_bytes(path).into(), why)));
        Errno::EPERM.set();
        -1
    }
}

unsafe fn open_plainly(name: *const c_char, flags: c_int, mode: c_int) -> c_int {
    unsafe {
        let fd = match vault::descriptor(name) {
            // 3: never one of the standard streams.
            Some(fd) => libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3),
            None => libc::open(name, flags, mode),
        };
        if fd < 0 {
            FAILED.set(Some(Errno::last()));
        }
        fd
    }
}

fn stat_of(fd: c_int) -> Option<libc::stat> {
    let mut stat = MaybeUninit::uninit();
    // SAFETY: fstat fills the structure if it returns 0.
    unsafe { (fd >= 0 && libc::fstat(fd, stat.as_mut_ptr()) == 0).then(|| stat.assume_init()) }
}

fn remember(path: &[u8], stat: &libc::stat) {
    let database = Database {
        dev: stat.st_dev,
        ino: stat.st_ino,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mode: stat.st_mode,
    };
    LAST.set(Some(database));
    let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
    match databases.iter_mut().find(|(name, _)| name == path) {
        Some((_, known)) => *known = database,
        None => databases.push((path.to_owned(), database)),
    }
}

/// The open database that a file would be a companion of.
fn database_of(path: &[u8]) -> Option<Database> {
    let suffix = COMPANIONS.iter().find(|suffix| path.ends_with(suffix.as_bytes()))?;
    let name = &path[..path.len() - suffix.len()];
    let databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
    databases.iter().find(|(known, _)| known == name).map(|(_, database)| *database)
}

/// Why a companion is not trusted.
fn wrong(database: &Database, stat: &libc::stat, fd: c_int, path: &[u8]) -> Option<&'static str> {
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFREG => {}
        libc::S_IFIFO => return Some("is a FIFO"),
        libc::S_IFDIR => return Some("is a directory"),
        _ => return Some("is not a regular file"),
    }
    if stat.st_nlink > 1 {
        return Some("has more than one name (hard links)");
    }
    let by_everybody = database.mode & 0o002 != 0;
    if stat.st_uid != database.uid && stat.st_uid != 0 && !by_everybody && !by_group(database, stat, path) {
        return Some("does not belong to the database's owner");
    }
    let wider = stat.st_mode & 0o777 & !database.mode;
    if wider & 0o222 != 0 {
        return Some("can be written by more users than the database");
    }
    // SAFETY: the call takes numbers alone.
    if wider & 0o444 != 0 && unsafe { libc::fchmod(fd, stat.st_mode & database.mode & 0o777) } != 0 {
        return Some("can be read by more users than the database");
    }
    None
}

/// Whether a companion was made by one of the group that writes the database.
fn by_group(database: &Database, stat: &libc::stat, path: &[u8]) -> bool {
    let directory = Path::new(OsStr::from_bytes(path)).parent().and_then(|path| std::fs::metadata(path).ok());
    database.mode & 0o020 != 0
        && stat.st_gid == database.gid
        && directory.is_some_and(|directory| directory.mode() & 0o002 == 0)
}
