//! The schema: the statements that make it, and the seal that proves it.
//!
//! SQLite keeps the text of each CREATE statement in the file. An opener
//! compares those texts with its own: a file whose triggers do less than
//! larder's, or more, is refused by the name of what differs.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

use super::error::{Error, Result, quote};

/// `PRAGMA application_id` of a larder store: "lard" in ASCII.
pub const APPLICATION_ID: i32 = 0x6c61_7264;

/// `PRAGMA user_version` of the schema written here.
pub const VERSION: i32 = 1;

// Split while compiling: every opening compares them with the file's.
const TABLES: [Statement; 8] = split(include_str!("schema/tables.sql"), b";\n");
const TRIGGERS: [Statement; 4] = split(include_str!("schema/triggers.sql"), b"\nEND;\n");

/// One CREATE statement, without its semicolon.
#[derive(Clone, Copy)]
pub(super) struct Statement {
    /// `table`, `index` or `trigger`.
    pub kind: &'static str,
    pub name: &'static str,
    pub sql: &'static str,
}

/// Every statement of the schema, in order of creation.
pub(super) fn statements() -> impl Iterator<Item = Statement> {
    tables().chain(triggers())
}

pub(super) fn tables() -> impl Iterator<Item = Statement> {
    TABLES.into_iter()
}

pub(super) fn triggers() -> impl Iterator<Item = Statement> {
    TRIGGERS.into_iter()
}

/// Statements start with CREATE at the beginning of a line and end before the
/// semicolon that `end` holds; what stands between them is comment.
const fn split<const N: usize>(file: &'static str, end: &[u8]) -> [Statement; N] {
    let mut statements = [Statement { kind: "", name: "", sql: "" }; N];
    let mut rest = file;
    let mut n = 0;
    while let Some(before) = find(rest, b"\nCREATE ") {
        rest = rest.split_at(before + 1).1;
        let Some(length) = find(rest, end) else { panic!("a statement has no end") };
        let Some(semicolon) = find(rest.split_at(length).1, b";") else { panic!("no semicolon in the end") };
        let (sql, after) = rest.split_at(length + semicolon);
        let (kind, more) = word(sql.split_at("CREATE ".len()).1);
        statements[n] = Statement {
            kind: match kind.as_bytes() {
                b"TABLE" => "table",
                b"INDEX" => "index",
                _ => "trigger",
            },
            name: word(more).0,
            sql,
        };
        rest = after;
        n += 1;
    }
    assert!(n == N, "fewer statements than announced");
    statements
}

/// The text up to a blank or parenthesis, and what comes after that.
const fn word(text: &'static str) -> (&'static str, &'static str) {
    let mut at = 0;
    while !matches!(text.as_bytes()[at], b' ' | b'(') {
        at += 1;
    }
    (text.split_at(at).0, text.split_at(at + 1).1)
}

/// Where `wanted` first occurs.
const fn find(text: &str, wanted: &[u8]) -> Option<usize> {
    let text = text.as_bytes();
    let mut at = 0;
    while at + wanted.len() <= text.len() {
        let mut same = 0;
        while same < wanted.len() && text[at + same] == wanted[same] {
            same += 1;
        }
        if same == wanted.len() {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// A part of the schema that can be loaded without the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What looking up an entry takes: `entries`, its index, the grants.
    Entries,
    /// What reading takes: all but the triggers.
    Tables,
}

impl Part {
    /// No statement of the part is longer than this, in bytes; every other one
    /// is still in its first comment there.
    const fn limit(self) -> usize {
        let all = matches!(self, Self::Tables);
        let mut limit = 0;
        let mut n = 0;
        while n < TABLES.len() {
            let Statement { sql, .. } = TABLES[n];
            if sql.len() > limit && (all || find(sql, b"/*").is_none()) {
                limit = sql.len();
            }
            n += 1;
        }
        limit
    }
}

/// Panics, while compiling, if a statement with a comment is not left out where
/// it has to be.
const fn check_comments(statements: &[Statement], limit: usize) {
    let mut n = 0;
    while n < statements.len() {
        if let Some(end) = find(statements[n].sql, b"*/") {
            assert!(end >= limit, "the comment at the head of a statement is too short");
        }
        n += 1;
    }
}

const _: () = {
    check_comments(&TABLES, Part::Entries.limit());
    check_comments(&TRIGGERS, Part::Tables.limit());
};

/// Loads a part of the schema. Parsing the triggers alone is two thirds of what
/// a `get` costs otherwise. Nothing may be written through the connection until
/// [`load_all`].
///
/// SQLite loads the schema with the first statement that names a table, and
/// stops reading a statement of the schema where the limit on the length of SQL
/// is reached. A schema that is writable may have mistakes: what can be read of
/// it counts. Where that fails, and whenever SQLite loads the schema again
/// because it changed, everything is loaded, as usual.
pub(super) fn load(conn: &Connection, part: Part) -> Result<()> {
    let limit = i32::try_from(part.limit()).unwrap_or(i32::MAX);
    let usual = conn.limit(Limit::SQLITE_LIMIT_SQL_LENGTH)?;
    conn.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, limit)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    // What is wrong with the file shows when it is used.
    let _ = conn.prepare("SELECT 1 FROM entries");
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false)?;
    conn.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, usual)?;
    Ok(())
}

/// Loads the whole schema after [`load`] of a part.
pub(super) fn load_all(conn: &Connection) -> Result<()> {
    Ok(conn.execute_batch("PRAGMA writable_schema=RESET")?)
}

/// What the file says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// larder's schema, untouched; `alone` if there is nothing else beside it.
    Intact { alone: bool },
    /// Not marked as larder's: empty, go-store's, or somebody else's.
    Unmarked,
}

/// Reads the marks and compares the schema with larder's own. Must run inside
/// a transaction: read apart, a migration that commits in between would make
/// a good store look tampered with.
pub(super) fn verify(conn: &Connection, path: &Path) -> Result<Seal> {
    let version: i32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != VERSION {
        let application: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        if application != APPLICATION_ID {
            return Ok(Seal::Unmarked);
        }
        if version > VERSION {
            return Err(Error::unusable(
                path,
                format!("has schema {version}, newer than this larder knows ({VERSION}); upgrade larder"),
            ));
        }
        return Err(Error::unusable(path, format!("has an unknown schema ({version})")));
    }
    let comparison = compare(conn, 1)?;
    let Some(difference) = comparison.differences.first() else {
        return Ok(Seal::Intact { alone: comparison.alone });
    };
    let application: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Ok(Seal::Unmarked);
    }
    Err(Error::unusable(path, format!("has been altered: {difference}")))
}

/// How an object of the file's schema differs from larder's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It bears one of larder's names and is something else.
    Altered,
    /// larder made no such thing, and it may not be there.
    Alien,
    /// It is not there.
    Missing,
    /// Its content cannot be where the file says.
    Misplaced,
}

/// One respect in which the file's schema is not larder's.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub how: How,
    /// `table`, `index`, `trigger` or `view`, as the file says.
    pub kind: String,
    pub name: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { how, kind, name } = self;
        match how {
            How::Altered => write!(f, "the {kind} {name} is not larder's"),
            How::Alien => write!(f, "the {kind} {} is not larder's", quote(name)),
            How::Missing => write!(f, "the {kind} {name} is missing"),
            How::Misplaced => {
                write!(f, "the {kind} {} cannot be on the page it is said to be on", quote(name))
            }
        }
    }
}

/// The file's schema next to larder's.
pub(super) struct Comparison {
    pub differences: Vec<Difference>,
    /// Whether there is nothing but what larder made.
    pub alone: bool,
}

/// The index that SQLite makes for the primary key of `entries`.
const PRIMARY: &str = "sqlite_autoindex_entries_1";

/// Compares the schemas, up to `limit` differences. It reads the schema's rows
/// for what they are, whatever SQLite makes of them.
pub(super) fn compare(conn: &Connection, limit: usize) -> Result<Comparison> {
    let pages: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let mut differences = Vec::new();
    let (mut seen, mut primary) = ([false; TABLES.len() + TRIGGERS.len()], false);
    let mut alone = true;
    // Where each table and index begins: no two begin on one page.
    let mut roots = BTreeSet::new();
    let mut query = conn.prepare("SELECT type,name,tbl_name,sql,rootpage FROM sqlite_schema")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if differences.len() >= limit {
            break;
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
        let known = TABLES.iter().chain(&TRIGGERS).position(|known| known.name.as_bytes() == name);
        // Has no pages, like a trigger.
        let may_be_virtual = if let Some(at) = known {
            let known = if at < TABLES.len() { &TABLES[at] } else { &TRIGGERS[at - TABLES.len()] };
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
            let ours =
                TABLES.iter().any(|s| s.kind == "table" && s.name.as_bytes().eq_ignore_ascii_case(table));
            let refused = match kind {
                b"index" => ours,
                b"table" => ours || name.to_ascii_lowercase().starts_with(b"larder_"),
                _ => true,
            };
            if refused {
                differ(How::Alien);
                continue;
            }
            kind == b"table"
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
        let known = statements().zip(seen).map(|(statement, seen)| (statement.kind, statement.name, seen));
        for (kind, name, _) in known.chain([("index", PRIMARY, primary)]).filter(|(.., seen)| !seen) {
            differences.push(Difference { how: How::Missing, kind: kind.to_owned(), name: name.to_owned() });
        }
    }
    Ok(Comparison { differences, alone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_split_into_their_statements() {
        let all: Vec<_> = statements().collect();
        let names: Vec<_> = all.iter().map(|s| s.name).collect();
        assert_eq!(
            names,
            [
                "entries",
                "larder_expiry",
                "larder_changes",
                "larder_groups",
                "larder_namespaces",
                "larder_replaced",
                "larder_consumers",
                "larder_grants",
                "larder_arrive",
                "larder_insert",
                "larder_update",
                "larder_delete"
            ]
        );
        assert!(all.iter().all(|s| s.sql.starts_with("CREATE ") && !s.sql.ends_with(';')));
        assert!(triggers().all(|s| s.sql.ends_with("\nEND")));
    }

    #[test]
    fn a_fresh_schema_carries_its_own_seal() {
        let conn = Connection::open_in_memory().unwrap();
        for statement in statements() {
            conn.execute_batch(statement.sql).unwrap();
        }
        let comparison = || compare(&conn, 1).unwrap();
        assert!(comparison().differences.is_empty() && comparison().alone);
        conn.execute_batch("CREATE TABLE other(a)").unwrap();
        assert!(comparison().differences.is_empty() && !comparison().alone);
        conn.execute_batch("DROP TRIGGER larder_delete").unwrap();
        assert!(comparison().differences[0].to_string().contains("larder_delete is missing"));
    }

    /// A fresh store's schema in a file, and a connection that has loaded a
    /// part of it.
    fn loaded(dir: &tempfile::TempDir, part: Part) -> Connection {
        let path = dir.path().join("store.db");
        let conn = Connection::open(&path).unwrap();
        for statement in statements() {
            conn.execute_batch(statement.sql).unwrap();
        }
        conn.execute_batch("INSERT INTO larder_changes VALUES(0,0,'origin','',NULL,NULL,NULL,0,0)").unwrap();
        drop(conn);
        let conn = Connection::open(&path).unwrap();
        load(&conn, part).unwrap();
        conn
    }

    #[test]
    fn a_part_is_loaded_without_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let tables = |conn: &Connection| {
            TABLES.iter().filter(|t| conn.prepare(&format!("SELECT*FROM {}", t.name)).is_ok()).count()
        };
        assert_eq!(tables(&loaded(&dir, Part::Entries)), 2);
        let dir = tempfile::tempdir().unwrap();
        let conn = loaded(&dir, Part::Tables);
        assert_eq!(tables(&conn), 7);
        let insert = "INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g',hex(randomblob(9)),'')";
        let changes = || -> i64 {
            conn.execute_batch(insert).unwrap();
            conn.query_row("SELECT max(seq)FROM larder_changes", [], |row| row.get(0)).unwrap()
        };
        // Nobody writes so; it shows that the triggers are not there.
        assert_eq!(changes(), 0);
        load_all(&conn).unwrap();
        assert_eq!((changes(), changes()), (1, 2));
    }
}
