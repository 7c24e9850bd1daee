//! A vault's files, open by descriptor.
//!
//! A larder that is installed setgid opens the files of a vault, gives up the
//! group, and only then lets SQLite near them. SQLite knows files by path, and
//! by path nobody may open these any more. So its system calls are taught three
//! names: to open one of them is to duplicate the descriptor held here, to look
//! at one is to look at that descriptor. All other paths go to the operating
//! system as ever, with the rights of the caller.
//!
//! Nothing here is found, and no system call but that to open a file is replaced
//! (see [`crate::store::companions`]), unless [`hold`] was called.
//!
//! SQLite has no safe interface to its system calls, hence the unsafe code.
#![allow(unsafe_code)]

pub(super) mod enter;

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, OnceLock};

use nix::fcntl::{FallocateFlags, FcntlArg, fallocate, fcntl};
use nix::libc;
use nix::sys::inotify::Inotify;
use rusqlite::ffi;

use crate::store::sqlite::file::ofd_lock;
use crate::store::sqlite::file::path::beside;

/// The open files of a store, and a bell on its database.
#[derive(Debug)]
pub struct Files {
    /// The store's path: absolute, without symbolic links.
    pub path: PathBuf,
    /// The database.
    pub db: File,
    /// Its write-ahead log.
    pub wal: File,
    /// Its shared memory.
    pub shm: File,
    /// Hears when the database's times change.
    pub bell: Option<Inotify>,
}

struct Held {
    path: PathBuf,
    files: [(CString, File); 3],
    /// Device and inode of each.
    identities: [(u64, u64); 3],
    bell: Mutex<Option<Inotify>>,
}

static HELD: OnceLock<Held> = OnceLock::new();

/// Keeps the files to the end of the process, and has SQLite use them. Only
/// the first call in a process counts.
pub fn hold(files: Files) -> io::Result<()> {
    let name = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
    let identity = |file: &File| file.metadata().map(|meta| (meta.dev(), meta.ino()));
    let held = Held {
        identities: [identity(&files.db)?, identity(&files.wal)?, identity(&files.shm)?],
        files: [
            (name(&files.path)?, files.db),
            (name(&beside(&files.path, "-wal"))?, files.wal),
            (name(&beside(&files.path, "-shm"))?, files.shm),
        ],
        path: files.path,
        bell: Mutex::new(files.bell),
    };
    if HELD.set(held).is_ok() {
        redirect_system_calls()?;
    }
    Ok(())
}

/// Locks a database as a SQLite reader does, for as long as the descriptor
/// lives: no other SQLite connection can be the last one that deletes the log.
pub fn lock_shared(db: &File) -> io::Result<()> {
    // The range is SQLite's: PENDING_BYTE + 2, 510 bytes.
    let lock = ofd_lock::range(libc::F_RDLCK, 0x4000_0002, 510);
    fcntl(db, FcntlArg::F_OFD_SETLK(&lock)).map(drop).map_err(Into::into)
}

fn held(path: &Path) -> Option<&'static Held> {
    HELD.get().filter(|held| held.path == path)
}

/// Whether the store at `path` is open here.
#[must_use]
pub fn is_held(path: &Path) -> bool {
    held(path).is_some()
}

/// Whether `file` is one of those held, by whatever name it was opened.
fn is_held_file(file: &File) -> io::Result<bool> {
    let Some(held) = HELD.get() else { return Ok(false) };
    let meta = file.metadata()?;
    Ok(held.identities.contains(&(meta.dev(), meta.ino())))
}

/// Passes a file on that was opened by a name of the caller's, and refuses one
/// of those held. Whoever opens such a name asks here before the first byte is
/// read, written or cut off: a name that was looked at before can stand for
/// another file when it is opened, `/proc/self/fd/N` for one.
///
/// # Errors
/// The file is one of a vault's. It is not closed then: that would drop
/// SQLite's locks on it.
pub fn admit(file: File) -> io::Result<File> {
    if !is_held_file(&file)? {
        return Ok(file);
    }
    let _ = file.into_raw_fd();
    Err(io::Error::other("it is a file of the vault itself"))
}

/// What the file system says about the file at `path`, if it is one of those
/// held. One that lost its name is gone.
pub(in crate::store::sqlite) fn metadata(path: &Path) -> Option<io::Result<Metadata>> {
    let held = HELD.get()?;
    let wanted = path.as_os_str().as_bytes();
    let (_, file) = held.files.iter().find(|(name, _)| name.to_bytes() == wanted)?;
    Some(
        file.metadata()
            .and_then(|meta| if meta.nlink() == 0 { Err(io::ErrorKind::NotFound.into()) } else { Ok(meta) }),
    )
}

/// The descriptor of the database at `path`, if it is held. It is not
/// duplicated: to close the duplicate would drop SQLite's locks.
pub(in crate::store::sqlite) fn database(path: &Path) -> Option<&'static File> {
    Some(&held(path)?.files[0].1)
}

/// Wakes those who wait for the bell of the store at `path`; `false` if it is
/// not held. Touching the times would need write permission, which is given
/// up; allocating what is allocated already needs the descriptor only.
pub(in crate::store::sqlite) fn ring(path: &Path) -> bool {
    let Some(held) = held(path) else { return false };
    let _ = fallocate(held.files[0].1.as_fd(), FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, 1);
    true
}

/// The bell of the store at `path`, if it is held and nobody has taken it yet.
#[must_use]
pub fn take_bell(path: &Path) -> Option<Inotify> {
    held(path)?.bell.lock().ok()?.take()
}

type Stat = unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int;
type Access = unsafe extern "C" fn(*const c_char, c_int) -> c_int;

fn redirect_system_calls() -> io::Result<()> {
    let refused = || io::Error::other("SQLite does not let its system calls be replaced");
    // SAFETY: sqlite3_vfs_find(NULL) returns the default VFS, which lives as
    // long as the process. SQLite calls each replacement with the arguments of
    // the call it replaces, which are those of the types above.
    unsafe {
        let vfs = ffi::sqlite3_vfs_find(ptr::null());
        let replace = vfs.as_ref().and_then(|vfs| vfs.xSetSystemCall).ok_or_else(refused)?;
        let calls: [(&CStr, ffi::sqlite3_syscall_ptr); 3] = [
            (c"stat", std::mem::transmute::<Stat, ffi::sqlite3_syscall_ptr>(stat)),
            (c"lstat", std::mem::transmute::<Stat, ffi::sqlite3_syscall_ptr>(lstat)),
            (c"access", std::mem::transmute::<Access, ffi::sqlite3_syscall_ptr>(access)),
        ];
        for (name, call) in calls {
            if replace(vfs, name.as_ptr(), call) != ffi::SQLITE_OK {
                return Err(refused());
            }
        }
    }
    Ok(())
}

/// The descriptor that is held for a path of SQLite's.
///
/// # Safety
/// `path` is a C string.
pub(in crate::store::sqlite) unsafe fn descriptor(path: *const c_char) -> Option<c_int> {
    // SAFETY: as the caller promises.
    let path = unsafe { CStr::from_ptr(path) };
    let (_, file) = HELD.get()?.files.iter().find(|(name, _)| name.as_c_str() == path)?;
    Some(file.as_raw_fd())
}

// SAFETY of the three: SQLite passes what it would pass to the system call.

unsafe extern "C" fn stat(path: *const c_char, buffer: *mut libc::stat) -> c_int {
    unsafe {
        match descriptor(path) {
            Some(fd) => libc::fstat(fd, buffer),
            None => libc::stat(path, buffer),
        }
    }
}

unsafe extern "C" fn lstat(path: *const c_char, buffer: *mut libc::stat) -> c_int {
    unsafe {
        match descriptor(path) {
            Some(fd) => libc::fstat(fd, buffer),
            None => libc::lstat(path, buffer),
        }
    }
}

unsafe extern "C" fn access(path: *const c_char, mode: c_int) -> c_int {
    unsafe {
        match descriptor(path) {
            Some(_) => 0,
            None => libc::access(path, mode),
        }
    }
}
