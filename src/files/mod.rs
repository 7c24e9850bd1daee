//! Files that people name: what is at a path, and how another file takes its
//! place.

pub mod output;
pub mod replace;

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Passes an opened file on, or refuses to have it read or written.
pub type Admit = fn(File) -> io::Result<File>;

/// What is at a path.
#[derive(Debug)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// A regular file, which another one can replace.
    File(Metadata),
    /// A character device or a FIFO, which is written to.
    Stream,
}

impl Standing {
    /// What is at `path`, symbolic links followed.
    ///
    /// # Errors
    /// Something that is neither to be replaced nor to be written to, or that
    /// cannot be looked at.
    pub fn at(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(meta) if meta.is_file() => Ok(Self::File(meta)),
            Ok(meta) if meta.is_dir() => Err(io::Error::from_raw_os_error(nix::libc::EISDIR)),
            Ok(meta) if is_stream(&meta) => Ok(Self::Stream),
            Ok(_) => Err(io::Error::other("neither a file nor a character device")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self::Nothing),
            Err(e) => Err(e),
        }
    }
}

fn is_stream(meta: &Metadata) -> bool {
    meta.file_type().is_fifo() || meta.file_type().is_char_device()
}

/// Follows symbolic links at the path's last component, also to a file that is
/// yet to be.
pub fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // /dev/stdout leads to a pipe that has no name.
    if fs::metadata(&path).is_ok_and(|meta| is_stream(&meta)) {
        return Ok(path);
    }
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::from_raw_os_error(nix::libc::ELOOP))
}

/// The directory that holds the file at `path`.
#[must_use]
pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
