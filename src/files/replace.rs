//! A new file in the place of an old one.
//!
//! The new file is written without a name, made safe on disk, and takes the
//! old one's name in one step: readers see the old text or the new, never a
//! mixture, and whatever fails or ends the process leaves the old one and
//! nothing else. Mode and owner are kept; other names (hard links) keep the old
//! text, and access lists and extended attributes are not copied.
//!
//! A name can only be given where there is none, so the finished file gets a
//! temporary name for the moment before it is renamed. It has one from the
//! beginning if a program is to look at it, and where a file system knows no
//! nameless files. What a killed process left under such a name is removed by
//! the next one that replaces the same file: temporary names are counted from
//! 0, and whoever uses one holds a lock on its file.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::linkat;
use tempfile::TempPath;

use super::{Standing, directory};

/// A file on its way. Dropped before [`Replacement::commit`], it is gone.
#[derive(Debug)]
pub struct Replacement {
    /// What it is to be called.
    target: PathBuf,
    file: File,
    /// The permission bits it is to have, if they are not those it has.
    mode: Option<u32>,
    name: Option<TempPath>,
}

impl Replacement {
    /// A file that is to take the place of what is at `target`, which is no
    /// symbolic link. It gets the old one's owner, and its mode or the one
    /// given; where nothing stands and none is given, what the umask leaves. It
    /// has a name of its own only if `named`.
    ///
    /// # Errors
    /// No file can be made there, or it cannot be given the old one's owner.
    pub fn of(target: &Path, standing: &Standing, mode: Option<u32>, named: bool) -> io::Result<Self> {
        let Standing::File(old) = standing else {
            return Self::within(directory(target), target, mode, named);
        };
        let new = Self::within(directory(target), target, mode.or(Some(old.mode() & 0o7777)), named)?;
        let meta = new.file.metadata()?;
        if (old.uid(), old.gid()) != (meta.uid(), meta.gid()) {
            let owner = (old.uid() != meta.uid()).then_some(old.uid());
            fchown(&new.file, owner, Some(old.gid())).map_err(|e| {
                let what = format!("a new file cannot be given the owner {}:{}", old.uid(), old.gid());
                io::Error::new(e.kind(), what)
            })?;
        }
        Ok(new)
    }

    /// A file in `directory` with what `target` is to hold.
    pub fn within(directory: &Path, target: &Path, mode: Option<u32>, named: bool) -> io::Result<Self> {
        // Readable by nobody else before it has its owner and its mode.
        let early = if mode.is_some() { 0o600 } else { 0o666 };
        let (file, name) = if let Some(file) = nameless(directory, early).filter(|_| !named) {
            (file, None)
        } else {
            let (file, name) = temporary_name(directory, target, |path| create(path, early))?;
            (file, Some(name))
        };
        Ok(Self { target: target.to_owned(), file, mode, name })
    }

    /// Where it lies, if it has a name.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.name.as_deref()
    }

    /// Makes it safe on disk, with its mode.
    pub fn finish(&self) -> io::Result<()> {
        // After the owner and the text: to change either takes set-id bits away.
        if let Some(mode) = self.mode {
            self.file.set_permissions(Permissions::from_mode(mode))?;
        }
        self.file.sync_all()
    }

    /// Puts the finished file in its place, durably.
    pub fn commit(self) -> io::Result<()> {
        let Self { target, file, name, .. } = self;
        let unasked = Unasked::begin();
        let name = if let Some(name) = name {
            name
        } else {
            let own = own_path(&file);
            // Before it has a name: nobody is to take it for left behind.
            let _ = file.try_lock();
            let link = |path: &Path| {
                linkat(AT_FDCWD, &own, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW).map_err(Into::into)
            };
            temporary_name(directory(&target), &target, link)?.1
        };
        name.persist(&target).map_err(|e| e.error)?;
        drop(unasked);
        // The new name must survive a power cut as surely as the text.
        File::open(directory(&target))?.sync_all()
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// As long as it lives no signal ends the process but those that cannot wait.
struct Unasked(Option<SigSet>);

impl Unasked {
    fn begin() -> Self {
        Self(SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK).ok())
    }
}

impl Drop for Unasked {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = before.thread_set_mask();
        }
    }
}

fn own_path(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// A file without a name in `directory`; `None` where there can be none, or
/// none that could be given a name later. Why not, the attempt to make one with
/// a name tells.
fn nameless(directory: &Path, mode: u32) -> Option<File> {
    let file =
        OpenOptions::new().write(true).mode(mode).custom_flags(libc::O_TMPFILE).open(directory).ok()?;
    let meta = file.metadata().ok()?;
    let seen = fs::metadata(own_path(&file)).ok()?;
    ((meta.dev(), meta.ino()) == (seen.dev(), seen.ino())).then_some(file)
}

/// Makes the file at `path` and locks it, as far as there are locks.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(path)?;
    let taken = matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock));
    // Before it was locked somebody may have taken it for left behind.
    if taken || !is_named(&file, path) { Err(ErrorKind::AlreadyExists.into()) } else { Ok(file) }
}

/// How many at once may replace the same file under temporary names.
const MOST: u32 = 1000;

/// Makes something under the first free temporary name, and removes what was
/// left under those before and right behind it.
fn temporary_name<T>(
    directory: &Path,
    target: &Path,
    mut make: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(T, TempPath)> {
    for number in 0..MOST {
        let path = numbered(directory, target, number);
        loop {
            match make(&path) {
                Ok(value) => {
                    let _ = (number + 1..MOST)
                        .find(|next| !remove_stale(&numbered(directory, target, *next), target));
                    return Ok((value, TempPath::try_from_path(path)?));
                }
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
                Err(_) if remove_stale(&path, target) => {}
                Err(_) => break,
            }
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// A temporary name: `.NAME.larder-0`.
fn numbered(directory: &Path, target: &Path, number: u32) -> PathBuf {
    let name = target.file_name().unwrap_or_default().as_bytes();
    let ending = format!(".larder-{number}");
    // As long as a name may be, and no longer.
    let most = 254 - ending.len();
    let name = [b".", &name[..name.len().min(most)], ending.as_bytes()].concat();
    directory.join(std::ffi::OsString::from_vec(name))
}

/// Removes the file at `path` if it is a replacement of `target` that no process
/// holds any more.
fn remove_stale(path: &Path, target: &Path) -> bool {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else { return false };
    let Ok(meta) = file.metadata() else { return false };
    let own = meta.uid() == nix::unistd::geteuid().as_raw()
        || fs::symlink_metadata(target).is_ok_and(|old| old.uid() == meta.uid());
    meta.is_file()
        && meta.nlink() == 1
        && own
        && file.try_lock().is_ok()
        && is_named(&file, path)
        && fs::remove_file(path).is_ok()
}

fn is_named(file: &File, path: &Path) -> bool {
    let name = fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()));
    file.metadata().is_ok_and(|meta| name.is_ok_and(|name| name == (meta.dev(), meta.ino())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Where a file system knows no nameless files a killed process leaves one
    /// with a name. The next to replace the same file removes it, but none that
    /// is being written, nor one of another file.
    #[test]
    fn what_a_killed_one_left_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("t");
        let held = create(&numbered(home.path(), &target, 1), 0o600).unwrap();
        for (left, number) in [(&target, 0), (&target, 2), (&home.path().join("other"), 0)] {
            fs::write(numbered(home.path(), left, number), "left behind").unwrap();
        }
        let mut new = Replacement::of(&target, &Standing::Nothing, None, true).unwrap();
        assert_eq!(new.path(), Some(numbered(home.path(), &target, 0).as_path()));
        let mut second = Replacement::of(&target, &Standing::Nothing, None, true).unwrap();
        assert_eq!(second.path(), Some(numbered(home.path(), &target, 2).as_path()));
        second.write_all(b"second").unwrap();
        drop(held);
        new.write_all(b"new").unwrap();
        new.finish().unwrap();
        new.commit().unwrap();
        drop(second);
        assert_eq!(names(home.path()), [".other.larder-0", ".t.larder-1", "t"]);
        let nameless = Replacement::of(&target, &Standing::at(&target).unwrap(), None, false).unwrap();
        assert_eq!(nameless.path(), None, "this file system knows nameless files");
        nameless.commit().unwrap();
        assert_eq!(names(home.path()), [".other.larder-0", "t"]);
        assert_eq!(fs::read(&target).unwrap(), b"");
    }

    /// A name as long as names may be leaves no room for another word.
    #[test]
    fn the_longest_name_can_be_replaced() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("n".repeat(255));
        for named in [true, false] {
            let standing = Standing::at(&target).unwrap();
            let mut new = Replacement::of(&target, &standing, Some(0o640), named).unwrap();
            new.write_all(b"new").unwrap();
            new.finish().unwrap();
            new.commit().unwrap();
            assert_eq!(names(home.path()), ["n".repeat(255)]);
            assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o640);
        }
    }
}
