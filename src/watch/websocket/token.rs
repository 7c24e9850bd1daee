//! The token that clients show.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::libc;
use nix::unistd::getuid;

use crate::exit::{Exit, Failure};
use crate::store::admit;
use crate::text::quote;

/// The longest file that is taken for a token, in bytes.
const MAX_FILE: u64 = 4096;

/// A secret that clients show: visible ASCII without blanks.
#[derive(Clone)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// `None` unless `text` is visible ASCII, one character at least.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let visible = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        visible.then(|| Self(text.to_owned()))
    }

    /// 256 random bits.
    pub fn random() -> std::io::Result<Self> {
        Ok(Self(random_hex::<32>()?))
    }

    /// Whether `shown` is this token. Takes the same time wherever the two
    /// differ.
    #[must_use]
    pub fn is(&self, shown: &[u8]) -> bool {
        let own = self.0.as_bytes();
        let differences = own.iter().zip(shown).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
        own.len() == shown.len() && differences == 0
    }

    /// Reads the token in the file at `path`, which is made, with a random
    /// token and for its owner alone, if it does not exist.
    ///
    /// # Errors
    /// A file that others than its owner can read or write is refused, one of
    /// another user but root, what is not a regular file, and one without a
    /// token in it.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let name = format!("token file {}", quote(&path.to_string_lossy()));
        match open(path) {
            Ok(file) => read(file, &name),
            Err(e) if e.kind() == ErrorKind::NotFound => create(path, &name),
            Err(e) => Err(Failure::io(&name, e)),
        }
    }
}

/// Opens what is at `path`. A FIFO would keep the start waiting for a writer,
/// in which no signal is heard.
fn open(path: &Path) -> std::io::Result<File> {
    admit(OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?)
}

fn read(file: File, name: &str) -> anyhow::Result<Token> {
    let meta = file.metadata().map_err(|e| Failure::io(name, e))?;
    if !meta.is_file() {
        return Err(Failure::new(Exit::Io, format!("{name}: not a regular file")).into());
    }
    // Whoever owns it knows the token, and can change it.
    if ![0, getuid().as_raw()].contains(&meta.uid()) {
        return Err(Failure::new(Exit::Io, format!("{name}: it belongs to another user")).into());
    }
    let mode = meta.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Failure::new(
            Exit::Io,
            format!("{name}: others can read it (mode {:04o})", mode & 0o7777),
        )
        .hint("make a new token, or restrict access: chmod 600")
        .into());
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).map_err(|e| Failure::io(name, e))?;
    Token::new(text.trim_end()).ok_or_else(|| {
        Failure::new(Exit::BadData, format!("{name}: a token is one word of visible ASCII characters")).into()
    })
}

fn create(path: &Path, name: &str) -> anyhow::Result<Token> {
    let io = |e| Failure::io(name, e);
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
    let token = Token::random().map_err(io)?;
    // Written aside and linked in whole: of two that start at once, one makes
    // the token and the other reads it.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(io)?;
    writeln!(file, "{}", token.0).and_then(|()| file.as_file().sync_all()).map_err(io)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(token),
        Err(e) if e.error.kind() == ErrorKind::AlreadyExists => read(open(path).map_err(io)?, name),
        Err(e) => Err(io(e.error)),
    }
}

/// `N` random bytes in hexadecimal digits.
pub fn random_hex<const N: usize>() -> std::io::Result<String> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::with_capacity(2 * N), |hex, b| hex + &format!("{b:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::report;
    use std::fs;

    #[test]
    fn a_token_is_itself_only() {
        let token = Token::new("secret").unwrap();
        assert!(token.is(b"secret"));
        for other in ["", "secre", "secrets", "Secret", "secreu"] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        for bad in ["", "two words", "tab\t", "é"] {
            assert!(Token::new(bad).is_none());
        }
    }

    #[test]
    fn made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/token");
        let made = Token::from_file(&path).unwrap();
        assert_eq!(made.0.len(), 64);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(Token::from_file(&path).unwrap().0, made.0);
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let exit = |path: &Path| report(&Token::from_file(path).unwrap_err()).unwrap().exit;
        fs::write(&path, "secret\n").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(exit(&path), Exit::Io, "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Token::from_file(&path).unwrap().is(b"secret"));
        for text in ["", "\n", "two words\n", "two\nlines\n"] {
            fs::write(&path, text).unwrap();
            assert_eq!(exit(&path), Exit::BadData, "{text:?}");
        }
        assert_eq!(exit(dir.path()), Exit::Io);
    }
}
