//! Restoring where there is no sound store: the copy gets its name, and a file
//! that was one is kept under another.

use std::fs::{self, File};
use std::io::{Error as IoError, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::model::{Error, Result};
use crate::store::sqlite::attend::may_go_on;
use crate::store::sqlite::check::salvage;
use crate::store::sqlite::connection::{Store, StoreOptions};
use crate::store::sqlite::copy::{Scratch, forget_companions, io_error, lock_whole, sync_directory};
use crate::store::sqlite::file::descriptors::Descriptor;
use crate::store::sqlite::file::path::beside;
use crate::text::quote;

use super::{LEAP, Restored, is_file, number_above, renumber};

/// Puts the copy in the place of what is no longer a store, or of nothing.
pub(super) fn replace(options: &StoreOptions, scratch: &Scratch) -> Result<Restored> {
    let path = options.path.clone();
    let io = |e: IoError| io_error(&path, e);
    let there = is_file(&path)?;
    let floor = if there { last_number(options) } else { 0 };
    let (seq, entries) = renumber(scratch, floor).map_err(|e| e.settle(&path))?;
    if !may_go_on() {
        return Err(Error::Interrupted);
    }
    if !there {
        forget_companions(&path);
        scratch.persist(&path)?;
        return Ok(Restored { seq, entries, kept: None });
    }
    let old = Descriptor::to_write(&path).map_err(io)?;
    let meta = old.metadata().map_err(io)?;
    let _locked = lock_whole(old).map_err(|_| in_use(&path))?;
    // From the first new name on it is done to the end.
    if !may_go_on() {
        return Err(Error::Interrupted);
    }
    fs::set_permissions(&scratch.path, fs::Permissions::from_mode(meta.mode() & 0o777)).map_err(io)?;
    // Only root can; for everyone else the owner is the same already.
    let _ = std::os::unix::fs::chown(&scratch.path, Some(meta.uid()), Some(meta.gid()));
    File::open(&scratch.path).and_then(|file| file.sync_all()).map_err(io)?;
    // The old file gets its second name first: from here to the end it has
    // two, and a store with two names is refused by whoever comes by. At no
    // moment is there no store, and no log is ever beside a file that is not
    // its own.
    let kept = second_name(&path)?;
    for suffix in ["-wal", "-journal"] {
        match fs::rename(beside(&path, suffix), beside(&kept, suffix)) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(io(e)),
            _ => {}
        }
    }
    let _ = fs::remove_file(beside(&path, "-shm"));
    fs::rename(&scratch.path, &path).map_err(io)?;
    sync_directory(&path)?;
    Ok(Restored { seq, entries, kept: Some(kept) })
}

/// Makes up for a restore that was killed when a damaged store had its second
/// name already, and not yet a file in its place: it gets back its log and is
/// left with its first name. Nobody else can do it, as a store with two names
/// is refused by whoever comes by.
pub(super) fn undo_replacement(path: &Path) -> Result<()> {
    let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
    if !meta.is_file() || meta.nlink() != 2 || !salvage::is_trusted(path) {
        return Ok(());
    }
    let is_same = |name: &PathBuf| {
        fs::symlink_metadata(name).is_ok_and(|other| (other.dev(), other.ino()) == (meta.dev(), meta.ino()))
    };
    let Some(kept) = second_names(path).find(is_same) else { return Ok(()) };
    let io = |e: IoError| io_error(path, e);
    let file = Descriptor::to_write(path).map_err(io)?;
    // The restore may be under way, and well.
    let _locked = lock_whole(file).map_err(|_| in_use(path))?;
    if fs::symlink_metadata(path).map_err(io)?.ino() != meta.ino() || !is_same(&kept) {
        return Ok(());
    }
    for suffix in ["-wal", "-journal"] {
        let (old, new) = (beside(&kept, suffix), beside(path, suffix));
        if fs::symlink_metadata(&new).is_err() && fs::symlink_metadata(&old).is_ok() {
            fs::rename(old, new).map_err(io)?;
        }
    }
    fs::remove_file(&kept).map_err(io)?;
    sync_directory(path)
}

fn in_use(path: &Path) -> Error {
    Error::Busy(format!(
        "the damaged store {} is in use; end the processes that have it open",
        quote(&path.to_string_lossy())
    ))
}

/// What a damaged store may be called: `NAME.damaged`, `NAME.damaged-2`, …
fn second_names(path: &Path) -> impl Iterator<Item = PathBuf> {
    (1..=1000).map(|number| {
        beside(path, &if number == 1 { ".damaged".to_owned() } else { format!(".damaged-{number}") })
    })
}

fn last_number(options: &StoreOptions) -> i64 {
    Store::open_to_check(options).map_or(LEAP, |store| number_above(&store.conn))
}

/// Links the file to the first of its second names that is free.
fn second_name(path: &Path) -> Result<PathBuf> {
    for name in second_names(path) {
        match fs::hard_link(path, &name) {
            Ok(()) => return Ok(name),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(io_error(path, e)),
        }
    }
    Err(io_error(path, IoError::from(ErrorKind::AlreadyExists)))
}
