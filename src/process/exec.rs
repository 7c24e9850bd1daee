//! Becoming another program.

use std::convert::Infallible;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

use crate::startup;

/// Becomes `program`, called by the first of `words`, with nothing but
/// `environment`: the same process, with signals as this one was given them.
/// Returns only where that cannot be.
///
/// A text without `#!` is run by sh, as a shell does.
#[must_use]
pub fn become_program(program: &Path, words: &[CString], environment: &[CString]) -> Errno {
    // A name without a slash would be looked for along PATH.
    let path = if program.as_os_str().as_bytes().contains(&b'/') {
        program.to_owned()
    } else {
        Path::new(".").join(program)
    };
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return Errno::ENOENT };
    startup::restore();
    let became: nix::Result<Infallible> = nix::unistd::execvpe(&path, words, environment);
    let Err(errno) = became;
    errno
}
