//! Consumers: named positions in the change log.
//!
//! A consumer's row says how far it has come. That only one process reads as
//! it is not a matter of the row, which would outlive a killed holder, but of
//! a lock of the operating system on one byte of the store's file, far past
//! SQLite's own lock bytes. The kernel frees it with the process.

use std::fs::{File, OpenOptions};
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rusqlite::{OptionalExtension, params};

use super::access::Level;
use super::connection::Store;
use super::error::{Error, Result, quote};
use super::transaction::Transaction;
use crate::clock::Timestamp;

/// A named position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Name, as the scope names it.
    pub name: String,
    /// Sequence number of the last change that was handled.
    pub position: i64,
    /// When the position last moved.
    pub updated_at: Timestamp,
    /// Who reads as this consumer, or last did.
    pub holder: String,
}

/// The right to read as a consumer; given back when dropped, or by the kernel.
///
/// Dropping it closes a descriptor of the database, which drops the locks
/// SQLite holds in this process: it must outlive every store that is open on
/// the file. [`Claim::take`] before opening sees to the other half.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

/// First byte of the range consumers are locked in: past any database SQLite
/// can hold (2^48 bytes).
const LOCK_BASE: i64 = 1 << 61;

impl Claim {
    /// Claims the consumer called `name` (as stored) of the store at `path`;
    /// `None` if another process has it.
    pub fn take(path: &Path, name: &str) -> Result<Option<Self>> {
        let told = |e: std::io::Error| Error::io(format!("consumer {}", quote(name)), e);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(told)?;
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&lock(name))) {
            Ok(_) => Ok(Some(Self { _file: file })),
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(None),
            Err(e) => Err(told(e.into())),
        }
    }
}

// The constants fit: they are 1 and 0.
#[allow(clippy::cast_possible_truncation)]
fn lock(name: &str) -> libc::flock {
    // FNV-1a: two names on one byte would only keep each other waiting.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: LOCK_BASE + i64::try_from(hash >> 4).unwrap_or(0),
        l_len: 1,
        l_pid: 0,
    }
}

impl Transaction<'_> {
    /// The consumer called `name`, if there is one.
    pub fn consumer(&self, name: &str) -> Result<Option<Consumer>> {
        self.permit_some(Level::Read)?;
        let found = self
            .conn
            .prepare_cached("SELECT position,updated_at,holder FROM larder_consumers WHERE name=?1")?
            .query_row([self.scope.stored(name)], |row| {
                Ok(Consumer {
                    name: name.to_owned(),
                    position: row.get(0)?,
                    updated_at: Timestamp(row.get(1)?),
                    holder: row.get(2)?,
                })
            })
            .optional()?;
        Ok(found)
    }

    /// All consumers of the scope, by name.
    pub fn consumers(&self) -> Result<Vec<Consumer>> {
        self.permit_some(Level::Read)?;
        let (first, past) = self.scope.range();
        let mut query = self.conn.prepare(
            "SELECT name,position,updated_at,holder FROM larder_consumers WHERE name>=?1 AND(?2 IS NULL OR name<?2)ORDER BY name",
        )?;
        let consumers = query.query_map(params![first, past], |row| {
            let name: String = row.get(0)?;
            Ok(Consumer {
                name: self.scope.named(&name).to_owned(),
                position: row.get(1)?,
                updated_at: Timestamp(row.get(2)?),
                holder: row.get(3)?,
            })
        })?;
        Ok(consumers.collect::<rusqlite::Result<_>>()?)
    }

    /// Makes a consumer, or moves one to a position and a holder.
    pub fn put_consumer(&self, name: &str, position: i64, holder: &str) -> Result<()> {
        self.permit_some(Level::Read)?;
        self.conn.execute(
            "INSERT INTO larder_consumers(name,position,updated_at,holder)VALUES(?1,?2,?3,?4)ON CONFLICT(name)DO UPDATE SET position=excluded.position,updated_at=excluded.updated_at,holder=excluded.holder",
            params![self.scope.stored(name), position, self.now.0, holder],
        )?;
        Ok(())
    }

    /// Forgets a consumer; `false` if there was none.
    pub fn delete_consumer(&self, name: &str) -> Result<bool> {
        self.permit_some(Level::Read)?;
        let gone =
            self.conn.execute("DELETE FROM larder_consumers WHERE name=?1", [self.scope.stored(name)])?;
        Ok(gone > 0)
    }
}

impl Store {
    /// Moves a consumer on. Quietly: no entry changed, so no watcher is woken.
    ///
    /// # Errors
    /// [`Error::Absent`] if the consumer is gone.
    pub fn move_consumer(&self, name: &str, position: i64) -> Result<()> {
        self.write_quietly(|tx| {
            tx.permit_some(Level::Read)?;
            let moved = tx
                .conn
                .prepare_cached("UPDATE larder_consumers SET position=?2,updated_at=?3 WHERE name=?1")?
                .execute(params![tx.scope.stored(name), position, tx.now.0])?;
            if moved == 0 {
                return Err(Error::Absent(format!("consumer {} is gone", quote(name))));
            }
            Ok(())
        })
    }
}
