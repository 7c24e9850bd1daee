//! The file a rendered text goes to.
//!
//! A regular file is replaced whole: the text is written beside it, under a
//! name of its own, made safe on disk, and then takes the place of the old
//! file in one step. Readers see the old text or the new, never a mixture, and
//! a failure leaves the old. A symbolic link stays; the file it leads to is
//! replaced. Mode and owner are kept; other names (hard links) keep the old
//! text, and access lists and extended attributes are not copied.
//!
//! In place, the same file gets the new text, for files that are mounted
//! somewhere by themselves: a reader can see a mixture. Devices and FIFOs are
//! always written to, never replaced.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use similar::TextDiff;
use tempfile::NamedTempFile;

/// How a target is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct TargetOptions {
    /// The permission bits it gets; else it keeps its own, and a new file gets
    /// what the umask leaves.
    pub mode: Option<u32>,
    /// Write into the file instead of replacing it.
    pub in_place: bool,
}

/// A file to render to.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    options: TargetOptions,
    admit: Admit,
}

/// Passes an opened file on, or refuses to have it read or written.
pub type Admit = fn(File) -> io::Result<File>;

/// What stands at a target's path.
enum Standing {
    Nothing,
    File(fs::Metadata),
    /// A device or a FIFO.
    Stream,
}

/// A text on its way: written and safe on disk, but not yet in place.
#[derive(Debug)]
pub struct Candidate<'a> {
    target: &'a Target,
    file: NamedTempFile,
    text: &'a str,
}

impl Target {
    /// The target at `path`; symbolic links are followed. Whatever is opened
    /// there is shown to `admit` first.
    pub fn new(path: &Path, options: TargetOptions, admit: Admit) -> io::Result<Self> {
        Ok(Self { path: follow(path)?, options, admit })
    }

    fn open(&self, how: &OpenOptions) -> io::Result<File> {
        (self.admit)(how.open(&self.path)?)
    }

    fn open_to_read(&self) -> io::Result<File> {
        self.open(OpenOptions::new().read(true))
    }

    /// The file itself, links followed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn standing(&self) -> io::Result<Standing> {
        match fs::metadata(&self.path) {
            Ok(meta) if meta.is_file() => Ok(Standing::File(meta)),
            Ok(meta) if meta.is_dir() => Err(io::Error::from_raw_os_error(nix::libc::EISDIR)),
            Ok(meta) if is_stream(&meta) => Ok(Standing::Stream),
            Ok(_) => Err(io::Error::other("neither a file nor a character device")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Standing::Nothing),
            Err(e) => Err(e),
        }
    }

    /// What the file holds now; empty if there is none, or it cannot be read
    /// back.
    pub fn current(&self) -> io::Result<Vec<u8>> {
        match self.standing()? {
            Standing::File(_) => content(&mut self.open_to_read()?),
            Standing::Nothing | Standing::Stream => Ok(Vec::new()),
        }
    }

    /// Prepares `text`. `None`: the file has it already, and is left alone but
    /// for its mode, if one was asked for.
    pub fn candidate<'a>(&'a self, text: &'a str) -> io::Result<Option<Candidate<'a>>> {
        let standing = self.standing()?;
        if let Standing::File(meta) = &standing
            && meta.len() == text.len() as u64
        {
            let mut file = self.open_to_read()?;
            if content(&mut file)? == text.as_bytes() {
                if let Some(mode) = self.options.mode.filter(|mode| meta.mode() & 0o7777 != *mode) {
                    file.set_permissions(Permissions::from_mode(mode))?;
                }
                return Ok(None);
            }
        }
        let beside = match (&standing, self.options.in_place) {
            (Standing::Stream, _) | (Standing::File(_), true) => std::env::temp_dir(),
            _ => parent(&self.path).to_owned(),
        };
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(self.path.file_name().unwrap_or_default());
        prefix.push(".larder-");
        let readable = matches!((&standing, self.options.mode), (Standing::Nothing, None));
        let mode = if readable { 0o666 } else { 0o600 };
        // Through an opener of our own for the sake of its error: tempfile's
        // keeps only the kind.
        let mut refused = None;
        let mut file = tempfile::Builder::new()
            .prefix(&prefix)
            .make_in(beside, |path| {
                let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(path);
                opened.inspect_err(|e| refused = e.raw_os_error())
            })
            .map_err(|e| refused.map_or(e, io::Error::from_raw_os_error))?;
        file.write_all(text.as_bytes())?;
        self.dress(&standing, &file)?;
        file.as_file().sync_all()?;
        Ok(Some(Candidate { target: self, file, text }))
    }

    /// Gives the new file the mode and owner it is to have.
    fn dress(&self, standing: &Standing, file: &NamedTempFile) -> io::Result<()> {
        let mut mode = self.options.mode;
        if let Standing::File(old) = standing {
            let new = file.as_file().metadata()?;
            if !self.options.in_place && (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                let owner = (old.uid() != new.uid()).then_some(old.uid());
                fchown(file.as_file(), owner, Some(old.gid())).map_err(|e| {
                    io::Error::new(
                        e.kind(),
                        format!("a new file cannot be given the owner {}:{}", old.uid(), old.gid()),
                    )
                })?;
            }
            mode = mode.or(Some(old.mode() & 0o7777));
        }
        // After the owner: a change of owner takes set-id bits away.
        match mode {
            Some(mode) => file.as_file().set_permissions(Permissions::from_mode(mode)),
            None => Ok(()),
        }
    }

    /// Writes into the file that stands there.
    fn write_into(&self, text: &str) -> io::Result<()> {
        let mut file = self.open(OpenOptions::new().read(true).write(true))?;
        let old = content(&mut file)?;
        if let Err(error) = overwrite(&mut file, text.as_bytes()) {
            // Better the old text than half of the new; if that fails too,
            // there is nothing left to try.
            let _ = overwrite(&mut file, &old);
            return Err(error);
        }
        if let Some(mode) = self.options.mode {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        Ok(())
    }
}

impl Candidate<'_> {
    /// Where the text lies until it is committed.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Puts the text in its place.
    pub fn commit(self) -> io::Result<()> {
        let Self { target, file, text } = self;
        match target.standing()? {
            Standing::Stream => {
                // Without waiting for a FIFO's reader, who may never come.
                let mut stream =
                    target.open(OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK))?;
                stream.write_all(text.as_bytes())?;
            }
            Standing::File(_) if target.options.in_place => target.write_into(text)?,
            _ => {
                file.persist(&target.path).map_err(|e| e.error)?;
                // The new name must survive a power cut as surely as the text.
                File::open(parent(&target.path)).and_then(|directory| directory.sync_all())?;
            }
        }
        Ok(())
    }
}

/// The difference between two texts, as `diff -u` prints it; empty if there is
/// none.
#[must_use]
pub fn unified_diff(old: &[u8], new: &str, name: &str) -> String {
    let old = String::from_utf8_lossy(old);
    TextDiff::from_lines(old.as_ref(), new)
        .unified_diff()
        .context_radius(3)
        .header(name, &format!("{name} (rendered)"))
        .to_string()
}

fn is_stream(meta: &fs::Metadata) -> bool {
    meta.file_type().is_fifo() || meta.file_type().is_char_device()
}

fn overwrite(file: &mut File, text: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

fn content(file: &mut File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(content)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Follows symbolic links at the path's last component, also to a file that is
/// yet to be.
fn follow(path: &Path) -> io::Result<PathBuf> {
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
