//! What `-o FILE` writes to, piece by piece.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::replace::Replacement;
use super::{Admit, Standing, follow};

/// A file on its way. Dropped before [`Output::commit`], it leaves what stood
/// at the path.
#[derive(Debug)]
pub struct Output(Kind);

#[derive(Debug)]
enum Kind {
    New(BufWriter<Replacement>),
    /// A device or a FIFO, which nothing can replace.
    Stream(BufWriter<File>),
}

const BUFFER: usize = 64 * 1024;

impl Output {
    /// Prepares to replace the file at `path`, links followed; a device or a
    /// FIFO is written to, once `admit` has seen it.
    ///
    /// # Errors
    /// As [`Replacement::of`].
    pub fn new(path: &Path, admit: Admit) -> io::Result<Self> {
        let path = follow(path)?;
        Ok(Self(match Standing::at(&path)? {
            Standing::Stream => {
                let stream = admit(OpenOptions::new().write(true).open(&path)?)?;
                Kind::Stream(BufWriter::with_capacity(BUFFER, stream))
            }
            standing => {
                let new = Replacement::of(&path, &standing, None, false)?;
                Kind::New(BufWriter::with_capacity(BUFFER, new))
            }
        }))
    }

    /// Puts the file in its place, safe on disk.
    pub fn commit(self) -> io::Result<()> {
        match self.0 {
            Kind::Stream(mut stream) => stream.flush(),
            Kind::New(writer) => {
                let new = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
                new.finish()?;
                new.commit()
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::New(writer) => writer.write(bytes),
            Kind::Stream(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::New(writer) => writer.flush(),
            Kind::Stream(writer) => writer.flush(),
        }
    }
}
