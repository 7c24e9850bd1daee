//! Check: whether the file is sound and the bookkeeping true, and making it so.

pub(super) mod examine;
pub(super) mod rebuild;
pub(super) mod repair;
pub(super) mod rows;
pub(super) mod salvage;

use crate::model::{Error, Result};
use crate::store::sqlite::check::examine::{Finding, FindingKind, Remedy, examine};
use crate::store::sqlite::check::repair::repair;
use crate::store::sqlite::connection::{Store, StoreOptions};
use crate::store::sqlite::file::path;
use crate::store::sqlite::schema;
use crate::store::sqlite::schema::legacy::Migrated;
use crate::store::sqlite::schema::migrate;
use crate::store::sqlite::schema::verify;

/// What a check found and a repair did.
#[derive(Clone, Debug, Default)]
pub struct Checkup {
    /// Everything found at first.
    pub found: Vec<Finding>,
    /// What was done about it, one line each.
    pub repairs: Vec<String>,
    /// What is still wrong.
    pub left: Vec<Finding>,
    /// What opening the store did with go-store's tables.
    pub migrated: Option<Migrated>,
    /// SQLite's journal mode, if it is another one than WAL.
    pub journal: Option<String>,
}

/// Checks the store; `None` if there is none. With `mend`, rebuilds what can be
/// derived from the rest, each round in one transaction. A store that cannot
/// even be opened has that as its finding.
pub fn check(options: &StoreOptions, mend: bool) -> Result<Option<Checkup>> {
    let path = path::resolve(&options.path)?;
    let options = StoreOptions { path, ..options.clone() };
    // Opened in the ordinary way first: that migrates, and tells a store that
    // was tampered with from a file that never was one.
    let mut migrated = None;
    let refusal = match admit(&options, &mut migrated) {
        Ok(false) => return Ok(None),
        Ok(true) => None,
        Err(refusal @ (Error::Unusable { .. } | Error::Altered { .. })) => Some(refusal),
        Err(other) => return Err(other),
    };
    match (look(&options, mend, refusal.is_some()), refusal) {
        (Ok(checkup), Some(refusal)) if checkup.found.is_empty() => Err(refusal),
        (Ok(checkup), _) => {
            let migrated = migrated.or(checkup.migrated);
            Ok(Some(Checkup { migrated, ..checkup }))
        }
        (Err(denied @ Error::Denied(_)), _) => Err(denied),
        (Err(e), Some(_)) if e.is_damage() && salvage::was_store(&options.path).unwrap_or(false) => {
            if salvage::is_trusted(&options.path) {
                let found = vec![Finding::new(
                    FindingKind::Damage,
                    Remedy::Restore,
                    "SQLite: the file is truncated, or its header is invalid; nothing else can be read",
                )];
                return Ok(Some(Checkup { left: found.clone(), found, ..Checkup::default() }));
            }
            Err(broken())
        }
        // What never was a store is refused in the words of the opener.
        (Err(_), Some(refusal)) => Err(refusal),
        (Err(e), None) => Err(e.settle(&options.path)),
    }
}

/// Opens the store in the ordinary way, and asks it whether the caller may do
/// this; `false` if there is none.
fn admit(options: &StoreOptions, migrated: &mut Option<Migrated>) -> Result<bool> {
    // To read: whoever only looks merges nothing.
    let Some(store) = Store::open_to_read(options)? else { return Ok(false) };
    *migrated = store.migrated();
    store.read(|tx| tx.permit_store())?;
    Ok(true)
}

fn look(options: &StoreOptions, mend: bool, broken: bool) -> Result<Checkup> {
    let store = Store::open_to_check(options)?;
    if broken && !store.is_trusted() {
        return Err(self::broken());
    }
    let mut checkup = Checkup { found: store.examine()?, ..Checkup::default() };
    checkup.left.clone_from(&checkup.found);
    // Each layer may hide the next: schema, indexes, rows.
    for _ in 0..4 {
        if !mend || checkup.left.is_empty() || checkup.left.iter().any(Finding::is_beyond_loading) {
            break;
        }
        let done = match store.mend(&checkup.left) {
            Err(e) if e.is_damage() => break,
            done => done?,
        };
        if done.is_empty() {
            break;
        }
        checkup.repairs.extend(done);
        checkup.left = store.examine()?;
    }
    let sound = checkup.left.iter().all(|finding| finding.kind == FindingKind::Kv);
    if mend && sound && !checkup.left.is_empty() {
        let merged = Store::open(options)?.and_then(|writer| writer.migrated());
        match merged {
            Some(done @ Migrated::Kv(_)) => checkup.repairs.push(done.tell(&options.path)),
            other => checkup.migrated = other,
        }
        checkup.left = store.examine()?;
    }
    checkup.journal = store.other_journal().map_err(|e| e.settle(&options.path))?;
    // It cannot be while somebody else has the store open.
    if mend
        && sound
        && let Some(mode) = &checkup.journal
        && store.retry(|| migrate::switch_to_wal(&store.conn)).is_ok()
    {
        checkup.repairs.push(format!("set the journal back to WAL, from {mode}"));
        checkup.journal = None;
    }
    Ok(checkup)
}

fn broken() -> Error {
    Error::Denied("only the store's owner and root may check a broken store".into())
}

impl Store {
    /// Opens a file whose schema may be hostile. It
    /// bears larder's mark, or is larder's but for the mark. The path is absolute.
    pub(in crate::store::sqlite) fn open_to_check(options: &StoreOptions) -> Result<Self> {
        let store = Self::connect_unverified(options.clone())?;
        let ours = store.retry(|| {
            store.reading(|tx| {
                let (application, version) = salvage::marks(tx.conn.connection())?;
                let marked = application == schema::APPLICATION_ID;
                let edition = verify::edition(tx.conn.connection())?;
                Ok(version <= schema::VERSION
                    && (marked || verify::compare(tx.conn.connection(), edition, 1)?.differences.is_empty()))
            })
        })?;
        if ours { Ok(store) } else { Err(Error::unusable(&store.options.path, "is not a larder store")) }
    }

    /// Everything that is wrong. After it has met damage SQLite may refuse even
    /// to end the transaction.
    fn examine(&self) -> Result<Vec<Finding>> {
        let mut found = None;
        let ended = self.retry(|| {
            found = None;
            self.reading(|tx| {
                found = Some(examine(tx.conn.connection())?);
                Ok(())
            })
        });
        match (found, ended) {
            (Some(found), Err(e)) if e.is_damage() => Ok(found),
            (found, ended) => ended.map(|()| found.unwrap_or_default()),
        }
    }

    fn mend(&self, findings: &[Finding]) -> Result<Vec<String>> {
        self.retry(|| {
            self.prepare_writer()?;
            let done = self.writing(|tx| repair(tx, findings))?;
            self.checkpoint_if_due(0);
            self.ring();
            Ok(done)
        })
    }
}
