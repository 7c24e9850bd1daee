//! larder's operating system layer for SQLite: the default VFS but for two
//! functions.
//!
//! **The clock.** The triggers ask SQLite for the time, because they must also
//! work for clients that know nothing of larder. SQLite in turn asks the VFS.
//! Here it answers with the time of the operation under way, so a command, its
//! triggers and its tests all see the same present, and no write has to carry
//! the time through a table.
//!
//! **Opening the write-ahead log.** SQLite opens the log to be created if it
//! is missing, and then syncs the directory along with the process's first
//! commit, lest the log's name be lost in a power cut. For a process that
//! commits once, that doubles the syncs of every commit. A log that already
//! holds frames had its name synced by whoever wrote the first of them, with
//! that commit; so it is opened as the existing file it is, and the directory
//! is left alone. A log without frames may be a reader's, who syncs
//! nothing, or that of a process killed too early, and is opened SQLite's way.
//!
//! SQLite has no safe interface to its VFS, hence the unsafe code.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::Once;

use rusqlite::ffi;

use crate::clock::Timestamp;
use crate::store::sqlite::file::companions;

/// Name under which the VFS is registered.
pub(in crate::store::sqlite) const NAME: &CStr = c"larder";

/// Julian day 2440587.5, the Unix epoch, in SQLite's unit of milliseconds.
const UNIX_EPOCH_JULIAN_MILLIS: i64 = 210_866_760_000_000;

thread_local! {
    static NOW: Cell<Option<Timestamp>> = const { Cell::new(None) };
    static LOG_LENGTH: Cell<u64> = const { Cell::new(0) };
}

/// Sets what SQLite will take for the present on this thread.
pub(in crate::store::sqlite) fn set_now(now: Timestamp) {
    NOW.set(Some(now));
}

/// The length in bytes of the log that this thread opened last, at that time; 0
/// if it is unknown.
pub(in crate::store::sqlite) fn log_length() -> u64 {
    LOG_LENGTH.get()
}

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, out: *mut i64) -> c_int {
    let now = NOW.get().unwrap_or_else(Timestamp::now);
    // SAFETY: SQLite passes a pointer to a local variable of its own.
    unsafe { *out = now.0.saturating_add(UNIX_EPOCH_JULIAN_MILLIS) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: the default VFS was there to be copied and lives as long as the
    // process; its function gets the arguments that SQLite made for it. A log
    // has a name, which ends in a NUL byte. A failed open leaves nothing in
    // `file`, so that it can be opened again.
    unsafe {
        let Some(default_open) = (*ffi::sqlite3_vfs_find(ptr::null())).xOpen else {
            return ffi::SQLITE_CANTOPEN;
        };
        if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
            return companions::expect_database(|| default_open(vfs, name, file, flags, out_flags));
        }
        if flags & ffi::SQLITE_OPEN_WAL != 0 && holds_frames(CStr::from_ptr(name)) {
            let code = default_open(vfs, name, file, flags & !ffi::SQLITE_OPEN_CREATE, out_flags);
            if code == ffi::SQLITE_OK {
                return code;
            }
        }
        default_open(vfs, name, file, flags, out_flags)
    }
}

/// Bytes of a log's header. SQLite syncs it, and the directory, before it writes
/// the first frame; one that stands alone may be of a process that was killed
/// before.
const HEADER: u64 = 32;

/// Whether the log at `name` has a frame in it.
fn holds_frames(name: &CStr) -> bool {
    let length = std::fs::metadata(OsStr::from_bytes(name.to_bytes())).map_or(0, |meta| meta.len());
    LOG_LENGTH.set(length);
    length > HEADER
}

/// Registers the VFS; later calls do nothing.
pub(in crate::store::sqlite) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: sqlite3_vfs_find(NULL) returns the default VFS, which lives
        // as long as the process. The copy is leaked, as SQLite keeps the
        // pointer; its methods only read fields of the structure they are
        // given, and all those fields are copied.
        unsafe {
            let default = ffi::sqlite3_vfs_find(ptr::null());
            if default.is_null() {
                return;
            }
            let mut copy = *default;
            copy.zName = NAME.as_ptr();
            copy.pNext = ptr::null_mut();
            copy.xCurrentTimeInt64 = Some(current_time);
            copy.xOpen = Some(open);
            ffi::sqlite3_vfs_register(Box::into_raw(Box::new(copy)), 0);
        }
        companions::guard();
    });
}
