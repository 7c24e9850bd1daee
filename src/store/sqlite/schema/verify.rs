//! The seal: the file's schema next to larder's own.
//!
//! SQLite keeps the text of each CREATE statement in the file. An opener
//! compares those texts with its own: a file whose triggers do less than
//! larder's, or more, is refused by the name of what differs.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use crate::model::{Error, Result};
use crate::store::sqlite::check::rebuild;
use crate::store::sqlite::schema::guard;
use crate::store::sqlite::schema::neighbours::{self, Object, may_stay};
use crate::store::sqlite::schema::{APPLICATION_ID, CURRENT, Edition, VERSION};
use crate::text::quote;

/// What the file says it is.
#[derive(Clone, Copy)]
pub(in crate::store::sqlite) enum Seal {
    /// larder's schema, untouched; `alone` if there is nothing else beside it,
    /// `kv` if there is a table of that name, which may be go-store's.
    Intact { alone: bool, kv: bool },
    /// The schema of an earlier larder, untouched.
    Older(&'static Edition),
    /// Not marked as larder's: empty, go-store's, or somebody else's.
    Unmarked,
}

/// Reads the marks and compares the schema with larder's own. Must run inside
/// a transaction: read apart, a migration that commits in between would make
/// a good store look tampered with.
pub(in crate::store::sqlite) fn verify(conn: &Connection, path: &Path) -> Result<Seal> {
    let version: i32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application = || conn.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0));
    let Some(edition) = Edition::of(version) else {
        return match application()? {
            APPLICATION_ID if version > VERSION => {
                Err(Error::Newer { path: path.to_owned(), version, known: VERSION })
            }
            APPLICATION_ID => Err(Error::unusable(path, format!("has an unknown schema ({version})"))),
            _ => Ok(Seal::Unmarked),
        };
    };
    let comparison = compare(conn, edition, 1)?;
    match comparison.differences.first() {
        None if edition.version == VERSION => Ok(Seal::Intact { alone: comparison.alone, kv: comparison.kv }),
        None => Ok(Seal::Older(edition)),
        Some(_) if application()? != APPLICATION_ID => Ok(Seal::Unmarked),
        Some(first) => {
            // Where the table of entries is another one, so are its indexes and
            // triggers, and it is what has to be mended.
            let all = compare(conn, edition, usize::MAX)?.differences;
            let difference = all.iter().find(|difference| difference.name == "entries").unwrap_or(first);
            Err(Error::Altered {
                path: path.to_owned(),
                what: difference.to_string(),
                remedy: difference.remedy(conn),
            })
        }
    }
}

/// The edition that the file is to be measured by: the one that it is to the
/// letter, whatever its mark says; else the one that it says it is, else ours.
pub(in crate::store::sqlite) fn edition(conn: &Connection) -> Result<&'static Edition> {
    let version: i32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for edition in Edition::of(version).into_iter().chain(Edition::all()) {
        if compare(conn, edition, 1)?.differences.is_empty() {
            return Ok(edition);
        }
    }
    Ok(Edition::of(version).unwrap_or(CURRENT))
}

/// How an object of the file's schema differs from larder's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sqlite) enum How {
    /// It bears one of larder's names and is something else.
    Altered,
    /// larder made no such thing, and it may not be there.
    Alien,
    /// It is not there.
    Missing,
    /// Its content cannot be where the file says.
    Misplaced,
    /// There is more than larder loads at every opening.
    Crowded,
    /// Its text is not UTF-8: names would compare, and count, otherwise.
    Encoded,
}

/// One respect in which the file's schema is not larder's.
#[derive(Clone, Debug)]
pub(in crate::store::sqlite) struct Difference {
    pub how: How,
    /// `table`, `index`, `trigger` or `view`, as the file says.
    pub kind: String,
    pub name: String,
}

impl Difference {
    /// Whether it is the table of entries that is another one.
    pub(in crate::store::sqlite) fn is_entries(&self) -> bool {
        self.name == "entries" && self.kind == "table" && self.how == How::Altered
    }

    /// What mends it, in one line.
    pub(in crate::store::sqlite) fn remedy(&self, conn: &Connection) -> String {
        let Self { how, kind, name } = self;
        let word = match kind.as_str() {
            "index" => "INDEX",
            "trigger" => "TRIGGER",
            "view" => "VIEW",
            _ => "TABLE",
        };
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        // A statement that is cut, or shown with escapes, could not be used.
        let shown = name.len() <= 100 && !name.chars().any(char::is_control);
        match how {
            How::Alien if word == "TABLE" && shown => {
                format!("give it a name of its own: ALTER TABLE {quoted} RENAME TO ..., or drop it")
            }
            How::Alien if word == "TABLE" => "give it another name, or drop it".into(),
            How::Alien if shown => {
                format!("'larder check --repair' drops it, and so does: DROP {word} {quoted}")
            }
            How::Alien => "'larder check --repair' drops it".into(),
            How::Crowded => "move the other tables into a file of their own".into(),
            How::Encoded => {
                "copy it as text: sqlite3 FILE .dump | sqlite3 NEW, then 'larder --db NEW check --repair'"
                    .into()
            }
            _ if name == "entries" => rebuild::remedy(conn),
            How::Altered | How::Missing if !crate::store::sqlite::check::repair::is_beyond(self) => {
                "'larder check --repair' rebuilds it".into()
            }
            _ => "'larder check' shows details; 'larder restore FILE --yes' replaces it with a backup".into(),
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { how, kind, name } = self;
        match how {
            How::Altered => write!(f, "the {kind} {name} is not larder's"),
            How::Alien => write!(f, "the {kind} {} is not larder's", quote(name)),
            How::Missing => write!(f, "the {kind} {name} is missing"),
            How::Crowded => {
                write!(
                    f,
                    "it holds more than {} tables, indexes, triggers and views besides larder's",
                    neighbours::MOST
                )
            }
            How::Encoded => f.write_str("its text is UTF-16, not UTF-8"),
            How::Misplaced => {
                write!(f, "the {kind} {} cannot be on the page recorded for it", quote(name))
            }
        }
    }
}

/// The file's schema next to larder's.
pub(in crate::store::sqlite) struct Comparison {
    pub differences: Vec<Difference>,
    /// Whether there is nothing but what larder made.
    pub alone: bool,
    /// Whether there is a table `kv` besides.
    pub kv: bool,
}

/// The most statements that any edition has.
const MOST: usize = 32;

impl Comparison {
    fn crowded() -> Self {
        Self::of_the_file(How::Crowded)
    }

    /// A difference in no single object.
    fn of_the_file(how: How) -> Self {
        let difference = Difference { how, kind: String::new(), name: String::new() };
        Self { differences: vec![difference], alone: false, kv: false }
    }
}

/// The index that SQLite makes for the primary key of `entries`.
const PRIMARY: &str = "sqlite_autoindex_entries_1";

/// Compares the schema with an edition of larder's, up to `limit` differences.
/// It reads the schema's rows for what they are, whatever SQLite makes of them.
pub(in crate::store::sqlite) fn compare(
    conn: &Connection,
    edition: &Edition,
    limit: usize,
) -> Result<Comparison> {
    let Edition { tables, triggers, .. } = *edition;
    // The first statement that needs the schema.
    let pages = guard::loading(|| Ok(conn.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0))?))?;
    let Some(pages) = pages else { return Ok(Comparison::crowded()) };
    let mut differences = Vec::new();
    let (mut seen, mut primary) = ([false; MOST], false);
    let (mut alone, mut kv) = (true, false);
    // Where each table and index begins: no two begin on one page.
    let mut roots = BTreeSet::new();
    // A letter has one byte in UTF-8. Asked here: a statement of its own would
    // cost every opening more.
    let mut query = conn
        .prepare("SELECT type,name,tbl_name,sql,rootpage,octet_length(CAST('a'AS BLOB))FROM sqlite_schema")?;
    let mut rows = query.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        if differences.len() >= limit {
            break;
        }
        if count == 0 && row.get_ref(5)?.as_i64() != Ok(1) {
            return Ok(Comparison::of_the_file(How::Encoded));
        }
        count += 1;
        if count > MOST + neighbours::MOST {
            return Ok(Comparison::crowded());
        }
        let kind = row.get_ref(0)?.as_bytes().unwrap_or_default();
        let name = row.get_ref(1)?.as_bytes().unwrap_or_default();
        let table = row.get_ref(2)?.as_bytes().unwrap_or_default();
        let sql = row.get_ref(3)?.as_bytes().ok();
        let root = row.get_ref(4)?.as_i64().ok();
        let mut differ = |how| {
            differences.push(Difference {
                how,
                kind: String::from_utf8_lossy(kind).into_owned(),
                name: String::from_utf8_lossy(name).into_owned(),
            });
        };
        let known = tables.iter().chain(triggers).position(|known| known.name.as_bytes() == name);
        // Has no pages, like a trigger.
        let may_be_virtual = if let Some(at) = known {
            let known = if at < tables.len() { &tables[at] } else { &triggers[at - tables.len()] };
            let again = std::mem::replace(&mut seen[at], true);
            if again || known.kind.as_bytes() != kind || sql != Some(known.sql.as_bytes()) {
                differ(How::Altered);
                continue;
            }
            false
        } else if name == PRIMARY.as_bytes() && kind == b"index" && table == b"entries" && sql.is_none() {
            if std::mem::replace(&mut primary, true) {
                differ(How::Altered);
                continue;
            }
            false
        } else {
            alone = false;
            if !may_stay(&Object { kind, name, table, sql }, tables) {
                differ(How::Alien);
                continue;
            }
            kv |= kind == b"table" && name.eq_ignore_ascii_case(b"kv");
            kind == b"table" || kind == b"view"
        };
        let placed = match root {
            Some(0) => kind == b"trigger" || may_be_virtual,
            Some(root) => kind != b"trigger" && root > 1 && root <= pages && roots.insert(root),
            None => false,
        };
        if !placed {
            differ(How::Misplaced);
        }
    }
    if differences.len() < limit {
        let known =
            edition.statements().zip(seen).map(|(statement, seen)| (statement.kind, statement.name, seen));
        for (kind, name, _) in known.chain([("index", PRIMARY, primary)]).filter(|(.., seen)| !seen) {
            differences.push(Difference { how: How::Missing, kind: kind.to_owned(), name: name.to_owned() });
        }
    }
    Ok(Comparison { differences, alone, kv })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_schema_carries_its_own_seal() {
        let conn = Connection::open_in_memory().unwrap();
        for statement in CURRENT.statements() {
            conn.execute_batch(statement.sql).unwrap();
        }
        let comparison = || compare(&conn, CURRENT, 1).unwrap();
        assert!(comparison().differences.is_empty() && comparison().alone);
        conn.execute_batch("CREATE TABLE other(a)").unwrap();
        assert!(comparison().differences.is_empty() && !comparison().alone);
        conn.execute_batch("DROP TRIGGER larder_delete").unwrap();
        assert!(comparison().differences[0].to_string().contains("larder_delete is missing"));
    }
}
