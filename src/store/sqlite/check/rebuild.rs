//! Rebuilding the table of entries where another tool has altered it.
//!
//! A tool that adds a column, or makes the table anew under other words, leaves
//! every entry where it was. The rows are read for what they are and put into a
//! table that is larder's to the letter. Nothing of the old table runs: computed
//! columns are not read, and nothing is written to it.

use rusqlite::Connection;

use crate::model::{Error, Result};
use crate::store::sqlite::schema::guard;
use crate::store::sqlite::schema::neighbours::{Object, may_stay};
use crate::store::sqlite::schema::{self, CURRENT, Edition, Statement};
use crate::text::quote;

/// larder's own columns, in their order, and their types.
const OURS: [(&str, &str); 6] = [
    ("group_name", "TEXT"),
    ("entry_key", "TEXT"),
    ("entry_value", "TEXT"),
    ("expires_at", "INTEGER"),
    ("version", "INTEGER"),
    ("updated_at", "INTEGER"),
];

/// How many of them have to be there.
const NEEDED: usize = 3;

/// What a column of the file's table is called, quoted for SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Where larder's columns are in the table as it stands.
struct Columns {
    /// The name in the file of each of [`OURS`].
    ours: [Option<String>; 6],
    /// What else there is, and can be read without computing anything.
    others: Vec<String>,
    /// What else there is and is computed.
    computed: Vec<String>,
}

impl Columns {
    fn of(conn: &Connection) -> Result<Self> {
        let mut query =
            conn.prepare("SELECT name,type,hidden FROM pragma_table_xinfo('entries')ORDER BY cid")?;
        let mut all: Vec<Option<(String, String, bool)>> = query
            .query_map([], |row| Ok(Some((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)? != 0))))?
            .collect::<rusqlite::Result<_>>()?;
        let mut ours = [const { None }; 6];
        for (at, (wanted, _)) in OURS.iter().enumerate() {
            let found = all
                .iter_mut()
                .find(|column| matches!(column, Some((name, _, false)) if name.eq_ignore_ascii_case(wanted)));
            ours[at] = found.and_then(Option::take).map(|(name, ..)| name);
        }
        // Another name in the same place, and of the same type, was renamed.
        for (at, (_, kind)) in OURS.iter().enumerate() {
            if ours[at].is_none()
                && let Some(place) = all.get_mut(at)
                && matches!(place, Some((_, declared, false)) if declared.eq_ignore_ascii_case(kind))
            {
                ours[at] = place.take().map(|(name, ..)| name);
            }
        }
        let (mut others, mut computed) = (Vec::new(), Vec::new());
        for (name, _, is_computed) in all.into_iter().flatten() {
            if is_computed { computed.push(name) } else { others.push(name) }
        }
        Ok(Self { ours, others, computed })
    }

    fn renamed(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.ours.iter().zip(OURS).filter_map(|(column, (name, _))| {
            column.as_deref().filter(|column| !column.eq_ignore_ascii_case(name)).map(|column| (column, name))
        })
    }

    fn missing(&self) -> impl Iterator<Item = &'static str> {
        self.ours.iter().zip(OURS).filter(|(column, _)| column.is_none()).map(|(_, (name, _))| name)
    }
}

/// Why the table cannot be built anew, and what would help.
pub(in crate::store::sqlite) fn obstacle(conn: &Connection) -> Result<Option<String>> {
    Ok(match misshapen(conn)? {
        None => bad_rows(conn)?,
        misshapen => misshapen,
    })
}

/// What of that can be told without a look at the rows.
fn misshapen(conn: &Connection) -> Result<Option<String>> {
    let plain: bool = conn.query_row(
        "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type='table'AND name='entries'AND rootpage>1)",
        [],
        |row| row.get(0),
    )?;
    if !plain {
        return Ok(Some(elsewhere(conn)?));
    }
    let columns = Columns::of(conn)?;
    let lacking = columns.missing().find(|name| OURS[..NEEDED].iter().any(|ours| ours.0 == *name));
    Ok(lacking.map(|name| {
        format!("the table has no column {name}: ALTER TABLE entries RENAME COLUMN ... TO {name}")
    }))
}

fn bad_rows(conn: &Connection) -> Result<Option<String>> {
    let columns = Columns::of(conn)?;
    let [Some(group), Some(key), ..] = &columns.ours else { return Ok(None) };
    let (group, key) = (quoted(group), quoted(key));
    let sql = format!(
        "SELECT EXISTS(SELECT 1 FROM entries NOT INDEXED WHERE {group} IS NULL OR {key} IS NULL OR typeof({group})='blob'OR typeof({key})='blob')OR EXISTS(SELECT 1 FROM entries NOT INDEXED GROUP BY CAST({group} AS TEXT)COLLATE BINARY,CAST({key} AS TEXT)COLLATE BINARY HAVING count(*)>1)"
    );
    let bad: bool = conn.query_row(&sql, [], |row| row.get(0))?;
    Ok(bad.then(|| {
        "its rows must be corrected first: one lacks a group or key, or has the key of another".into()
    }))
}

/// The way out where `entries` is no table: perhaps it bears another name.
fn elsewhere(conn: &Connection) -> Result<String> {
    let mut query = conn.prepare(
        "SELECT t.name FROM sqlite_schema t WHERE t.type='table'AND t.rootpage>1 AND(SELECT count(*)FROM pragma_table_info(t.name)c WHERE c.name IN('group_name','entry_key','entry_value','expires_at','version','updated_at'))=6",
    )?;
    let mut names = query.query([])?;
    let Some(row) = names.next()? else { return Ok(BACKUP.into()) };
    let name: String = row.get(0)?;
    let view: bool = conn.query_row(
        "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type='view'AND name='entries')",
        [],
        |row| row.get(0),
    )?;
    let first = if view { "DROP VIEW entries; " } else { "" };
    Ok(format!("give the table its name back: {first}ALTER TABLE {} RENAME TO entries", quoted(&name)))
}

const BACKUP: &str = "'larder check' shows details; 'larder restore FILE --yes' replaces it with a backup";

/// What mends the table, in one line.
pub(in crate::store::sqlite) fn remedy(conn: &Connection) -> String {
    // A part of the schema may be loaded that the table is not in.
    match guard::loading(|| schema::load_all(conn).and_then(|()| misshapen(conn))) {
        Ok(Some(None)) => {}
        Ok(Some(Some(misshapen))) => return misshapen,
        Ok(None) | Err(_) => return BACKUP.into(),
    }
    // With the column gone, these are larder's own words again.
    match added(conn) {
        Ok(Some(column)) => format!(
            "'larder check --repair' removes the column, and so does: ALTER TABLE entries DROP COLUMN {}",
            quoted(&column)
        ),
        _ => "'larder check --repair' rebuilds it, with every entry".into(),
    }
}

/// The one column that was added to what else is larder's table, if that is so.
fn added(conn: &Connection) -> Result<Option<String>> {
    let sql: String =
        conn.query_row("SELECT sql FROM sqlite_schema WHERE type='table'AND name='entries'", [], |row| {
            row.get(0)
        })?;
    let columns = Columns::of(conn)?;
    let whole = CURRENT.tables.iter().find(|statement| statement.name == "entries").map_or("", |s| s.sql);
    // SQLite adds it before the key, and before 3.54 after it.
    let splits = [whole.find(",PRIMARY KEY"), whole.rfind(')')];
    let begins = splits.into_iter().flatten().any(|at| {
        let (before, after) = whole.split_at(at);
        sql.len() > whole.len() && sql.starts_with(before) && sql.ends_with(after)
    });
    Ok(match (&columns.others[..], &columns.computed[..]) {
        ([name], []) | ([], [name]) if begins && !name.chars().any(char::is_control) => Some(name.clone()),
        _ => None,
    })
}

/// Puts the entries into a table that is larder's. Says what was done and what
/// was dropped, one line each. Triggers must be off, and [`obstacle`] have found
/// none; `log` tells whether the change log can be read.
///
/// The rows go through a second table, not a renamed one: SQLite would parse
/// other programs' views for a new name, and quote it.
pub(in crate::store::sqlite) fn rebuild(
    conn: &Connection,
    edition: &Edition,
    log: bool,
) -> Result<Vec<String>> {
    let columns = Columns::of(conn)?;
    let mut done = Vec::new();
    let indexes = indexes(conn, edition)?;
    keep_others(conn, &columns, &mut done)?;
    let column = |at: usize, else_: &str| {
        columns.ours[at].as_deref().map_or(else_.to_owned(), |c| format!("e.{}", quoted(c)))
    };
    let version = column(4, "0");
    let from_log = |what: &str| {
        if log && columns.ours[4].is_some() {
            format!(
                "(SELECT c.{what} FROM larder_changes c WHERE c.seq={version} AND c.type='set'AND c.group_name={} AND c.entry_key={})",
                column(0, ""),
                column(1, "")
            )
        } else {
            "NULL".into()
        }
    };
    let whole = |value: &str| {
        format!(
            "CASE WHEN typeof({value})IN('integer','real')OR {value} GLOB'[1-9]*'AND {value} NOT GLOB'*[^0-9]*'THEN CAST({value} AS INTEGER)END"
        )
    };
    let expiry = if columns.ours[3].is_some() { whole(&column(3, "")) } else { from_log("expires_at") };
    let updated = if columns.ours[5].is_some() { column(5, "") } else { from_log("at") };
    conn.execute_batch(&format!(
        "CREATE TABLE larder_entries AS SELECT {}g,{}k,ifnull({},'')v,{expiry} x,ifnull({},0)s,ifnull({},0)u FROM entries e NOT INDEXED ORDER BY e.rowid;DROP TABLE entries",
        column(0, ""),
        column(1, ""),
        column(2, ""),
        whole(&version),
        whole(&updated),
    ))?;
    let statements = edition.tables.iter().filter(|statement| statement.name == "entries");
    for Statement { sql, .. } in statements {
        conn.execute_batch(sql)?;
    }
    let entries =
        conn.execute("INSERT INTO entries SELECT g,k,v,x,s,u FROM larder_entries ORDER BY rowid", [])?;
    conn.execute_batch("DROP TABLE larder_entries")?;
    done.insert(0, format!("rebuilt the table entries, with {entries} entries"));
    for (column, name) in columns.renamed() {
        done.push(format!("used its column {} as {name}", quote(column)));
    }
    for name in columns.missing() {
        done.push(match name {
            "expires_at" => "it had no column expires_at: expiry times are those in the change log".into(),
            name => format!("it had no column {name}, which starts over"),
        });
    }
    for (name, sql, stays) in indexes {
        if stays {
            conn.execute_batch(&sql)?;
        } else {
            done.push(format!("dropped the index {}: {sql}", quote(&name)));
        }
    }
    Ok(done)
}

/// Columns that are not larder's: what is in them goes into a table of its own.
fn keep_others(conn: &Connection, columns: &Columns, done: &mut Vec<String>) -> Result<()> {
    for name in &columns.computed {
        done.push(format!("dropped its computed column {}", quote(name)));
    }
    for name in &columns.others {
        let column = quoted(name);
        let values: i64 = conn.query_row(
            &format!("SELECT count(*)FROM entries NOT INDEXED WHERE {column} IS NOT NULL"),
            [],
            |row| row.get(0),
        )?;
        if values == 0 {
            done.push(format!("dropped its column {}, which was empty", quote(name)));
            continue;
        }
        let [Some(group), Some(key), ..] = &columns.ours else { continue };
        let table = free_name(conn, &format!("entries_{name}"))?;
        conn.execute_batch(&format!(
            "CREATE TABLE {} AS SELECT {} group_name,{} entry_key,{column} FROM entries NOT INDEXED WHERE {column} IS NOT NULL",
            quoted(&table),
            quoted(group),
            quoted(key)
        ))?;
        done.push(format!(
            "dropped its column {}; its contents, {values} in all, are now in the table {}",
            quote(name),
            quote(&table)
        ));
    }
    Ok(())
}

/// A name that nothing in the file bears yet.
fn free_name(conn: &Connection, wanted: &str) -> Result<String> {
    for number in 1..1000 {
        let name = if number == 1 { wanted.to_owned() } else { format!("{wanted}_{number}") };
        let sql = "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE name=?1 COLLATE NOCASE)";
        if !conn.query_row(sql, [&name], |row| row.get::<_, bool>(0))? {
            return Ok(name);
        }
    }
    Err(Error::BadData(format!("all names like {} are taken", quote(wanted))))
}

/// Indexes of others on the table: name, statement, and whether they may be
/// made again on the new one.
pub(in crate::store::sqlite) fn indexes(
    conn: &Connection,
    edition: &Edition,
) -> Result<Vec<(String, String, bool)>> {
    let mut query = conn.prepare(
        "SELECT name,sql FROM sqlite_schema WHERE type='index'AND tbl_name='entries'COLLATE NOCASE AND sql IS NOT NULL",
    )?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (name, sql) = row?;
        if edition.statements().any(|statement| statement.name == name) {
            continue;
        }
        let object =
            Object { kind: b"index", name: name.as_bytes(), table: b"entries", sql: Some(sql.as_bytes()) };
        let stays = may_stay(&object, edition.tables);
        found.push((name, sql, stays));
    }
    Ok(found)
}
