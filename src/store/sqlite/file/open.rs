//! Opening: from a path to a connection that is known to be a store's.

use std::borrow::Cow;
use std::cell::Cell;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::getuid;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::model::{Error, Result};
use crate::store::sqlite::attend;
use crate::store::sqlite::connection::{Store, StoreOptions};
use crate::store::sqlite::file::companions;
use crate::store::sqlite::file::path::{self, Place};
use crate::store::sqlite::file::vfs;
use crate::store::sqlite::file::waiting::wait_for_lock;
use crate::store::sqlite::schema::guard;
use crate::store::sqlite::schema::legacy;
use crate::store::sqlite::schema::migrate;
use crate::store::sqlite::schema::upgrade;
use crate::store::sqlite::schema::verify::{self, Seal};
use crate::store::sqlite::schema::{self, Part};

/// The oldest SQLite without the WAL-reset bug (fixed in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Prepared statements that a connection keeps: all of a write's.
const STATEMENTS: usize = 32;

/// What a connection may do to the files.
#[derive(Clone, Copy)]
enum Reach {
    /// Everything.
    Write,
    /// Read; the `-wal` and `-shm` are there.
    Read,
    /// Read the one file, as if it never changed.
    Still,
}

impl Reach {
    /// The name and the flags to open with.
    fn open(self, path: &Path) -> (Cow<'_, Path>, OpenFlags) {
        let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match self {
            Self::Write => (path.into(), OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX),
            Self::Read => (path.into(), read),
            Self::Still => {
                (PathBuf::from(path::immutable_uri(path)).into(), read | OpenFlags::SQLITE_OPEN_URI)
            }
        }
    }
}

/// What every connection is told before its first statement: how to wait, and
/// to trust nothing that the file says.
pub(in crate::store::sqlite) fn harden(conn: &mut Connection) -> Result<()> {
    conn.busy_handler(Some(wait_for_lock))?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch("PRAGMA cell_size_check=ON")?;
    own_tables_only(conn)
}

/// Nothing that hangs on tables runs on this connection. Other programs' foreign
/// keys would reach into larder's deletes, and larder reads no view. Triggers are
/// there for clients that know nothing of the rules, which larder itself goes by:
/// where they are loaded at all, they would keep the books a second time.
pub(in crate::store::sqlite) fn own_tables_only(conn: &mut Connection) -> Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    guard::guard(conn)
}

impl Store {
    /// Opens an existing store; `None` if there is none, or an empty file that
    /// no writer has made a store of yet. A go-store file is migrated, and a
    /// store of an earlier larder's upgraded; without write access the latter
    /// is read as it is.
    pub fn open(options: &StoreOptions) -> Result<Option<Self>> {
        Self::open_existing(options, Part::Tables, true)
    }

    /// Like [`Store::open`], for who only reads: what another program left to be
    /// merged stays.
    pub fn open_to_read(options: &StoreOptions) -> Result<Option<Self>> {
        Self::open_existing(options, Part::Tables, false)
    }

    /// Like [`Store::open_to_read`], and quicker for who only looks up entries:
    /// what anything else needs is loaded when it is done.
    pub fn open_to_get(options: &StoreOptions) -> Result<Option<Self>> {
        Self::open_existing(options, Part::Entries, false)
    }

    fn open_existing(options: &StoreOptions, part: Part, writes: bool) -> Result<Option<Self>> {
        let (options, place) = found(options)?;
        match place {
            Place::Missing => Ok(None),
            Place::File => Self::connect(options, part, writes, false),
        }
    }

    /// Opens the store for writing, creating it if there is none.
    pub fn create(options: &StoreOptions) -> Result<Self> {
        let (options, place) = found(options)?;
        if place == Place::Missing {
            path::create(&options.path)?;
        }
        let path = options.path.clone();
        Self::connect(options, Part::Tables, true, true)?
            .ok_or_else(|| Error::unusable(&path, "disappeared while being opened"))
    }

    /// Opens an existing store for a look, in a way that makes no file and
    /// changes none: `None` if there is no store, or one yet to be migrated.
    /// Without a `-wal` beside it nobody has it open, and it is read as it
    /// lies; somebody who opens it meanwhile is not noticed.
    pub fn peek(options: &StoreOptions) -> Result<Option<Self>> {
        let (options, place) = found(options)?;
        if place == Place::Missing {
            return Ok(None);
        }
        let path = options.path.clone();
        let opened = (|| -> Result<Option<Self>> {
            let quiet = path::metadata(&path::beside(&path, "-wal")).is_err();
            let store = Self::connect_to(options, if quiet { Reach::Still } else { Reach::Read })?;
            let seal = store.retry(|| store.reading(|tx| verify::verify(tx.conn.connection(), &path)))?;
            Ok(matches!(seal, Seal::Intact { .. }).then_some(store))
        })();
        opened.map_err(|e| e.settle(&path))
    }

    fn connect(options: StoreOptions, part: Part, writes: bool, create: bool) -> Result<Option<Self>> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(Error::unusable(
                &options.path,
                format!(
                    "cannot be opened safely with SQLite {}; 3.51.3 or newer is needed",
                    rusqlite::version()
                ),
            ));
        }
        let path = options.path.clone();
        let opened = (|| -> Result<Option<Self>> {
            let store = Self::connect_unverified(options)?;
            guard::loading(|| schema::load(&store.conn, part))?;
            store.part.set(Some(part));
            match store.accept(writes, create) {
                Ok(true) => {
                    store.tidy_long_log();
                    Ok(Some(store))
                }
                Ok(false) => Ok(None),
                Err(e) => {
                    store.leave_no_trace();
                    Err(e)
                }
            }
        })();
        opened.map_err(|e| e.settle(&path))
    }

    /// Makes sure that the file is a store, if need be by making it one.
    /// `false` if it is empty and must stay so.
    fn accept(&self, writes: bool, create: bool) -> Result<bool> {
        let verify = || {
            self.reading(|tx| {
                let seal = verify::verify(tx.conn.connection(), &self.options.path)?;
                Ok((seal, tx.schema_cookie()?))
            })
        };
        let (seal, cookie) = self.retry(verify)?;
        if matches!(seal, Seal::Intact { .. }) {
            self.verified.set(Some(cookie));
        }
        match seal {
            Seal::Intact { alone: true, .. } => Ok(true),
            // Whether SQLite can make sense of the rest shows when it is loaded.
            Seal::Intact { kv, .. } => {
                self.load_all()?;
                if kv && writes {
                    legacy::merge(self)?;
                }
                Ok(true)
            }
            Seal::Older(edition) => {
                self.load_all()?;
                let upgraded = upgrade::upgrade(self)?;
                self.older.set((!upgraded).then_some(edition.version));
                Ok(true)
            }
            Seal::Unmarked => {
                self.load_all()?;
                migrate::adopt(self, create)
            }
        }
    }

    /// Makes up for what opening left out of the schema.
    pub(in crate::store::sqlite) fn load_all(&self) -> Result<()> {
        if self.part.get().is_some() {
            schema::load_all(&self.conn)?;
            self.part.set(None);
        }
        Ok(())
    }

    /// Before a file that is no store is let go of: looking at one in WAL mode
    /// has made a `-wal` and a `-shm`, which go again if nothing is in them.
    fn leave_no_trace(&self) {
        let wal = path::metadata(&path::beside(&self.options.path, "-wal"));
        if wal.is_ok_and(|meta| meta.len() == 0) {
            let _ = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }

    /// A connection to whatever stands at the path, believed in nothing yet.
    /// The caller has to verify the seal, or to switch triggers and views off
    /// and to read no more than it must.
    pub(in crate::store::sqlite) fn connect_unverified(options: StoreOptions) -> Result<Self> {
        Self::connect_to(options, Reach::Write)
    }

    /// Like `connect_unverified`, for who must not change the file.
    pub(in crate::store::sqlite) fn connect_to_read(options: StoreOptions) -> Result<Self> {
        Self::connect_to(options, Reach::Read)
    }

    fn connect_to(options: StoreOptions, reach: Reach) -> Result<Self> {
        vfs::register();
        let (name, flags) = reach.open(&options.path);
        let uid = options.caller.as_ref().map_or_else(|| getuid().as_raw(), |caller| caller.uid);
        let mut conn = Connection::open_with_flags_and_vfs(name.as_ref(), flags, vfs::NAME)?;
        harden(&mut conn)?;
        attend::attend(&mut conn)?;
        let opened = companions::last_database().map(|database| (database.dev, database.ino, database.uid));
        // SQLite opens nothing where a descriptor of the file is left over from
        // an earlier connection.
        let look = || path::metadata(&options.path).ok().map(|meta| (meta.dev(), meta.ino(), meta.uid()));
        let known = opened.or_else(look);
        let file = known.map(|(dev, ino, _)| (dev, ino));
        // Nobody is the owner of a file that cannot be looked at.
        let owner = known.map_or(u32::MAX, |(.., uid)| uid);
        let busy_timeout = Cell::new(options.busy_timeout);
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        let (part, older, migrated) = (Cell::new(None), Cell::new(None), Cell::new(None));
        let verified = Cell::new(None);
        Ok(Self { conn, options, busy_timeout, file, uid, owner, part, verified, older, migrated })
    }
}

/// The options with the path resolved, and what stands there.
fn found(options: &StoreOptions) -> Result<(StoreOptions, Place)> {
    let (path, place) = path::find(&options.path)?;
    Ok((StoreOptions { path, ..options.clone() }, place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::Edition;

    /// Who may not write the file of an earlier larder cannot upgrade it, and
    /// reads it as it is; what that lacks is said in words.
    #[test]
    fn an_older_store_that_cannot_be_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode=WAL").unwrap();
        let edition = Edition::of(1).unwrap();
        for statement in edition.statements() {
            writer.execute_batch(statement.sql).unwrap();
        }
        migrate::mark(&writer, edition).unwrap();
        writer.execute_batch("INSERT INTO larder_changes VALUES(0,0,'origin','',NULL,NULL,NULL,0,0);INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','k','v')").unwrap();
        for part in [None, Some(Part::Tables), Some(Part::Entries)] {
            let store = Store::connect_to(StoreOptions::new(&path), Reach::Read).unwrap();
            if let Some(part) = part {
                schema::load(&store.conn, part).unwrap();
                store.part.set(Some(part));
            }
            assert!(store.accept(false, false).unwrap());
            assert_eq!(store.read(|tx| tx.get("g", "k")).unwrap().value.unwrap(), b"v");
            let lacking = store.read(|tx| {
                Ok(tx.conn.prepare("SELECT 1 FROM entries INDEXED BY larder_group_expiry").map(drop)?)
            });
            let told = lacking.unwrap_err().to_string();
            assert!(told.contains("has schema 1, too old for this"), "{told}");
        }
    }
}
