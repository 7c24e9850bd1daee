//! Repair: rebuilding what can be derived from the entries.
//!
//! Derived are the triggers, the indexes, the counters and, in a sense, the
//! change log: where it cannot be believed it starts over above every number
//! ever given out, so that no version returns and every watcher learns that it
//! missed something. Entries, quotas, grants and consumers are nobody's shadow:
//! what is wrong with those is left to people, as far as a command can name it.

use rusqlite::{Connection, params};

use crate::model::Result;
use crate::store::sqlite::check::examine::{Finding, FindingKind};
use crate::store::sqlite::check::rebuild;
use crate::store::sqlite::check::rows;
use crate::store::sqlite::schema::Edition;
use crate::store::sqlite::schema::migrate;
use crate::store::sqlite::schema::verify::{self, Difference, How};
use crate::store::sqlite::transaction::{Snapshot, Transaction};

/// Tables whose rows can be made again from the other tables, or missed.
const DERIVED: [&str; 4] = ["larder_changes", "larder_groups", "larder_replaced", "larder_leases"];

/// Versions and positions from here on are noise; counting on above one of
/// them would leave no numbers for the changes to come.
const PLAUSIBLE: i64 = 1 << 60;

/// Does what can be done about `findings`, and says it, one line each. Runs
/// with triggers switched off.
pub(in crate::store::sqlite) fn repair(tx: &Transaction<'_>, findings: &[Finding]) -> Result<Vec<String>> {
    let mut done = Vec::new();
    let edition = verify::edition(tx.conn)?;
    // Looked at before anything goes: what is dropped must be made again.
    let differences = verify::compare(tx.conn, edition, usize::MAX)?.differences;
    if differences.iter().any(is_beyond) {
        return Ok(done);
    }
    if differences.iter().any(Difference::is_entries) {
        if rebuild::obstacle(tx.conn)?.is_some() {
            return Ok(done);
        }
        drop_triggers(tx, edition, &differences, &mut done)?;
        let log = differences.iter().all(|difference| difference.name != "larder_changes");
        done.extend(rebuild::rebuild(tx.conn, edition, log)?);
        return Ok(done);
    }
    for difference in findings.iter().filter_map(|finding| finding.difference.as_ref()) {
        done.extend(drop_stranger(tx, difference)?);
    }
    let schema_differs = findings.iter().any(|finding| finding.kind == FindingKind::Schema);
    if schema_differs {
        done.extend(make_missing(tx, edition)?);
        return Ok(done);
    }
    let has = |kind| findings.iter().any(|finding| finding.kind == kind);
    if has(FindingKind::Index) && build_indexes(tx, edition).is_ok() {
        tx.conn.execute_batch("RELEASE reindex")?;
        done.push("rebuilt the indexes".into());
        return Ok(done);
    }
    if has(FindingKind::Damage) || has(FindingKind::Index) {
        // Nothing derived from damaged pages can be believed.
        return Ok(Vec::new());
    }
    if has(FindingKind::Mark) {
        migrate::mark(tx.conn, edition)?;
        done.push("marked the file as larder's".into());
    }
    if has(FindingKind::Orphans) {
        let removed = rows::remove_impossible(tx)?;
        if removed > 0 {
            done.push(format!("removed {removed} quotas and grants of invalid namespaces"));
        }
    }
    if has(FindingKind::Data) {
        let cut = tx.conn.execute(
            "UPDATE entries SET expires_at=CAST(expires_at AS INTEGER)WHERE typeof(expires_at)='real'",
            [],
        )?;
        if cut > 0 {
            done.push(format!("rounded {cut} expiry times down to whole milliseconds"));
        }
    }
    if has(FindingKind::Counters) {
        recount(tx)?;
        done.push("recounted keys, bytes and groups".into());
    }
    if has(FindingKind::Log) || has(FindingKind::Versions) {
        let seq = above_all(tx, 0)?;
        restart_log(tx, seq, false)?;
        done.push(format!("restarted the change log, at {seq}; older changes are lost"));
    }
    Ok(done)
}

/// Builds the indexes of larder's tables anew. Those of other tables may hold
/// expressions, which would run.
fn build_indexes(tx: &Transaction<'_>, edition: &Edition) -> Result<()> {
    tx.conn.execute_batch("SAVEPOINT reindex")?;
    for table in edition.tables.iter().filter(|statement| statement.kind == "table") {
        tx.conn.execute_batch(&format!("REINDEX {}", table.name))?;
    }
    Ok(())
}

/// Whether something cannot be derived, or cannot even be dropped.
pub(in crate::store::sqlite) fn is_beyond(difference: &Difference) -> bool {
    let Difference { how, kind, name } = difference;
    matches!(how, How::Misplaced | How::Crowded | How::Encoded)
        || name == "entries" && !difference.is_entries()
        || kind == "table" && name != "entries" && !DERIVED.contains(&name.as_str())
}

/// Drops the triggers on entries that are not larder's own: they would go with
/// the table, unseen.
fn drop_triggers(
    tx: &Transaction<'_>,
    edition: &Edition,
    differences: &[Difference],
    done: &mut Vec<String>,
) -> Result<()> {
    for difference in differences.iter().filter(|difference| difference.kind == "trigger") {
        if edition.triggers.iter().all(|trigger| trigger.name != difference.name) {
            done.extend(drop_stranger(tx, difference)?);
        }
    }
    Ok(())
}

/// Drops what larder did not make. Tables stay, as they may hold data.
fn drop_stranger(tx: &Transaction<'_>, difference: &Difference) -> Result<Option<String>> {
    let Difference { how, kind, name } = difference;
    let derived = DERIVED.contains(&name.as_str());
    let word = match (how, kind.as_str()) {
        (How::Missing | How::Misplaced | How::Crowded | How::Encoded, _) => return Ok(None),
        (_, "trigger") => "TRIGGER",
        (_, "view") => "VIEW",
        (_, "index") => "INDEX",
        (How::Altered, "table") if derived => "TABLE",
        _ => return Ok(None),
    };
    let quoted = name.replace('"', "\"\"");
    let sql: Option<String> = tx
        .conn
        .query_row("SELECT sql FROM sqlite_schema WHERE type=?1 AND name=?2", [kind, name], |row| row.get(0))
        .unwrap_or_default();
    tx.conn.execute_batch(&format!("DROP {word} IF EXISTS \"{quoted}\""))?;
    let dropped = format!("dropped {difference}").replace(" is not larder's", ", which is not larder's");
    // Whoever made it may want to make it again, elsewhere.
    Ok(Some(match sql {
        Some(sql) if *how == How::Alien => format!("{dropped}: {sql}"),
        _ => dropped,
    }))
}

/// Creates what is missing and can be derived.
fn make_missing(tx: &Transaction<'_>, edition: &Edition) -> Result<Vec<String>> {
    let differences = verify::compare(tx.conn, edition, usize::MAX)?.differences;
    let mut done = Vec::new();
    for statement in edition.statements() {
        if differences.iter().any(|d| d.how == How::Missing && d.name == statement.name) {
            tx.conn.execute_batch(statement.sql)?;
            done.push(format!("rebuilt the {} {}", statement.kind, statement.name));
        }
    }
    Ok(done)
}

/// Counters from the entries; quotas stay.
pub(in crate::store::sqlite) fn recount(tx: &Transaction<'_>) -> Result<()> {
    tx.conn.execute_batch(
        "DELETE FROM larder_replaced WHERE bytes>=0;
         DELETE FROM larder_groups;
         INSERT INTO larder_groups(group_name,keys,bytes)SELECT group_name,count(*),sum(octet_length(entry_key)+octet_length(entry_value))FROM entries GROUP BY group_name;
         UPDATE larder_namespaces SET keys=0,bytes=0,groups=0;
         INSERT INTO larder_namespaces(namespace,keys,bytes,groups)SELECT namespace,sum(keys),sum(bytes),count(*)FROM larder_groups WHERE 1 GROUP BY namespace ON CONFLICT(namespace)DO UPDATE SET keys=excluded.keys,bytes=excluded.bytes,groups=excluded.groups",
    )?;
    Ok(())
}

/// A sequence number two above every one in the file and above `other`. Two,
/// because a watcher that has seen the newest change must find that its place
/// in the log is gone, not that it is next.
pub(in crate::store::sqlite) fn above_all(tx: &Snapshot<'_>, other: i64) -> Result<i64> {
    let most: i64 = tx.conn.query_row(
        "SELECT max(ifnull((SELECT max(seq)FROM larder_changes),0),ifnull((SELECT max(version)FROM entries WHERE version<?1),0),ifnull((SELECT max(position)FROM larder_consumers WHERE position<?1),0))",
        [PLAUSIBLE],
        |row| row.get(0),
    )?;
    Ok(most.max(other).saturating_add(2))
}

/// The highest number that can be read, wherever damage has left one; `None` if
/// there is none.
pub(in crate::store::sqlite) fn highest_left(conn: &Connection) -> Option<i64> {
    let mut most = None;
    for sql in [
        "SELECT max(seq)FROM larder_changes",
        "SELECT seq FROM larder_changes",
        "SELECT version FROM entries NOT INDEXED",
        "SELECT position FROM larder_consumers",
    ] {
        let Ok(mut query) = conn.prepare(sql) else { continue };
        let Ok(mut rows) = query.query([]) else { continue };
        while let Ok(Some(row)) = rows.next() {
            let number = row.get::<_, i64>(0).ok().filter(|number| *number < PLAUSIBLE);
            most = most.max(number);
        }
    }
    most
}

/// Empties the log down to an origin at `seq`. Every entry that the log
/// contradicted, or `all`, gets that number as its version.
pub(in crate::store::sqlite) fn restart_log(tx: &Transaction<'_>, seq: i64, all: bool) -> Result<()> {
    let which =
        if all { "1" } else { "version<1 OR version>=(SELECT ifnull(min(seq),0)FROM larder_changes)" };
    // What is known of a job stays with it.
    tx.conn.execute(
        &format!("UPDATE larder_leases SET version=?1 WHERE(group_name,entry_key,version)IN(SELECT group_name,entry_key,version FROM entries WHERE {which})"),
        [seq],
    )?;
    tx.conn.execute("UPDATE larder_groups SET taken=NULL", [])?;
    tx.conn.execute(&format!("UPDATE entries SET version=?1 WHERE {which}"), [seq])?;
    tx.conn.execute_batch("DELETE FROM larder_changes")?;
    tx.conn.execute(
        "INSERT INTO larder_changes VALUES(?1,?2,'origin','',NULL,NULL,NULL,0,0,NULL)",
        params![seq, tx.now.0],
    )?;
    tx.conn.execute(
        "UPDATE larder_consumers SET position=max(0,min(position,?1))WHERE position<0 OR position>?1",
        [seq],
    )?;
    Ok(())
}
