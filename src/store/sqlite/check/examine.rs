//! Findings: everything that is not as it should be in a file, looked for
//! without changing it.
//!
//! They come layer by layer. While the schema is not larder's nothing else is
//! looked at: an expression in a stranger's index or table would run. What
//! SQLite itself finds damaged comes next, and only then what the rows say, as
//! far as they can be read.

use rusqlite::Connection;

use crate::model::{ChangeKind, Name, Result};
use crate::store::sqlite::check::rebuild;
use crate::store::sqlite::check::repair;
use crate::store::sqlite::check::rows;
use crate::store::sqlite::check::salvage;
use crate::store::sqlite::data::columns::name;
use crate::store::sqlite::schema;
use crate::store::sqlite::schema::legacy;
use crate::store::sqlite::schema::neighbours;
use crate::store::sqlite::schema::verify::{self, Difference, How};
use crate::text::quote;

/// The most findings of one sort that are listed; SQLite's own check has the
/// same limit.
pub(in crate::store::sqlite) const MOST: usize = 100;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// Pages or rows that SQLite finds damaged.
    Damage,
    /// An index that does not say what its table says.
    Index,
    /// Tables and triggers are not as larder makes them.
    Schema,
    /// The file's header does not say that it is a larder store.
    Mark,
    /// Usage counters differ from a recount.
    Counters,
    /// The change log has gaps, or sums that do not add up.
    Log,
    /// Entries and the change log contradict each other.
    Versions,
    /// Consumers, quotas or grants that mean nothing.
    Orphans,
    /// An entry that larder could not have written.
    Data,
    /// A table of go-store's older generation, beside the entries.
    Kv,
}

impl FindingKind {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Index => "index",
            Self::Schema => "schema",
            Self::Mark => "mark",
            Self::Counters => "counters",
            Self::Log => "log",
            Self::Versions => "versions",
            Self::Orphans => "orphans",
            Self::Data => "data",
            Self::Kv => "kv",
        }
    }
}

/// What makes a finding go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A repair: it can be derived from the rest.
    Repair,
    /// Revoking the grant.
    Revoke,
    /// Setting or clearing the quota.
    Quota,
    /// Deleting the entry by a pattern or in base64: its name is no argument.
    Delete,
    /// Opening the store to write.
    Merge,
    /// A backup.
    Restore,
}

/// Something that is not as it should be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// One line for people.
    pub what: String,
    /// What can be done about it.
    pub remedy: Remedy,
    /// What mends this one, where that is known and nothing is damaged.
    pub way_out: Option<String>,
    pub(in crate::store::sqlite) difference: Option<Difference>,
}

impl Finding {
    pub(in crate::store::sqlite) fn new(kind: FindingKind, remedy: Remedy, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy, way_out: None, difference: None }
    }

    /// Whether the schema is too large to be loaded, as writing needs it.
    pub(in crate::store::sqlite) fn is_beyond_loading(&self) -> bool {
        self.difference.as_ref().is_some_and(|difference| difference.how == How::Crowded)
    }
}

/// Collects findings, so many of a sort.
#[derive(Default)]
pub(in crate::store::sqlite) struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, kind: FindingKind, what: impl Into<String>) {
        let remedy = if kind == FindingKind::Damage { Remedy::Restore } else { Remedy::Repair };
        self.push(Finding::new(kind, remedy, what));
    }

    pub(in crate::store::sqlite) fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Goes on after a layer that damage cut short: the next one may lie on
    /// other pages.
    fn survive(&mut self, layer: Result<()>) -> Result<()> {
        match layer {
            Err(e) if e.is_damage() => {
                if self.0.iter().all(|finding| finding.kind != FindingKind::Damage) {
                    self.add(FindingKind::Damage, "SQLite: a page is invalid");
                }
                Ok(())
            }
            other => other,
        }
    }

    /// Adds a finding for every row of `sql`, worded by `tell`.
    pub(in crate::store::sqlite) fn rows(
        &mut self,
        conn: &Connection,
        kind: FindingKind,
        sql: &str,
        tell: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<String>,
    ) -> Result<()> {
        let mut query = conn.prepare(sql)?;
        let mut rows = query.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            if count > MOST {
                self.add(kind, "more findings of this kind omitted");
                break;
            }
            self.add(kind, tell(row)?);
        }
        Ok(())
    }
}

/// Everything wrong with the file, in one transaction.
pub(in crate::store::sqlite) fn examine(conn: &Connection) -> Result<Vec<Finding>> {
    let mut findings = Findings::default();
    let schema = schema(conn, &mut findings);
    findings.survive(schema)?;
    let believable = findings.0.iter().all(|finding| {
        finding.difference.as_ref().is_some_and(|d| d.how == How::Missing && d.kind != "table")
    });
    if !believable {
        return Ok(findings.0);
    }
    for layer in [marks, integrity, counters, history, rows::orphans, rows::data, unmerged] {
        let looked = layer(conn, &mut findings);
        findings.survive(looked)?;
    }
    Ok(findings.0)
}

fn schema(conn: &Connection, findings: &mut Findings) -> Result<()> {
    for difference in verify::compare(conn, verify::edition(conn)?, MOST)?.differences {
        let entries = difference.name == "entries" && difference.how != How::Misplaced;
        let obstacle = if entries { rebuild::obstacle(conn)? } else { None };
        let beyond = repair::is_beyond(&difference) || obstacle.is_some();
        let remedy = if beyond { Remedy::Restore } else { Remedy::Repair };
        let known = entries || beyond && matches!(difference.how, How::Alien | How::Crowded | How::Encoded);
        let way_out = obstacle.or_else(|| known.then(|| difference.remedy(conn)));
        let finding = Finding::new(FindingKind::Schema, remedy, difference.to_string());
        findings.push(Finding { way_out, difference: Some(difference), ..finding });
    }
    Ok(())
}

/// What a program of go-store's older generation wrote beside the entries.
fn unmerged(conn: &Connection, findings: &mut Findings) -> Result<()> {
    if let Some(rows) = legacy::unmerged(conn)? {
        let rows = if rows == 1 { "1 row is".to_owned() } else { format!("{rows} rows are") };
        let what = format!("go-store's table kv: {rows} not merged into the store yet");
        let finding = if legacy::has_bad_rows(conn)? {
            let way_out = format!(
                "the rows that no entry can be have to go first: DELETE FROM kv WHERE {}",
                legacy::NAMELESS
            );
            let finding = Finding::new(FindingKind::Kv, Remedy::Restore, what);
            Finding { way_out: Some(way_out), ..finding }
        } else {
            Finding::new(FindingKind::Kv, Remedy::Merge, what)
        };
        findings.push(finding);
    }
    Ok(())
}

fn marks(conn: &Connection, findings: &mut Findings) -> Result<()> {
    let (application, version) = salvage::marks(conn)?;
    if application != schema::APPLICATION_ID {
        findings.add(FindingKind::Mark, format!("the mark application_id is {application}, not larder's"));
    }
    let known = verify::edition(conn)?.version;
    if version != known {
        findings.add(FindingKind::Mark, format!("the mark user_version is {version}, not {known}"));
    }
    Ok(())
}

/// SQLite's own check. It computes what other tables' indexes, generated columns
/// and constraints say; where any of that is there, it is let look at larder's
/// tables alone.
fn integrity(conn: &Connection, findings: &mut Findings) -> Result<()> {
    let edition = verify::edition(conn)?;
    if verify::compare(conn, edition, 1)?.alone {
        return integrity_of(conn, "PRAGMA integrity_check", findings);
    }
    if !neighbours::computes(conn)? {
        conn.execute_batch("PRAGMA ignore_check_constraints=ON")?;
        let looked = integrity_of(conn, "PRAGMA integrity_check", findings);
        conn.execute_batch("PRAGMA ignore_check_constraints=OFF")?;
        return looked;
    }
    for table in edition.tables.iter().filter(|statement| statement.kind == "table") {
        integrity_of(conn, &format!("PRAGMA integrity_check({})", table.name), findings)?;
    }
    neighbours::walk(conn)
}

fn integrity_of(conn: &Connection, pragma: &str, findings: &mut Findings) -> Result<()> {
    let mut query = conn.prepare(pragma)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        // What is wrong with the pages comes as one row of many lines.
        for said in name(row.get_ref(0)?).lines() {
            if said == "ok" || said.starts_with("*** in database") {
                continue;
            }
            let index = ["missing from index", "entries in index"].iter().any(|part| said.contains(part));
            let kind = if index { FindingKind::Index } else { FindingKind::Damage };
            findings.add(kind, format!("SQLite: {said}"));
        }
    }
    Ok(())
}

fn history(conn: &Connection, findings: &mut Findings) -> Result<()> {
    if log(conn, findings)? { versions(conn, findings) } else { Ok(()) }
}

/// Counted and kept are put side by side by sorting both: SQLite has no index
/// for a FULL JOIN with a subquery, and would compare each with each.
fn counters(conn: &Connection, findings: &mut Findings) -> Result<()> {
    findings.rows(
        conn,
        FindingKind::Counters,
        "SELECT g,ifnull(max(ck),0),ifnull(max(cb),0),ifnull(max(k),0),ifnull(max(b),0)FROM(SELECT group_name g,keys ck,bytes cb,NULL k,NULL b FROM larder_groups UNION ALL SELECT group_name,NULL,NULL,count(*),sum(octet_length(entry_key)+octet_length(entry_value))FROM entries GROUP BY group_name)GROUP BY g HAVING(max(ck),max(cb))IS NOT(max(k),max(b))",
        |row| {
            Ok(format!(
                "group {}: the counters say {} keys and {} bytes, a recount {} and {}",
                Name::of(row.get_ref(0)?).quoted(),
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?
            ))
        },
    )?;
    findings.rows(
        conn,
        FindingKind::Counters,
        "SELECT n,ifnull(max(ck),0),ifnull(max(cb),0),ifnull(max(cg),0),ifnull(max(k),0),ifnull(max(b),0),ifnull(max(g),0)FROM(SELECT namespace n,keys ck,bytes cb,groups cg,NULL k,NULL b,NULL g FROM larder_namespaces UNION ALL SELECT namespace,NULL,NULL,NULL,sum(keys),sum(bytes),count(*)FROM larder_groups GROUP BY namespace)GROUP BY n HAVING(ifnull(max(ck),0),ifnull(max(cb),0),ifnull(max(cg),0))IS NOT(ifnull(max(k),0),ifnull(max(b),0),ifnull(max(g),0))",
        |row| {
            Ok(format!(
                "namespace {}: the counters say {} keys, {} bytes and {} groups, a recount {}, {} and {}",
                quote(&name(row.get_ref(0)?)),
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, i64>(5)?,
                row.get::<_, i64>(6)?
            ))
        },
    )
}

/// Reads the log once, in order. `false` if there is none to compare entries
/// with.
fn log(conn: &Connection, findings: &mut Findings) -> Result<bool> {
    let mut query = conn.prepare(
        "SELECT seq,type,entry_key IS NULL,ifnull(octet_length(entry_key),0)+ifnull(octet_length(entry_value),0),bytes,total FROM larder_changes ORDER BY seq",
    )?;
    let mut rows = query.query([])?;
    let mut last: Option<(i64, i64)> = None;
    let mut reported = 0;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let kind = row.get_ref(1)?.as_bytes().unwrap_or_default();
        let (no_key, size, bytes, total): (bool, i64, i64, i64) =
            (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
        let known = ChangeKind::from_log(kind);
        let expected = if known == Some(ChangeKind::Set) { size } else { 0 };
        let about = match last {
            Some((before, _)) if seq != before + 1 => {
                Some(format!("changes {} to {} are missing", before + 1, seq - 1))
            }
            Some(_) if known.is_none() => Some(format!("change {seq} is of no known type")),
            None if known.is_none() && kind != b"origin" => Some(format!("change {seq} is of no known type")),
            _ if no_key != matches!(known, None | Some(ChangeKind::DeleteGroup)) => {
                Some(format!("change {seq} unexpectedly has or lacks a key"))
            }
            _ if bytes != expected => Some(format!("change {seq} says {bytes} bytes and has {expected}")),
            Some((_, sum)) if Some(total) != sum.checked_add(bytes) => {
                Some(format!("change {seq}: the running sum is wrong"))
            }
            _ => None,
        };
        last = Some((seq, total));
        if let Some(about) = about {
            reported += 1;
            if reported > MOST {
                findings.add(FindingKind::Log, "more findings of this kind omitted");
                return Ok(false);
            }
            findings.add(FindingKind::Log, format!("change log: {about}"));
        }
    }
    if last.is_none() {
        findings.add(FindingKind::Log, "change log: empty");
    }
    Ok(last.is_some())
}

fn versions(conn: &Connection, findings: &mut Findings) -> Result<()> {
    let tell = |row: &rusqlite::Row<'_>| {
        Ok(format!(
            "key {} in group {}: version {} {}",
            Name::of(row.get_ref(1)?).quoted(),
            Name::of(row.get_ref(0)?).quoted(),
            row.get::<_, i64>(2)?,
            name(row.get_ref(3)?)
        ))
    };
    findings.rows(
        conn,
        FindingKind::Versions,
        "SELECT group_name,entry_key,version,'was never assigned'FROM entries WHERE version<1 OR version>(SELECT max(seq)FROM larder_changes)",
        tell,
    )?;
    findings.rows(
        conn,
        FindingKind::Versions,
        "SELECT e.group_name,e.entry_key,e.version,'is another change in the log'FROM entries e JOIN larder_changes c ON c.seq=e.version WHERE c.type<>'origin'AND(c.type,c.group_name,c.entry_key,c.entry_value,c.expires_at)IS NOT('set',e.group_name,e.entry_key,e.entry_value,e.expires_at)",
        tell,
    )?;
    // What the log says last of a key must be what entries says.
    findings.rows(
        conn,
        FindingKind::Versions,
        "SELECT l.group_name,l.entry_key,l.s,iif(e.version IS NULL,'is the last set in the log, but there is no such entry','is the last change in the log, but the entry says otherwise')FROM(SELECT group_name,entry_key,max(seq)s,type FROM larder_changes WHERE entry_key IS NOT NULL GROUP BY group_name,entry_key)l LEFT JOIN(SELECT group_name g,max(seq)s FROM larder_changes WHERE type='delete_group'GROUP BY group_name)d ON d.g=l.group_name LEFT JOIN entries e ON e.group_name=l.group_name AND e.entry_key=l.entry_key WHERE e.version IS NOT iif(l.type='set'AND l.s>ifnull(d.s,-1),l.s,NULL)",
        tell,
    )?;
    findings.rows(
        conn,
        FindingKind::Versions,
        "SELECT e.group_name,e.entry_key,e.version,'is older than the deletion of its group'FROM(SELECT group_name g,max(seq)s FROM larder_changes WHERE type='delete_group'GROUP BY group_name)d JOIN entries e ON e.group_name=d.g WHERE e.version<d.s",
        tell,
    )
}
