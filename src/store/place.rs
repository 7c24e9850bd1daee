//! Where a store lies: what may stand at its path, and how it comes to be.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::{Error, Result, quote};
use super::held;

/// What stands at a store's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing.
    Missing,
    /// A file, possibly empty.
    File,
}

/// Looks at the path without opening it: opening a FIFO would hang, and opening
/// the database outside SQLite could drop locks that SQLite holds.
pub(super) fn inspect(path: &Path) -> Result<Place> {
    let meta = match metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return match fs::symlink_metadata(path) {
                Ok(meta) if meta.is_symlink() => Err(Error::unusable(path, "is a symbolic link to nothing")),
                // It has appeared between the two looks.
                Ok(_) => inspect(path),
                Err(_) => Ok(Place::Missing),
            };
        }
        Err(e) => return Err(Error::io(format!("store {}", quote(&path.to_string_lossy())), e)),
    };
    let kind = meta.file_type();
    let what = if kind.is_file() {
        // Through a second name SQLite would look for a second -wal, and miss
        // every write acknowledged through the first.
        if meta.nlink() > 1 {
            return Err(Error::unusable(path, "has more than one name (hard links); a store must have one"));
        }
        // SQLite takes a file of one byte for an empty one and would overwrite it.
        if meta.len() == 1 {
            return Err(Error::unusable(path, "is not a larder store (not an SQLite file)"));
        }
        return Ok(Place::File);
    } else if kind.is_dir() {
        "is a directory"
    } else if kind.is_fifo() {
        "is a FIFO"
    } else if kind.is_socket() {
        "is a socket"
    } else {
        "is a device"
    };
    Err(Error::unusable(path, format!("{what}, not a store")))
}

/// What the file system says about the file at `path`.
pub(super) fn metadata(path: &Path) -> std::io::Result<Metadata> {
    held::metadata(path).unwrap_or_else(|| fs::metadata(path))
}

/// Device and inode of the file at `path`; `None` if there is none to be seen.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// What the files are called, behind the database's name, that SQLite keeps
/// beside it.
pub(super) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Whether `file` is the store at `path`, or one of the files that SQLite keeps
/// beside it, by whatever name.
#[must_use]
pub fn is_part_of_store(path: &Path, file: &Path) -> bool {
    let Ok(meta) = fs::metadata(file) else { return false };
    let companions = COMPANIONS.iter().map(|suffix| beside(path, suffix));
    std::iter::once(path.to_owned())
        .chain(companions)
        .any(|part| identity(&part) == Some((meta.dev(), meta.ino())))
}

/// The URI that has SQLite open the file as one that nobody changes: without
/// locks, without files beside it.
pub(super) fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        uri += &format!("%{byte:02x}");
    }
    uri + "?immutable=1"
}

/// The name of one of the [`COMPANIONS`] of `path`, or of another file that is
/// called after it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes a store's directory, for its owner alone, if it is not there.
pub(super) fn make_directory(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes an empty file for a new store: directories 0700, file 0600, never
/// through a symbolic link. Losing the race to another creator is success.
pub(super) fn create(path: &Path) -> Result<()> {
    let told = |e| Error::io(format!("cannot create store {}", quote(&path.to_string_lossy())), e);
    let parent = path.parent().unwrap_or(Path::new("/"));
    make_directory(parent).map_err(told)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => drop(file),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(e) => return Err(told(e)),
    }
    // The name must survive a power cut as surely as what is written under it.
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(told)
}
