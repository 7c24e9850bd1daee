//! Check: whether the file is sound and the bookkeeping true, and making it so.

use super::connection::{Store, StoreOptions};
use super::error::{Error, Result};
use super::findings::{Finding, examine};
use super::opening::no_triggers;
use super::repair::repair;
use super::schema;

/// What a check found and a repair did.
#[derive(Clone, Debug, Default)]
pub struct Checkup {
    /// Everything found at first.
    pub found: Vec<Finding>,
    /// What was done about it, one line each.
    pub repairs: Vec<String>,
    /// What is still wrong.
    pub left: Vec<Finding>,
}

/// Checks the store; `None` if there is none. With `mend`, rebuilds what can be
/// derived from the rest, each round in one transaction.
pub fn check(options: &StoreOptions, mend: bool) -> Result<Option<Checkup>> {
    // Opened in the ordinary way first: that migrates, and tells a store that
    // was tampered with from a file that never was one.
    let refusal = match Store::open(options) {
        Ok(None) => return Ok(None),
        Ok(Some(store)) => {
            store.read(|tx| tx.permit_store())?;
            None
        }
        Err(refusal @ Error::Unusable { .. }) => Some(refusal),
        Err(other) => return Err(other),
    };
    let path = options.path.clone();
    let checkup = (|| -> Result<Checkup> {
        let store = Store::open_to_check(options)?;
        // What a broken store says about grants cannot be relied upon.
        if refusal.is_some() && !store.is_trusted() {
            return Err(Error::Denied("only the store's owner and root may look into a broken store".into()));
        }
        let mut checkup = Checkup { found: store.examine()?, ..Checkup::default() };
        checkup.left.clone_from(&checkup.found);
        // Each layer may hide the next: schema, indexes, rows.
        for _ in 0..4 {
            if !mend || checkup.left.is_empty() {
                break;
            }
            let done = store.mend(&checkup.left)?;
            if done.is_empty() {
                break;
            }
            checkup.repairs.extend(done);
            checkup.left = store.examine()?;
        }
        Ok(checkup)
    })();
    match (checkup, refusal) {
        // What cannot even be looked at is refused in the words of the opener.
        (Err(_), Some(refusal)) => Err(refusal),
        (Ok(checkup), Some(refusal)) if checkup.found.is_empty() => Err(refusal),
        (checkup, _) => checkup.map(Some).map_err(|e| e.settle(&path)),
    }
}

impl Store {
    /// Opens a file whose schema may be hostile: triggers and views are off.
    pub(super) fn open_to_check(options: &StoreOptions) -> Result<Self> {
        let options =
            StoreOptions { path: std::path::absolute(&options.path).unwrap_or_default(), ..options.clone() };
        let store = Self::connect_unverified(options)?;
        no_triggers(&store.conn)?;
        let application: i32 = store
            .retry(|| Ok(store.conn.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0))?))?;
        if application != schema::APPLICATION_ID {
            return Err(Error::unusable(&store.options.path, "is not a larder store"));
        }
        Ok(store)
    }

    pub(super) fn examine(&self) -> Result<Vec<Finding>> {
        self.retry(|| self.in_transaction("BEGIN", |tx| examine(tx.conn)))
    }

    fn mend(&self, findings: &[Finding]) -> Result<Vec<String>> {
        self.retry(|| {
            self.prepare_writer()?;
            let done = self.in_transaction("BEGIN IMMEDIATE", |tx| repair(tx, findings))?;
            self.checkpoint_if_due(0);
            self.ring();
            Ok(done)
        })
    }
}
