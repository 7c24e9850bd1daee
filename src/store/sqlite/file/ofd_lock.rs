//! Locks on parts of a file that belong to the open descriptor, not to the
//! process (`F_OFD_SETLK` in fcntl(2)): closing another descriptor of the file
//! does not drop them, and two descriptors of one process exclude each other.

use nix::libc::{self, c_int, off_t};

/// `length` bytes from `start`; `kind` is `F_RDLCK`, `F_WRLCK` or `F_UNLCK`.
#[allow(clippy::cast_possible_truncation)] // the C library's own constants: 0, 1 and 2
pub(in crate::store::sqlite) fn range(kind: c_int, start: off_t, length: off_t) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}
