//! Strays: rows that larder could not have written, or that mean nothing.
//!
//! What they were meant to be only people know. Where a command can remove
//! them it is left to people; a namespace that cannot be one no command can
//! name, and nobody can have relied upon.

use rusqlite::Connection;

use crate::model::{Glob, Level, NOBODY, Name, Namespace, Principal, Result};
use crate::store::sqlite::check::examine::{Finding, FindingKind, Findings, MOST, Remedy};
use crate::store::sqlite::data::columns::name;
use crate::store::sqlite::transaction::Transaction;
use crate::text::quote;

/// Consumers, quotas and grants.
pub(in crate::store::sqlite) fn orphans(conn: &Connection, findings: &mut Findings) -> Result<()> {
    consumers(conn, findings)?;
    quotas(conn, findings)?;
    grants(conn, findings)
}

fn consumers(conn: &Connection, findings: &mut Findings) -> Result<()> {
    findings.rows(
        conn,
        FindingKind::Log,
        "SELECT name,position FROM larder_consumers WHERE position<0 OR position>(SELECT max(seq)FROM larder_changes)",
        |row| {
            Ok(format!(
                "consumer {}: its position {} was never assigned",
                quote(&name(row.get_ref(0)?)),
                row.get::<_, i64>(1)?
            ))
        },
    )
}

fn quotas(conn: &Connection, findings: &mut Findings) -> Result<()> {
    let mut query = conn.prepare(
        "SELECT namespace,ifnull(max_keys<0 OR max_bytes<0 OR max_groups<0,0),coalesce(max_keys,max_bytes,max_groups)IS NOT NULL FROM larder_namespaces",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (namespace, negative, limited) = (name(row.get_ref(0)?), row.get(1)?, row.get(2)?);
        // The row with no name counts what is in no namespace.
        let possible = Namespace::new(&namespace).is_some();
        if negative || if namespace.is_empty() { limited } else { !possible } {
            let remedy = if possible { Remedy::Quota } else { Remedy::Repair };
            let what = format!("quota of {}: invalid", quote(&namespace));
            findings.push(Finding::new(FindingKind::Orphans, remedy, what));
        }
    }
    Ok(())
}

fn grants(conn: &Connection, findings: &mut Findings) -> Result<()> {
    let mut query = conn.prepare("SELECT namespace,principal,level,groups FROM larder_grants")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (namespace, principal) = (name(row.get_ref(0)?), name(row.get_ref(1)?));
        let level = row.get_ref(2)?.as_i64().ok().and_then(Level::from_row);
        let possible = Namespace::new(&namespace).is_some();
        let usable = Principal::parse(&principal).is_some()
            && level.is_some()
            && Glob::new(&name(row.get_ref(3)?)).is_ok()
            || principal == NOBODY && row.get_ref(2)?.as_i64() == Ok(0);
        if !usable || !possible {
            let remedy = if possible { Remedy::Revoke } else { Remedy::Repair };
            let what = format!("grant to {} in {}: unusable", quote(&principal), quote(&namespace));
            findings.push(Finding::new(FindingKind::Orphans, remedy, what));
        }
    }
    Ok(())
}

/// Removes quotas and grants of what cannot be a namespace; says how many.
pub(in crate::store::sqlite) fn remove_impossible(tx: &Transaction<'_>) -> Result<usize> {
    let cannot_be = "(typeof(namespace)<>'text'OR namespace=''OR namespace GLOB'*[^A-Za-z0-9-]*')";
    let grants = tx.conn.execute(&format!("DELETE FROM larder_grants WHERE {cannot_be}"), [])?;
    let quotas =
        tx.conn.execute(&format!("DELETE FROM larder_namespaces WHERE {cannot_be}AND namespace<>''"), [])?;
    let unlimited = tx.conn.execute(
        "UPDATE larder_namespaces SET max_keys=NULL,max_bytes=NULL,max_groups=NULL WHERE namespace=''AND coalesce(max_keys,max_bytes,max_groups)IS NOT NULL",
        [],
    )?;
    Ok(grants + quotas + unlimited)
}

/// Entries.
pub(in crate::store::sqlite) fn data(conn: &Connection, findings: &mut Findings) -> Result<()> {
    findings.rows(
        conn,
        FindingKind::Data,
        "SELECT group_name,entry_key,iif(typeof(expires_at)NOT IN('integer','null'),'time of expiry',iif(typeof(entry_value)IN('text','blob'),'name','value'))FROM entries WHERE typeof(group_name)<>'text'OR typeof(entry_key)<>'text'OR typeof(expires_at)NOT IN('integer','null')OR typeof(entry_value)NOT IN('text','blob')",
        |row| {
            Ok(format!(
                "key {} in group {}: its {} is of the wrong type",
                Name::of(row.get_ref(1)?).quoted(),
                Name::of(row.get_ref(0)?).quoted(),
                name(row.get_ref(2)?)
            ))
        },
    )?;
    nameless(conn, findings)
}

/// Entries whose group or key is not UTF-8, which SQLite does not mind.
fn nameless(conn: &Connection, findings: &mut Findings) -> Result<()> {
    let mut query = conn.prepare(
        "SELECT group_name,entry_key FROM entries WHERE typeof(group_name)='text'AND typeof(entry_key)='text'",
    )?;
    let mut rows = query.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (group, key) = (row.get_ref(0)?, row.get_ref(1)?);
        let what = match (group.as_str().is_ok(), key.as_str().is_ok()) {
            (true, true) => continue,
            (true, false) => "its name is not UTF-8",
            (false, _) => "the group's name is not UTF-8",
        };
        count += 1;
        let (group, key) = (Name::of(group).quoted(), Name::of(key).quoted());
        let what = if count > MOST {
            "more findings of this kind omitted".to_owned()
        } else {
            format!("key {key} in group {group}: {what}")
        };
        findings.push(Finding::new(FindingKind::Data, Remedy::Delete, what));
        if count > MOST {
            break;
        }
    }
    Ok(())
}
