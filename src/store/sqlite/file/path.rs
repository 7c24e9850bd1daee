//! Where a store lies: what may stand at its path, and how it comes to be.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

use crate::model::{Error, Result};
use crate::store::sqlite::vault;
use crate::text::quote;

/// What is at a store's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Place {
    /// Nothing.
    Missing,
    /// A file, possibly empty.
    File,
}

/// The longest name and the longest path that leave room for what SQLite puts
/// behind them, in bytes.
const LONGEST_NAME: usize = 247;
const LONGEST_PATH: usize = 504;

/// Where the file lies that the caller calls `path`: absolute, and not by a
/// symbolic link to the file. What belongs to a store is called after the name
/// of the file itself: so every path of a store or a backup comes through here.
///
/// SQLite reads `file:x?mode=memory` as a URI and would store nothing; an
/// absolute path cannot be taken for one.
pub fn resolve(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(|e| io_error(path, e))?;
    match fs::symlink_metadata(&absolute) {
        Ok(meta) if meta.is_symlink() => Ok(fs::canonicalize(&absolute).unwrap_or(absolute)),
        _ => Ok(absolute),
    }
}

fn io_error(path: &Path, e: std::io::Error) -> Error {
    Error::io(format!("store {}", quote(&path.to_string_lossy())), e)
}

/// [`resolve`] and [`inspect`] in one look.
pub(in crate::store::sqlite) fn find(path: &Path) -> Result<(PathBuf, Place)> {
    let given = std::path::absolute(path).map_err(|e| io_error(path, e))?;
    let mut path = given.clone();
    let mut seen = look(&path);
    if seen.as_ref().is_ok_and(|seen| seen.kind() == libc::S_IFLNK) {
        path = match fs::canonicalize(&given) {
            Ok(path) => path,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(Error::unusable(&given, "is a symbolic link to nothing"));
            }
            Err(e) => return Err(io_error(&given, e)),
        };
        seen = look(&path);
    }
    // SQLite would fail in the middle of making the store, and blame others.
    let longest = |part: Option<&std::ffi::OsStr>, most| part.is_some_and(|part| part.len() > most);
    if longest(path.file_name(), LONGEST_NAME) {
        return Err(too_long(&given, "the name of a store", LONGEST_NAME));
    }
    if longest(Some(path.as_os_str()), LONGEST_PATH) {
        return Err(too_long(&given, "the path of a store", LONGEST_PATH));
    }
    let place = match seen {
        Ok(seen) => judge(&given, &seen)?,
        Err(e) if e.kind() == ErrorKind::NotFound => Place::Missing,
        Err(e) => return Err(io_error(&given, e)),
    };
    Ok((path, place))
}

fn too_long(path: &Path, what: &str, most: usize) -> Error {
    let why = format!("File name too long: {what} can have at most {most} bytes");
    io_error(path, std::io::Error::new(ErrorKind::InvalidFilename, why))
}

/// Looks at the path without opening it: opening a FIFO would hang, and opening
/// the database outside SQLite could drop locks that SQLite holds.
pub(in crate::store::sqlite) fn inspect(path: &Path) -> Result<Place> {
    find(path).map(|(_, place)| place)
}

fn judge(path: &Path, seen: &Seen) -> Result<Place> {
    let what = match seen.kind() {
        libc::S_IFREG => {
            // Through a second name SQLite would look for a second -wal, and
            // miss every write acknowledged through the first.
            if seen.links > 1 {
                return Err(Error::unusable(
                    path,
                    "has more than one name (hard links); a store must have one",
                ));
            }
            // A mount of its own is a second name too.
            if seen.is_mount {
                return Err(Error::unusable(path, MOUNTED));
            }
            // SQLite takes a file of one byte for an empty one and would
            // overwrite it.
            if seen.length == 1 {
                return Err(Error::unusable(path, "is not a larder store (not an SQLite file)"));
            }
            return Ok(Place::File);
        }
        libc::S_IFDIR => "is a directory",
        libc::S_IFIFO => "is a FIFO",
        libc::S_IFSOCK => "is a socket",
        _ => "is a device",
    };
    Err(Error::unusable(path, format!("{what}, not a store")))
}

/// What is wrong with a file that is bind-mounted.
pub(in crate::store::sqlite) const MOUNTED: &str =
    "is bind-mounted without its -wal and -shm; mount the directory that holds the store instead";

/// Whether something is mounted on the very file at `path`.
pub(in crate::store::sqlite) fn is_mount(path: &Path) -> bool {
    look(path).is_ok_and(|seen| seen.is_mount)
}

/// What one look at a file tells, links not followed.
struct Seen {
    mode: u32,
    links: u64,
    length: u64,
    is_mount: bool,
}

impl Seen {
    fn kind(&self) -> u32 {
        self.mode & libc::S_IFMT
    }
}

/// The standard library does not tell mounts, hence the unsafe code.
#[allow(unsafe_code)]
fn look(path: &Path) -> std::io::Result<Seen> {
    if let Some(held) = vault::metadata(path) {
        let meta = held?;
        return Ok(Seen { mode: meta.mode(), links: meta.nlink(), length: meta.len(), is_mount: false });
    }
    let name = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    let mut found = std::mem::MaybeUninit::<libc::statx>::zeroed();
    let wanted = libc::STATX_TYPE | libc::STATX_MODE | libc::STATX_NLINK | libc::STATX_SIZE;
    // SAFETY: the name ends in NUL, and the structure, whole even if it is left
    // at zero, is the call's to fill.
    let found = unsafe {
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        if libc::statx(libc::AT_FDCWD, name.as_ptr(), flags, wanted, found.as_mut_ptr()) != 0 {
            return Err(std::io::Error::last_os_error());
        }
        found.assume_init()
    };
    Ok(Seen {
        mode: found.stx_mode.into(),
        links: found.stx_nlink.into(),
        length: found.stx_size,
        is_mount: found.stx_attributes & found.stx_attributes_mask & MOUNT_ROOT != 0,
    })
}

/// `STATX_ATTR_MOUNT_ROOT` of statx(2).
const MOUNT_ROOT: u64 = 0x2000;

/// What the file system says about the file at `path`.
pub(in crate::store::sqlite) fn metadata(path: &Path) -> std::io::Result<Metadata> {
    vault::metadata(path).unwrap_or_else(|| fs::metadata(path))
}

/// Whether there is no store at `path` yet: nothing, or an empty file. What
/// cannot be looked at is not missing.
#[must_use]
pub fn is_missing(path: &Path) -> bool {
    match metadata(path) {
        Ok(meta) => meta.is_file() && meta.len() == 0,
        Err(e) => e.kind() == ErrorKind::NotFound,
    }
}

/// Device and inode of the file at `path`; `None` if there is none to be seen.
pub(in crate::store::sqlite) fn identity(path: &Path) -> Option<(u64, u64)> {
    metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// What the files are called, behind the database's name, that SQLite keeps
/// beside it.
pub(in crate::store::sqlite) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Whether `file` is the store at `path`, or one of the files that SQLite keeps
/// beside it, by whatever name.
#[must_use]
pub fn is_part_of_store(path: &Path, file: &Path) -> bool {
    let Ok(meta) = fs::metadata(file) else { return false };
    let path = &resolve(path).unwrap_or_else(|_| path.to_owned());
    let companions = COMPANIONS.iter().map(|suffix| beside(path, suffix));
    std::iter::once(path.to_owned())
        .chain(companions)
        .any(|part| identity(&part) == Some((meta.dev(), meta.ino())))
}

/// The URI that has SQLite open the file as one that nobody changes: without
/// locks, without files beside it.
pub(in crate::store::sqlite) fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        uri += &format!("%{byte:02x}");
    }
    uri + "?immutable=1"
}

/// The name of one of the [`COMPANIONS`] of `path`, or of another file that is
/// called after it.
pub(in crate::store::sqlite) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes a store's directory, for its owner alone, if it is not there. Every
/// new name on the way is synced: the store would go with any of them.
pub(in crate::store::sqlite) fn make_directory(path: &Path) -> std::io::Result<()> {
    let named = |directory: &&Path| !directory.as_os_str().is_empty() && !directory.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(named).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    for parent in missing.iter().filter_map(|made| made.parent()) {
        if let Ok(parent) = File::open(parent) {
            parent.sync_all()?;
        }
    }
    Ok(())
}

/// Makes an empty file for a new store: directories 0700, file 0600, never
/// through a symbolic link. Losing the race to another creator is success.
pub(in crate::store::sqlite) fn create(path: &Path) -> Result<()> {
    let io_error = |e| Error::io(format!("cannot create store {}", quote(&path.to_string_lossy())), e);
    let parent = path.parent().unwrap_or(Path::new("/"));
    make_directory(parent).map_err(io_error)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => drop(file),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(e) => return Err(io_error(e)),
    }
    // The name must survive a power cut as surely as what is written under it.
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(io_error)
}
