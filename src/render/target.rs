//! The file a rendered text goes to.
//!
//! A regular file is replaced whole (see [`crate::files::replace`]). A symbolic
//! link stays; the file it leads to is replaced.
//!
//! In place, the same file gets the new text, for files that are mounted
//! somewhere by themselves: a reader can see a mixture. Devices and FIFOs are
//! always written to, never replaced.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::files::replace::Replacement;
use crate::files::{Admit, Standing, follow};

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

/// A text on its way: not yet in place, but written and safe on disk, unless
/// it goes into a file that is there already and nobody is to look at it before.
#[derive(Debug)]
pub struct Candidate<'a> {
    target: &'a Target,
    file: Option<Replacement>,
    /// Whether the file is only for looking at.
    temporary: bool,
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

    /// What the file holds now; empty if there is none, or it cannot be read
    /// back.
    pub fn current(&self) -> io::Result<Vec<u8>> {
        match Standing::at(&self.path)? {
            Standing::File(_) => content(&mut self.open_to_read()?),
            Standing::Nothing | Standing::Stream => Ok(Vec::new()),
        }
    }

    /// Prepares `text`, under a name that a program can open if it is to be
    /// `named`. `None`: the file has it already, and is left alone but for its
    /// mode, if one was asked for.
    pub fn candidate<'a>(&'a self, text: &'a str, named: bool) -> io::Result<Option<Candidate<'a>>> {
        let standing = Standing::at(&self.path)?;
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
        let mode = self.options.mode;
        let (temporary, kept) = match &standing {
            Standing::Stream => (true, 0o600),
            Standing::File(old) => (self.options.in_place, old.mode() & 0o7777),
            Standing::Nothing => (false, 0),
        };
        let mut file = if temporary {
            let make = || Replacement::within(&std::env::temp_dir(), &self.path, mode.or(Some(kept)), true);
            named.then(make).transpose()?
        } else {
            Some(Replacement::of(&self.path, &standing, mode, named)?)
        };
        if let Some(file) = &mut file {
            file.write_all(text.as_bytes())?;
            file.finish()?;
        }
        Ok(Some(Candidate { target: self, file, temporary, text }))
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
    /// Where the text lies until it is committed, if it was to have a name.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().and_then(Replacement::path)
    }

    /// Puts the text in its place.
    pub fn commit(self) -> io::Result<()> {
        let Self { target, file, temporary, text } = self;
        match Standing::at(&target.path)? {
            Standing::Stream => {
                // Without waiting for a FIFO's reader, who may never come.
                let mut stream =
                    target.open(OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK))?;
                stream.write_all(text.as_bytes())?;
            }
            Standing::File(_) if target.options.in_place => target.write_into(text)?,
            standing => match file {
                Some(file) if !temporary => file.commit()?,
                // What was there is gone meanwhile.
                _ => {
                    let mut file = Replacement::of(&target.path, &standing, target.options.mode, false)?;
                    file.write_all(text.as_bytes())?;
                    file.finish()?;
                    file.commit()?;
                }
            },
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
