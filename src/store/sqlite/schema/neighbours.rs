//! What may be in a store's file besides larder's own tables.
//!
//! Other programs keep tables there, and people add a view for their reports
//! or an index for their queries. All that is welcome as long as none of it
//! runs, or fails, when larder reads and writes: larder names its own tables
//! alone, so views, other tables and what hangs on those are never touched.
//! An index on a larder table is kept up to date by larder's own writes, so it
//! may hold plain columns and nothing that computes, compares or refuses.

use rusqlite::Connection;

use crate::model::Result;
use crate::store::sqlite::schema::Statement;

/// The most tables, indexes, triggers and views besides larder's own: SQLite
/// loads all of them at every opening.
pub(in crate::store::sqlite) const MOST: usize = 500;

/// One row of the file's schema. SQLite itself makes sure, when it loads the
/// row, that the statement makes what the row says.
pub(in crate::store::sqlite) struct Object<'a> {
    pub kind: &'a [u8],
    pub name: &'a [u8],
    /// The table it belongs to.
    pub table: &'a [u8],
    pub sql: Option<&'a [u8]>,
}

/// Whether an object that larder did not make may stay among `tables`.
pub(in crate::store::sqlite) fn may_stay(object: &Object<'_>, tables: &[Statement]) -> bool {
    let Object { kind, name, table, sql } = object;
    let reserved = |name: &[u8]| name.to_ascii_lowercase().starts_with(b"larder_");
    let ours = reserved(table)
        || tables.iter().any(|s| s.kind == "table" && s.name.as_bytes().eq_ignore_ascii_case(table));
    match *kind {
        b"index" if ours => {
            !reserved(name)
                && sql.and_then(|sql| std::str::from_utf8(sql).ok()).is_some_and(|sql| is_plain(sql, table))
        }
        b"index" | b"trigger" | b"table" | b"view" => !ours && !reserved(name),
        _ => false,
    }
}

/// Whether SQLite would have to compute something to look through the tables
/// besides larder's: an expression, or what an extension does.
pub(in crate::store::sqlite) fn computes(conn: &Connection) -> Result<bool> {
    let sql = "WITH other AS(SELECT type,name,rootpage FROM sqlite_schema WHERE tbl_name<>'entries'AND tbl_name NOT LIKE'larder~_%'ESCAPE'~')SELECT EXISTS(SELECT 1 FROM other WHERE type='table'AND rootpage=0)OR EXISTS(SELECT 1 FROM other o,pragma_table_xinfo(o.name)x WHERE o.type='table'AND x.hidden<>0)OR EXISTS(SELECT 1 FROM other o,pragma_index_list(o.name)i WHERE o.type='table'AND i.partial)OR EXISTS(SELECT 1 FROM other o,pragma_index_xinfo(o.name)x WHERE o.type='index'AND x.cid=-2)";
    Ok(conn.query_row(sql, [], |row| row.get(0))?)
}

/// Walks through the pages of all tables besides larder's, without a look at
/// what the rows say.
///
/// # Errors
/// What SQLite says of an invalid page.
pub(in crate::store::sqlite) fn walk(conn: &Connection) -> Result<()> {
    let mut tables = conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type='table'AND rootpage>0 AND name<>'entries'AND name NOT LIKE'larder~_%'ESCAPE'~'",
    )?;
    let names = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    for name in names {
        let quoted = name.replace('"', "\"\"");
        conn.query_row(&format!("SELECT count(*)FROM \"{quoted}\"NOT INDEXED"), [], |_| Ok(()))?;
    }
    Ok(())
}

/// A piece of SQL.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// A bare word, in lower case.
    Word(String),
    /// A name in quotes, in lower case.
    Name(String),
    Sign(char),
}

/// The pieces of a statement; `None` if there is anything in it that a plain
/// index does not have.
fn pieces(sql: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
                let end = end.unwrap_or(rest.len());
                if rest[end..].starts_with(|c: char| !c.is_ascii()) {
                    return None;
                }
                pieces.push(Piece::Word(rest[..end].to_ascii_lowercase()));
                end
            }
            '"' | '`' | '[' => {
                let close = if first == '[' { ']' } else { first };
                let end = 1 + rest[1..].find(close)?;
                pieces.push(Piece::Name(rest[1..end].to_ascii_lowercase()));
                // A doubled quote stands for one in the name: no column has any.
                if first != '[' && rest[end + 1..].starts_with(close) {
                    return None;
                }
                end + 1
            }
            '(' | ')' | ',' => {
                pieces.push(Piece::Sign(first));
                1
            }
            _ => return None,
        };
        rest = rest[length..].trim_start();
    }
    Some(pieces)
}

/// Whether the statement makes an index on plain columns of `table`, ordered by
/// a collation that every SQLite has, of all rows or of those that have a value.
pub(super) fn is_plain(sql: &str, table: &[u8]) -> bool {
    let columns: &[&str] = match table.to_ascii_lowercase().as_slice() {
        b"entries" => &["group_name", "entry_key", "entry_value", "expires_at", "version", "updated_at"],
        b"kv" => &["grp", "key", "value", "expires_at"],
        b"larder_changes" => &[
            "seq",
            "at",
            "type",
            "group_name",
            "entry_key",
            "entry_value",
            "expires_at",
            "bytes",
            "total",
            "by",
        ],
        _ => return false,
    };
    let Some(pieces) = pieces(sql) else { return false };
    let word = |piece: &Piece, wanted: &str| matches!(piece, Piece::Word(word) if word == wanted);
    let column =
        |piece: &Piece| matches!(piece, Piece::Word(c) | Piece::Name(c) if columns.contains(&c.as_str()));
    let Some((head, mut rest)) = pieces.split_at_checked(6) else { return false };
    let [create, index, _, on, Piece::Word(target) | Piece::Name(target), Piece::Sign('(')] = head else {
        return false;
    };
    let named = target.as_bytes().eq_ignore_ascii_case(table);
    if !(word(create, "create") && word(index, "index") && word(on, "on") && named) {
        return false;
    }
    loop {
        match rest {
            [first, more @ ..] if column(first) => rest = more,
            _ => return false,
        }
        if let [collate, Piece::Word(name) | Piece::Name(name), more @ ..] = rest
            && word(collate, "collate")
        {
            if !["binary", "nocase", "rtrim"].contains(&name.as_str()) {
                return false;
            }
            rest = more;
        }
        if let [order, more @ ..] = rest
            && (word(order, "asc") || word(order, "desc"))
        {
            rest = more;
        }
        match rest {
            [Piece::Sign(','), more @ ..] => rest = more,
            [Piece::Sign(')'), more @ ..] => {
                rest = more;
                break;
            }
            _ => return false,
        }
    }
    match rest {
        [] => true,
        [clause, of, is, not, null] => {
            word(clause, "where") && column(of) && word(is, "is") && word(not, "not") && word(null, "null")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_plain_or_not() {
        for sql in [
            "CREATE INDEX mine ON entries(entry_value)",
            "CREATE INDEX \"my idx\" ON \"entries\"( [group_name] COLLATE NOCASE DESC,\n`entry_key` ASC)",
            "CREATE INDEX m ON entries(expires_at) WHERE expires_at IS NOT NULL",
        ] {
            assert!(is_plain(sql, b"entries"), "{sql}");
        }
        for sql in [
            "CREATE UNIQUE INDEX mine ON entries(entry_value)",
            "CREATE INDEX mine ON entries(upper(entry_value))",
            "CREATE INDEX mine ON entries(entry_value || 'x')",
            "CREATE INDEX mine ON entries((entry_value))",
            "CREATE INDEX mine ON entries('entry_value')",
            "CREATE INDEX mine ON entries(\"no column\")",
            "CREATE INDEX mine ON entries(rowid)",
            "CREATE INDEX mine ON entries(entry_value COLLATE odd)",
            "CREATE INDEX mine ON entries(entry_value) WHERE length(entry_value) > 3",
            "CREATE INDEX mine ON entries(entry_value) WHERE expires_at IS NOT NULL AND 1",
            "CREATE INDEX mine ON other(entry_value)",
            "CREATE INDEX mine ON entries(entry_value) -- more",
            "CREATE INDEX mine ON entries(",
            "CREATE INDEX mine ON entries",
            "",
        ] {
            assert!(!is_plain(sql, b"entries"), "{sql}");
        }
        assert!(!is_plain("CREATE INDEX mine ON larder_grants(principal)", b"larder_grants"));
    }
}
