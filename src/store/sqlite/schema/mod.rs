//! The schema: the statements that make it, and loading it in parts.

pub(super) mod guard;
pub(super) mod legacy;
pub(super) mod migrate;
pub(super) mod neighbours;
pub(super) mod upgrade;
pub(super) mod verify;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

use crate::model::Result;

/// `PRAGMA application_id` of a larder store: "lard" in ASCII.
pub const APPLICATION_ID: i32 = 0x6c61_7264;

/// `PRAGMA user_version` of the schema written here.
pub const VERSION: i32 = 3;

// Split while compiling: every opening compares them with the file's.
const TABLES: [Statement; 12] = split(include_str!("tables.sql"), b";\n");
const TRIGGERS: [Statement; 4] = split(include_str!("triggers.sql"), b"\nEND;\n");

const TABLES_2: [Statement; 10] = split(include_str!("v2/tables.sql"), b";\n");
const TRIGGERS_2: [Statement; 4] = split(include_str!("v2/triggers.sql"), b"\nEND;\n");

const TABLES_1: [Statement; 8] = split(include_str!("v1/tables.sql"), b";\n");
const TRIGGERS_1: [Statement; 4] = split(include_str!("v1/triggers.sql"), b"\nEND;\n");

/// The schema of one version, to the letter.
pub(in crate::store::sqlite) struct Edition {
    /// `PRAGMA user_version` of a file that has it.
    pub version: i32,
    /// Tables and indexes, in order of creation.
    pub tables: &'static [Statement],
    pub triggers: &'static [Statement],
}

/// The schema that this larder writes.
pub(in crate::store::sqlite) const CURRENT: &Edition =
    &Edition { version: VERSION, tables: &TABLES, triggers: &TRIGGERS };

/// Those of earlier versions, kept to tell an older store from an altered one;
/// `migrations.rs` has a step from each to the next.
const OLDER: [&Edition; 2] = [
    &Edition { version: 2, tables: &TABLES_2, triggers: &TRIGGERS_2 },
    &Edition { version: 1, tables: &TABLES_1, triggers: &TRIGGERS_1 },
];

/// The oldest schema that is upgraded when its store is opened.
#[must_use]
pub fn oldest() -> i32 {
    Edition::all().map(|edition| edition.version).min().unwrap_or(VERSION)
}

impl Edition {
    /// The schema that was called `version`, if this larder knows it.
    pub fn of(version: i32) -> Option<&'static Self> {
        Self::all().find(|edition| edition.version == version)
    }

    /// All that this larder knows, the present one first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        std::iter::once(CURRENT).chain(OLDER)
    }

    /// Every statement, in order of creation.
    pub fn statements(&self) -> impl Iterator<Item = &'static Statement> {
        self.tables.iter().chain(self.triggers)
    }
}

/// One CREATE statement, without its semicolon.
#[derive(Clone, Copy)]
pub(in crate::store::sqlite) struct Statement {
    /// `table`, `index` or `trigger`.
    pub kind: &'static str,
    pub name: &'static str,
    pub sql: &'static str,
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
pub(in crate::store::sqlite) enum Part {
    /// What looking up an entry takes: `entries` and the grants.
    Entries,
    /// What reading and writing take: all but the triggers.
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

/// Panics, while compiling, if a statement is left out that belongs to a part.
const fn check_lengths(statements: &[Statement]) {
    let mut n = 0;
    while n < statements.len() {
        let Statement { sql, .. } = statements[n];
        let part = if find(sql, b"/*").is_none() { Part::Entries } else { Part::Tables };
        assert!(sql.len() <= part.limit(), "a statement is longer than its part allows");
        n += 1;
    }
}

const _: () = {
    check_comments(&TABLES, Part::Entries.limit());
    check_comments(&TRIGGERS, Part::Tables.limit());
    // A reader who cannot migrate an older store loads it in the same parts.
    check_comments(&TABLES_1, Part::Entries.limit());
    check_comments(&TRIGGERS_1, Part::Tables.limit());
    check_lengths(&TABLES_1);
    check_comments(&TABLES_2, Part::Entries.limit());
    check_comments(&TRIGGERS_2, Part::Tables.limit());
    check_lengths(&TABLES_2);
};

/// Loads a part of the schema. Parsing the triggers alone is two thirds of what
/// a `get` costs otherwise. Only with [`Part::Tables`] or more may anything be
/// written, and then by the rules, as the triggers are not there.
///
/// SQLite loads the schema with the first statement that names a table, and
/// stops reading a statement of the schema where the limit on the length of SQL
/// is reached. A schema that is writable may have mistakes: what can be read of
/// it counts. Where that fails, and whenever SQLite loads the schema again
/// because it changed, everything is loaded, as usual.
pub(in crate::store::sqlite) fn load(conn: &Connection, part: Part) -> Result<()> {
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
pub(in crate::store::sqlite) fn load_all(conn: &Connection) -> Result<()> {
    Ok(conn.execute_batch("PRAGMA writable_schema=RESET")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_split_into_their_statements() {
        let all: Vec<_> = CURRENT.statements().collect();
        let names: Vec<_> = all.iter().map(|s| s.name).collect();
        assert_eq!(
            names,
            [
                "entries",
                "larder_expiry",
                "larder_group_expiry",
                "larder_namespace_expiry",
                "larder_changes",
                "larder_groups",
                "larder_namespaces",
                "larder_replaced",
                "larder_consumers",
                "larder_grants",
                "larder_leases",
                "larder_lease_order",
                "larder_arrive",
                "larder_insert",
                "larder_update",
                "larder_delete"
            ]
        );
        assert!(all.iter().all(|s| s.sql.starts_with("CREATE ") && !s.sql.ends_with(';')));
        assert!(TRIGGERS.iter().all(|s| s.sql.ends_with("\nEND")));
    }

    /// A fresh store's schema in a file, and a connection that has loaded a
    /// part of it.
    fn loaded(dir: &tempfile::TempDir, part: Part) -> Connection {
        let path = dir.path().join("store.db");
        let conn = Connection::open(&path).unwrap();
        for statement in CURRENT.statements() {
            conn.execute_batch(statement.sql).unwrap();
        }
        conn.execute_batch("INSERT INTO larder_changes VALUES(0,0,'origin','',NULL,NULL,NULL,0,0,NULL)")
            .unwrap();
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
        assert_eq!(tables(&conn), 8);
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
