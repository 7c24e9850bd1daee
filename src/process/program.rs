//! Finding a program before it is needed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure};
use crate::text::quote;

/// Finds a program as the shell would: status 127 if there is none, 126 if it
/// may not be run.
pub fn find_program(name: &OsStr) -> Result<PathBuf, Failure> {
    find_program_in(name, std::env::var_os("PATH").as_deref())
}

/// Like [`find_program`], along this PATH.
pub fn find_program_in(name: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, Failure> {
    let shown = quote(&name.to_string_lossy());
    let runnable = |path: &Path| {
        std::fs::metadata(path).ok().map(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let candidates: Vec<PathBuf> = if name.as_bytes().contains(&b'/') {
        vec![name.into()]
    } else {
        let path = path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".as_ref());
        std::env::split_paths(path).map(|dir| dir.join(name)).collect()
    };
    let mut refused = false;
    for candidate in candidates {
        match runnable(&candidate) {
            Some(true) => return Ok(candidate),
            Some(false) => refused = true,
            None => {}
        }
    }
    if refused {
        return Err(Failure::new(Exit::Child(126), format!("the command {shown} is not executable")));
    }
    Err(Failure::new(Exit::Child(127), format!("there is no command {shown}")))
}
