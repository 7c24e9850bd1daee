//! The file an export replaces: written beside it, then renamed into place.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::store::admit;

/// A file on its way. Dropped before [`Target::commit`], it leaves what stood
/// at the path.
pub struct Target {
    /// Where it goes: symbolic links are followed, not replaced.
    path: PathBuf,
    writer: Kind,
}

enum Kind {
    Beside(BufWriter<NamedTempFile>),
    /// A device or a FIFO, which nothing can replace.
    Stream(BufWriter<File>),
}

const BUFFER: usize = 64 * 1024;

impl Target {
    /// Prepares to replace `path`. A file that stands there passes on its mode
    /// and, where that is allowed, its owner; a new one gets what the umask
    /// leaves.
    pub fn new(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let standing = match fs::metadata(&path) {
            Ok(meta) if meta.is_file() => Some(meta),
            Ok(meta) if meta.is_dir() => return Err(io::Error::from_raw_os_error(nix::libc::EISDIR)),
            Ok(_) => {
                let stream = admit(OpenOptions::new().write(true).open(&path)?)?;
                return Ok(Self { path, writer: Kind::Stream(BufWriter::with_capacity(BUFFER, stream)) });
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let mode = standing.as_ref().map_or(0o666, |meta| meta.mode() & 0o7777);
        // Through an opener of our own for the sake of its error: tempfile's
        // keeps only the kind.
        let mut refused = None;
        let file = tempfile::Builder::new()
            .prefix(".larder-")
            .make_in(directory(&path), |path| {
                let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
                opened.inspect_err(|e| refused = e.raw_os_error())
            })
            .map_err(|e| refused.map_or(e, io::Error::from_raw_os_error))?;
        if let Some(meta) = standing {
            let _ = fchown(file.as_file(), Some(meta.uid()), Some(meta.gid()));
            // After the owner, which takes set-id bits away; and the umask had
            // its say at creation.
            file.as_file().set_permissions(Permissions::from_mode(mode))?;
        }
        Ok(Self { path, writer: Kind::Beside(BufWriter::with_capacity(BUFFER, file)) })
    }

    /// Puts the file in its place, safe on disk.
    pub fn commit(self) -> io::Result<()> {
        match self.writer {
            Kind::Stream(mut stream) => stream.flush(),
            Kind::Beside(writer) => {
                let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(&self.path).map_err(|e| e.error)?;
                File::open(directory(&self.path))?.sync_all()
            }
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Kind::Beside(writer) => writer.write(bytes),
            Kind::Stream(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Kind::Beside(writer) => writer.flush(),
            Kind::Stream(writer) => writer.flush(),
        }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
