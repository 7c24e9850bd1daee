//! Hands larder's clock to SQLite.
//!
//! The triggers ask SQLite for the time, because they must also work for
//! clients that know nothing of larder. SQLite in turn asks its operating
//! system layer, the VFS. larder's connections use a copy of the default VFS in
//! which that one function answers with the time of the operation under way,
//! so a command, its triggers and its tests all see the same present, and no
//! write has to carry the time through a table.
//!
//! This is the one module with unsafe code besides the descriptor handling of
//! the watch: SQLite has no safe interface to its VFS.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::ptr;
use std::sync::Once;

use rusqlite::ffi;

use crate::clock::Timestamp;

/// Name under which the VFS is registered.
pub(super) const NAME: &CStr = c"larder";

/// Julian day 2440587.5, the Unix epoch, in SQLite's unit of milliseconds.
const UNIX_EPOCH_JULIAN_MILLIS: i64 = 210_866_760_000_000;

thread_local! {
    static NOW: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// Sets what SQLite will take for the present on this thread.
pub(super) fn set_now(now: Timestamp) {
    NOW.set(Some(now));
}

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, out: *mut i64) -> c_int {
    let now = NOW.get().unwrap_or_else(Timestamp::now);
    // SAFETY: SQLite passes a pointer to a local variable of its own.
    unsafe { *out = now.0.saturating_add(UNIX_EPOCH_JULIAN_MILLIS) };
    ffi::SQLITE_OK
}

/// Registers the VFS; later calls do nothing.
pub(super) fn register() {
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
            ffi::sqlite3_vfs_register(Box::into_raw(Box::new(copy)), 0);
        }
    });
}
