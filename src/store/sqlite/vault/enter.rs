//! The hard mode: larder installed setgid.
//!
//! A vault is a store that users reach through larder alone. Its directory and
//! files belong to a group that nobody is in, and larder carries that group:
//!
//! ```text
//! install -o root -g larder -m 2755 larder /usr/bin/larder
//! install -d -o root -g larder -m 2770 /srv/larder
//! install -o root -g larder -m 0660 /dev/null /srv/larder/larder.db
//! larder --db /srv/larder/larder.db access grant tenant-a user:alice write
//! echo /srv/larder/larder.db >> /etc/larder/vaults
//! ```
//!
//! Root's first write makes the file a store: users cannot, because that takes
//! files beside it which come and go.
//!
//! The order of things is the whole point. While the process has the group it
//! reads its arguments, the list of vaults, and the files of the one vault that
//! `--db` names, by a path no part of which anybody but root can change. Then
//! it gives up the group for good. Whatever else the caller named (files,
//! templates, standard input, commands to run) is touched after that, with the
//! caller's own rights, and so is every store that is not listed.
//!
//! In a process that was started without a change of group this costs the four
//! calls of [`elevated`].

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::libc;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::{
    Gid, getegid, geteuid, getgid, getresgid, getresuid, getuid, setegid, setresgid, setresuid,
};

use super::{Files, hold, lock_shared};
use crate::model::Error;
use crate::text::quote;

/// The list of vaults: one absolute path a line, `#` before a comment.
const VAULTS: &str = "/etc/larder/vaults";

/// How long to wait for a process that has a vault's database exclusively.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why the process cannot go on as it was started.
#[derive(Debug)]
pub struct Refusal {
    /// Whether it is the vault that is not as it must be; else the operating
    /// system refused something.
    pub unusable: bool,
    /// What failed and why, one line.
    pub message: String,
    /// What to try, if there is a known way out.
    pub hint: Option<&'static str>,
}

impl Refusal {
    fn unusable(message: impl Into<String>) -> Self {
        Self { unusable: true, message: message.into(), hint: None }
    }

    fn io(message: impl Into<String>) -> Self {
        Self { unusable: false, message: message.into(), hint: None }
    }

    fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

/// A process that has a group its caller does not have.
#[derive(Debug)]
#[must_use = "the group must be given up"]
pub struct Elevated {
    group: Gid,
}

/// Finds out whether the process was started setgid, and if so closes the
/// doors that open without anybody opening them: core dumps and tracing.
#[must_use]
pub fn elevated() -> Option<Elevated> {
    if getegid() == getgid() && geteuid() == getuid() {
        return None;
    }
    shut();
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
    }
    forget_variables();
    Some(Elevated { group: getegid() })
}

/// Not traceable, no core, /proc/PID for root only. The kernel makes a process
/// whose ids change traceable again where `fs.suid_dumpable` says so.
fn shut() {
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Takes variables out of the environment that reach into libraries; those of
/// larder itself are not read, see [`VaultEnvironment`].
#[allow(unsafe_code)]
fn forget_variables() {
    for name in ["SQLITE_TMPDIR", "RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "RUST_MIN_STACK"] {
        // SAFETY: the process has one thread as yet.
        unsafe { std::env::remove_var(name) };
    }
}

/// What the command line means for an elevated process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// The store is a vault, and its files are held.
    Vault,
    /// The store is the caller's own affair.
    Outside,
}

impl Elevated {
    /// Opens the files of the vault that `db` names, if it names one, and gives
    /// up the group in any case.
    pub fn enter(self, db: Option<&Path>) -> Result<Entered, Refusal> {
        let files = open_vault(db, self.group);
        self.give_up()?;
        let Some(files) = files? else { return Ok(Entered::Outside) };
        let path = files.path.clone();
        hold(files).map_err(|e| refused(&path, &e))?;
        Ok(Entered::Vault)
    }

    /// Gives up the group for good, and proves it.
    fn give_up(self) -> Result<(), Refusal> {
        let (user, group) = (getuid(), getgid());
        let given_up = setresgid(group, group, group)
            .and_then(|()| setresuid(user, user, user))
            .and_then(|()| Ok((getresgid()?, getresuid()?)))
            .is_ok_and(|(gids, uids)| {
                [gids.real, gids.effective, gids.saved] == [group; 3]
                    && [uids.real, uids.effective, uids.saved] == [user; 3]
            });
        shut();
        // Root can take any group; for everyone else it must be out of reach.
        let out_of_reach = user.is_root() || self.group == group || setegid(self.group).is_err();
        if given_up && out_of_reach {
            return Ok(());
        }
        Err(Refusal::io("cannot drop the group that larder is installed with"))
    }
}

/// `None` if the store is no vault, or if root asks, whose own rights do.
fn open_vault(db: Option<&Path>, group: Gid) -> Result<Option<Files>, Refusal> {
    let Some(db) = db.filter(|_| !getuid().is_root()) else { return Ok(None) };
    let Ok(path) = std::path::absolute(db) else { return Ok(None) };
    if !is_listed(&path)? {
        return Ok(None);
    }
    let failed = |e: &io::Error| refused(&path, e);
    let unsafe_place =
        |why: String| Refusal::unusable(format!("vault {}: {why}", quote(&path.to_string_lossy())));
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    let directory = open_directory(parent).map_err(|e| failed(&e))?.map_err(unsafe_place)?;
    let stat = fstat(&directory).map_err(|e| failed(&e.into()))?;
    if stat.st_gid != group.as_raw() || stat.st_mode & 0o007 != 0 {
        return Err(unsafe_place("its directory must belong to larder's group, mode 2770".into()));
    }
    let open = |name: &OsStr| -> Result<File, Refusal> {
        let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = File::from(openat(&directory, name, flags, Mode::empty()).map_err(|e| failed(&e.into()))?);
        let stat = fstat(&file).map_err(|e| failed(&e.into()))?;
        let wrong = if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
            "is not a file"
        } else if stat.st_nlink != 1 {
            "has more than one name, or none"
        } else if stat.st_gid != group.as_raw() || stat.st_mode & 0o007 != 0 {
            "must belong to larder's group, mode 0660"
        } else if stat.st_uid != 0 {
            // Its owner could open it again, past all grants.
            "must belong to root"
        } else {
            return Ok(file);
        };
        Err(unsafe_place(format!("{} {wrong}", quote(&name.to_string_lossy()))))
    };
    let beside = |suffix: &str| {
        let mut beside = name.to_owned();
        beside.push(suffix);
        beside
    };
    let db = open(name)?;
    // Bytes 18 and 19 of the header say whether the database has a log.
    let mut mode = [0; 2];
    if db.read_exact_at(&mut mode, 18).is_err() || mode != [2, 2] {
        return Err(unsafe_place("it is not a larder store yet".into()).with_hint(
            "root can initialize it by writing to it, as in 'larder --db FILE access grant ...'",
        ));
    }
    let deadline = Instant::now() + TIMEOUT;
    while let Err(e) = lock_shared(&db) {
        if Instant::now() >= deadline {
            return Err(failed(&e));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // From here on nobody deletes the other two. Only root makes them: whoever
    // does owns what all tenants write.
    let (wal, shm) = (open(&beside("-wal"))?, open(&beside("-shm"))?);
    let bell = bell(&path);
    Ok(Some(Files { path, db, wal, shm, bell }))
}

fn bell(path: &Path) -> Option<Inotify> {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).ok()?;
    inotify
        .add_watch(path, AddWatchFlags::IN_ATTRIB | AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_MOVE_SELF)
        .ok()?;
    Some(inotify)
}

/// The list is there, or may be, and cannot be opened.
fn refused_list(error: io::Error) -> Refusal {
    let hint = (error.raw_os_error() == Some(libc::EMFILE))
        .then_some("'ulimit -n' shows how many files a process may open");
    let failure = Refusal::io(Error::io(VAULTS, error).to_string());
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

fn refused(path: &Path, error: &io::Error) -> Refusal {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "its files must belong to larder's group, mode 0660",
        io::ErrorKind::NotFound => {
            "root creates a vault's files by using it once, as in 'larder --db FILE info'"
        }
        _ => return Refusal::io(format!("vault {}: {error}", quote(&path.to_string_lossy()))),
    };
    Refusal::io(format!("vault {}: {}", quote(&path.to_string_lossy()), error.kind())).with_hint(hint)
}

/// Whether root has listed the path as a vault. Compared as text: to resolve
/// what the caller wrote would be to touch it.
fn is_listed(path: &Path) -> Result<bool, Refusal> {
    let list = Path::new(VAULTS);
    let (Some(parent), Some(name)) = (list.parent(), list.file_name()) else { return Ok(false) };
    let unsafe_list = |why: String| Refusal::unusable(format!("{VAULTS}: {why}"));
    // Only where there is none, or no plain file, is nothing listed: a list that
    // cannot be opened for want of descriptors is still one.
    let unopened = |e: io::Error| match Errno::from_raw(e.raw_os_error().unwrap_or(0)) {
        Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES => Ok(false),
        _ => Err(refused_list(e)),
    };
    let directory = match open_directory(parent) {
        Ok(directory) => directory,
        Err(e) => return unopened(e),
    };
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let directory = directory.map_err(unsafe_list)?;
    let file = match openat(&directory, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(e) => return unopened(e.into()),
    };
    let only_root = fstat(&directory).is_ok_and(|stat| stat.st_mode & 0o022 == 0)
        && fstat(&file).is_ok_and(|stat| {
            stat.st_mode & libc::S_IFMT == libc::S_IFREG && stat.st_uid == 0 && stat.st_mode & 0o022 == 0
        });
    if !only_root {
        return Err(unsafe_list("must be a file in a directory that only root can write".into()));
    }
    let mut text = Vec::new();
    File::from(file).take(1 << 20).read_to_end(&mut text).map_err(|e| refused(list, &e))?;
    Ok(text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .any(|line| line.first() == Some(&b'/') && Path::new(OsStr::from_bytes(line)) == path))
}

/// Opens a directory step by step from the root, through no symbolic link and
/// only through directories in which nobody but root decides what a name
/// stands for. The inner error says which is not like that.
fn open_directory(path: &Path) -> io::Result<Result<OwnedFd, String>> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let mut directory = openat(AT_FDCWD, "/", flags, Mode::empty())?;
    let mut steps = path.components().peekable();
    while let Some(step) = steps.next() {
        let name = match step {
            Component::RootDir => continue,
            Component::Normal(name) => name,
            _ => return Ok(Err(format!("{} is not a plain path", quote(&path.to_string_lossy())))),
        };
        directory = match openat(&directory, name, flags, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::ELOOP | Errno::ENOTDIR) => {
                return Ok(Err(format!(
                    "{} is a symbolic link, or not a directory",
                    quote(&name.to_string_lossy())
                )));
            }
            Err(e) => return Err(e.into()),
        };
        let stat = fstat(&directory)?;
        if !is_roots(&stat, steps.peek().is_none()) {
            return Ok(Err(format!(
                "{} is writable by users other than root",
                quote(&name.to_string_lossy())
            )));
        }
    }
    Ok(Ok(directory))
}

/// Whether root alone decides about the names in a directory: it is root's, and
/// others cannot write to it, or, being sticky, not replace what is root's. The
/// last directory may be its group's; that group is larder's, or refused later.
fn is_roots(stat: &FileStat, last: bool) -> bool {
    let shared = if last { 0o002 } else { 0o022 };
    stat.st_uid == 0 && (stat.st_mode & shared == 0 || !last && stat.st_mode & libc::S_ISVTX != 0)
}
