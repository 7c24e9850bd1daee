//! Backup: the whole store, as a snapshot, in a new file.
//!
//! A backup is a complete store: one file that needs no `-wal` beside it, under
//! its name only once it is whole and on disk.

use std::fs::{self, File};
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use nix::unistd::AccessFlags;

use crate::model::{Error, Result};
use crate::store::sqlite::attend::may_go_on;
use crate::store::sqlite::check::examine::examine;
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::copy::{
    Progress, Scratch, Stage, absolute, close, copy_pages, immutable, io_error, own_right, serious,
};
use crate::store::sqlite::file::path::{COMPANIONS, beside};
use crate::text::quote;

impl Store {
    /// Copies the store, as a snapshot, to the new file `target` (mode 0600).
    /// Writers are not held up.
    ///
    /// # Errors
    /// [`Error::Io`] if something stands at `target`; [`Error::Unusable`] if
    /// the store turns out to be damaged; [`Error::Interrupted`] if whoever
    /// attends asked for an end before the copy had its name.
    pub fn backup(&self, target: &Path, progress: Progress<'_>) -> Result<()> {
        let target = absolute(target)?;
        self.read(|tx| tx.permit_store())?;
        refuse_target(&target, self.path())?;
        let scratch = Scratch::beside(&target)?;
        self.copy_to(&scratch, &target, progress)?;
        scratch.persist(&target)
    }

    /// Copies the store as [`Store::backup`] does, to a file in `directory` that
    /// has no name when it is done.
    ///
    /// # Errors
    /// As for [`Store::backup`].
    pub fn backup_nameless(&self, directory: &Path, progress: Progress<'_>) -> Result<File> {
        let directory = absolute(directory)?;
        self.read(|tx| tx.permit_store())?;
        own_right(&directory, AccessFlags::W_OK)?;
        let scratch = Scratch::within(&directory, self.path())?;
        self.copy_to(&scratch, &scratch.path, progress)?;
        File::open(&scratch.path).map_err(|e| io_error(&scratch.path, e))
    }

    /// Fills the scratch file with a verified copy for `target`.
    fn copy_to(&self, scratch: &Scratch, target: &Path, progress: Progress<'_>) -> Result<()> {
        let mut copy = scratch.connect().map_err(|e| e.settle(target))?;
        self.retry(|| {
            self.reading(|tx| {
                // The first read fixes the snapshot; within it no step has to
                // start over, whoever writes meanwhile.
                tx.log_span()?;
                tx.permit_store()?;
                copy_pages(&self.conn, &mut copy, progress)
            })
        })
        .map_err(|e| e.settle_copy(self.path(), target))?;
        close(copy).map_err(|e| e.settle(target))?;
        progress(Stage::Checking, 0, 0);
        let damage = verified(&scratch.path).map_err(|e| e.settle_copy(self.path(), target))?;
        if !may_go_on() {
            return Err(Error::Interrupted);
        }
        match damage {
            Some(finding) => {
                Err(Error::unusable(self.path(), format!("is damaged, nothing was kept: {finding}")))
            }
            None => Ok(()),
        }
    }
}

/// The first thing SQLite or the seal finds wrong with a finished copy.
fn verified(path: &Path) -> Result<Option<String>> {
    let findings = examine(&immutable(path)?)?;
    Ok(serious(&findings).map(|finding| finding.what.clone()))
}

/// Nothing may stand at the target, nor what SQLite would take for a part of
/// it, nor may the target be taken for a part of the store.
fn refuse_target(target: &Path, store: &Path) -> Result<()> {
    let resolved = |path: &Path| -> PathBuf {
        let parent = path.parent().and_then(|parent| fs::canonicalize(parent).ok());
        parent.unwrap_or_default().join(path.file_name().unwrap_or_default())
    };
    let store = fs::canonicalize(store).unwrap_or_else(|_| store.to_owned());
    let name = resolved(target);
    if name == store || COMPANIONS.iter().any(|suffix| beside(&store, suffix) == name) {
        return Err(Error::Usage(format!(
            "{} is the store itself, or a part of it",
            quote(&target.to_string_lossy())
        )));
    }
    own_right(target.parent().unwrap_or(Path::new("/")), AccessFlags::W_OK)?;
    for suffix in ["", "-wal", "-journal"] {
        let path = beside(target, suffix);
        match fs::symlink_metadata(&path) {
            Ok(meta) => {
                let what = if meta.is_symlink() { "it is a symbolic link" } else { "it already exists" };
                return Err(io_error(&path, IoError::new(ErrorKind::AlreadyExists, what)));
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(io_error(&path, e)),
        }
    }
    Ok(())
}
