//! What a store is and holds, in numbers.

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::params;

use crate::model::{Error, Holdings, Keys, Level, Name, Namespace, Result};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::data::columns::moment;
use crate::store::sqlite::file::path;
use crate::store::sqlite::schema::guard;
use crate::store::sqlite::schema::legacy;
use crate::store::sqlite::schema::verify::{self, Seal};
use crate::store::sqlite::transaction::Snapshot;

/// What a store takes on disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The database.
    pub file: u64,
    /// The write-ahead log beside it.
    pub wal: u64,
}

/// The version of the SQLite that is linked in.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

impl Store {
    /// SQLite's journal mode, if it is another one than WAL: another program set
    /// it, or made the file as a copy. Readers and writers wait for each other.
    /// `None` also where the schema, which SQLite wants to see first, is too
    /// large to be loaded.
    pub fn other_journal(&self) -> Result<Option<String>> {
        let read = || {
            guard::loading(|| {
                Ok(self.conn.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0))?)
            })
        };
        let mode = self.retry(read).map_err(|e| e.settle(self.path()))?;
        Ok(mode.filter(|mode| mode != "wal"))
    }

    /// The sizes of the store's files; 0 for what is not there.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let mut wal = self.path().as_os_str().to_owned();
        wal.push("-wal");
        // By name: closing a descriptor of the database would drop locks.
        let size = |path: &Path| path::metadata(path).map_or(0, |meta| meta.len());
        Sizes { file: size(self.path()), wal: size(Path::new(&wal)) }
    }
}

impl Snapshot<'_> {
    /// The schema's version, `PRAGMA user_version`.
    pub fn schema_version(&self) -> Result<i32> {
        Ok(self.conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
    }

    /// Rows of a table `kv` of go-store's older generation that are not merged
    /// into the store yet; `None` if there is no such table.
    pub fn unmerged(&self) -> Result<Option<i64>> {
        self.permit_store()?;
        legacy::unmerged(self.conn.connection())
    }

    /// A number that is another one after the schema was changed, and after
    /// some things that change nothing in it, such as a VACUUM.
    pub(in crate::store::sqlite) fn schema_cookie(&self) -> Result<i64> {
        let mut query = self.conn.prepare_cached("PRAGMA schema_version")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    /// Makes sure that the schema of the store at `path` still is larder's.
    ///
    /// # Errors
    /// [`Error::Unusable`] if it is not.
    pub(in crate::store::sqlite) fn verify_schema(&self, path: &Path) -> Result<()> {
        match verify::verify(self.conn.connection(), path)? {
            // A reader does without what an older one lacks.
            Seal::Intact { .. } | Seal::Older(_) => Ok(()),
            Seal::Unmarked => Err(Error::unusable(path, "is no longer a larder store")),
        }
    }

    /// What the scope holds as far as it may be read: the counters, less what
    /// has expired. Time grows with the expired entries and the namespaces, not
    /// with the store.
    pub fn holdings(&self) -> Result<Holdings> {
        self.permit_some(Level::Read)?;
        if !self.sees_all()? {
            let namespaces = i64::from(!self.namespaces()?.is_empty());
            return Ok(Holdings { namespaces, ..self.visible_holdings()? });
        }
        let only = self.scope.0.as_ref().map(Namespace::as_str);
        let expiries = self.expiries(None);
        let due = format!(
            "due AS(SELECT g.namespace ns,g.keys had,n,b FROM(SELECT group_name,count(*)n,sum(octet_length(entry_key)+octet_length(entry_value))b FROM {} AND expires_at<=?2 GROUP BY group_name)JOIN larder_groups g USING(group_name))",
            expiries.rows
        );
        let (keys, bytes, groups, namespaces) = self.conn.query_row(
            &format!(
                "WITH {due},per AS(SELECT ns,sum(n)n,sum(b)b,sum(n=had)gone FROM due GROUP BY ns)SELECT ifnull(sum(keys-ifnull(n,0)),0),ifnull(sum(bytes-ifnull(b,0)),0),ifnull(sum(groups-ifnull(gone,0)),0),count(*)FILTER(WHERE namespace<>''AND(keys>ifnull(n,0)OR coalesce(max_keys,max_bytes,max_groups)IS NOT NULL))FROM larder_namespaces LEFT JOIN per ON ns=namespace WHERE ?3 IS NULL OR namespace=?3"
            ),
            params![expiries.of, self.now.0, only],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        let next_expiry = self.next_among(&expiries)?;
        Ok(Holdings { keys, bytes, groups, namespaces, next_expiry })
    }

    /// What the groups hold that may be read, for who may not read all of them:
    /// counted group by group.
    pub(in crate::store::sqlite) fn visible_holdings(&self) -> Result<Holdings> {
        let mut visible = Holdings::default();
        self.groups(&Keys::default(), |group| {
            visible.keys += group.keys;
            visible.bytes += group.bytes;
            visible.groups += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        let expiries = self.expiries(None);
        let mut query = self.conn.prepare(&format!(
            "SELECT group_name,expires_at FROM {} AND expires_at>?2 ORDER BY expires_at",
            expiries.rows
        ))?;
        let mut rows = query.query(params![expiries.of, self.now.0])?;
        while let Some(row) = rows.next()? {
            if self.may(Level::Read, &self.scope.name_of(&Name::of(row.get_ref(0)?)))? {
                visible.next_expiry = moment(row.get_ref(1)?);
                break;
            }
        }
        Ok(visible)
    }

    /// Whether nothing in the store is kept from the caller, so that they may
    /// know what the whole of it takes: sizes before and after a write reveal
    /// how much others wrote.
    pub fn sees_whole_store(&self) -> Result<bool> {
        match self.permit_store() {
            Ok(()) => Ok(true),
            Err(Error::Denied(_)) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock, Timestamp};
    use crate::model::{Condition, Expiry, Limits, Scope};
    use crate::store::StoreOptions;

    /// The options of a build stood in the settings of the checkout, where
    /// `cargo install` from a registry finds none: that larder registered every
    /// extension anew at each call. They are the build script's now, and its
    /// SQLite has to be the one that is linked.
    #[test]
    fn sqlite_has_our_options() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        let mut query = conn.prepare("PRAGMA compile_options").unwrap();
        let options = query.query_map([], |row| row.get(0)).unwrap();
        let options: Vec<String> = options.collect::<rusqlite::Result<_>>().unwrap();
        for option in [
            "DEFAULT_LOOKASIDE=1200,10",
            "DEFAULT_PCACHE_INITSZ=0",
            "DQS=0",
            "OMIT_LOAD_EXTENSION",
            "OMIT_SHARED_CACHE",
            "THREADSAFE=1",
        ] {
            assert!(options.iter().any(|found| found == option), "{option} is not in {options:?}");
        }
        for word in ["FTS", "RTREE", "STAT4", "API_ARMOR", "URI"] {
            assert!(!options.iter().any(|found| found.contains(word)), "{word} is in {options:?}");
        }
    }

    #[test]
    fn due_entries_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp(1_800_000_000_000));
        let options = StoreOptions { clock: clock.clone(), ..StoreOptions::new(dir.path().join("a.db")) };
        let store = Store::create(&options).unwrap();
        assert_eq!(store.read(|tx| tx.holdings()).unwrap(), Holdings::default());
        let soon = clock.now().after(Duration::from_secs(1));
        store
            .write(|tx| {
                for (group, key, expiry) in [
                    ("plain", "a", Expiry::Never),
                    ("plain", "b", Expiry::At(soon)),
                    ("ns:gone", "c", Expiry::At(soon)),
                    ("ns:left", "d", Expiry::Never),
                    ("passing:gone", "e", Expiry::At(soon)),
                ] {
                    tx.set(group, key, b"12", expiry, &Condition::Any)?;
                }
                let limited = Namespace::new("limited").unwrap();
                tx.set_limits(&limited, Limits { groups: Some(1), ..Limits::default() })
            })
            .unwrap();
        let before = Holdings { keys: 5, bytes: 15, groups: 4, namespaces: 3, next_expiry: Some(soon) };
        assert_eq!(store.read(|tx| tx.holdings()).unwrap(), before);
        clock.set(soon);
        let after = Holdings { keys: 2, bytes: 6, groups: 2, namespaces: 2, next_expiry: None };
        assert_eq!(store.read(|tx| tx.holdings()).unwrap(), after);
        let scoped =
            Store::open(&StoreOptions { scope: Scope(Namespace::new("ns")), ..options }).unwrap().unwrap();
        let inside = Holdings { keys: 1, bytes: 3, groups: 1, namespaces: 1, next_expiry: None };
        assert_eq!(scoped.read(|tx| tx.holdings()).unwrap(), inside);
        assert!(scoped.sizes().file > 0);
        assert_eq!(scoped.read(|tx| tx.schema_version()).unwrap(), crate::store::schema::VERSION);
    }
}
