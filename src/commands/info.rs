use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};
use serde::Serialize;

use super::{Context, Spec, quota};
use crate::clock::Timestamp;
use crate::exit::Exit;
use crate::output::Out;
use crate::store::{self, Limits, Protection, Store};
use crate::text;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "info",
    aliases: &[],
    about: "Show information about the store",
    build: |command| {
        InfoArgs::augment_args(command).after_help("Examples:\n  larder info\n  larder info --json | jq .seq")
    },
    run,
};

/// Show the store's path, sizes, contents and the range of its change log, one
/// fact per line; on a terminal also the namespaces' usage of their quotas.
/// "access" is "open" if nothing in scope is closed by a grant, "advisory" if
/// you could open the file with another program and so bypass every grant and
/// quota, "enforced" if you cannot. Keys, groups and consumers are those that
/// you may read, with --namespace only those of the namespace. "jobs leased"
/// are held by workers, see 'larder take'; "jobs waiting" are delayed, or
/// paused after a failure. The sizes of the file, of its log and of the change
/// log reveal how much others write; they are shown only with access to the
/// whole store. A missing store is not an error, and is not created.
#[derive(Args)]
struct InfoArgs {}

/// The facts, as `--json` prints them. Sizes are in bytes.
#[derive(Serialize)]
struct Facts {
    path: String,
    exists: bool,
    access: &'static str,
    sqlite_version: &'static str,
    #[serde(flatten)]
    store: Option<StoreFacts>,
    /// Sequence number of the newest change: a position for `watch --after`.
    seq: i64,
}

#[derive(Serialize)]
struct StoreFacts {
    schema_version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wal_bytes: Option<u64>,
    keys: i64,
    bytes: i64,
    groups: i64,
    namespaces: i64,
    consumers: usize,
    jobs_leased: i64,
    jobs_waiting: i64,
    next_expiry: Option<String>,
    /// The oldest change that is still in the log, if there is any.
    log_oldest: Option<i64>,
    log_newest: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_bytes: Option<i64>,
    /// SQLite's journal mode: `wal`, unless another program set another one.
    journal_mode: String,
    /// Rows of go-store's table `kv` that are not merged yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    kv_rows: Option<i64>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    InfoArgs::from_arg_matches(matches)?;
    let mut facts = Facts {
        path: absolute(context).to_string_lossy().into_owned(),
        exists: false,
        access: Protection::Open.as_str(),
        sqlite_version: store::sqlite_version(),
        store: None,
        seq: 0,
    };
    let mut now = Timestamp::now();
    let mut next_expiry = None;
    let mut limited = Vec::new();
    if let Some(store) = context.existing()? {
        if context.settings.terminal && !context.settings.json {
            limited = store.read(|tx| tx.namespaces())?;
            limited.retain(|usage| usage.limits != Limits::default());
        }
        let (found, due, at) = inspect(store)?;
        (facts.exists, facts.seq, next_expiry, now) = (true, found.log_newest, due, at);
        facts.store = Some(found);
        facts.access = store.protection()?.as_str();
    }
    let mut out = Out::default();
    if context.settings.json {
        out.json(&facts)?;
    } else {
        let lines = lines(&facts, next_expiry, now, context.settings.terminal);
        // In a column for people; scripts split at the first ": ".
        let name_width = lines.iter().map(|(name, _)| name.len() + 2).max().unwrap_or_default();
        let name_width = if context.settings.terminal { name_width } else { 0 };
        for (name, value) in lines {
            out.line(&format!("{:name_width$}{value}", format!("{name}: ")))?;
        }
        if context.settings.terminal && !limited.is_empty() {
            out.line("")?;
            quota::table(context, &limited, &mut out)?;
        }
    }
    out.finish()?;
    Ok(Exit::Success)
}

fn absolute(context: &Context) -> PathBuf {
    std::path::absolute(&context.settings.path).unwrap_or_else(|_| context.settings.path.clone())
}

fn inspect(store: &Store) -> anyhow::Result<(StoreFacts, Option<Timestamp>, Timestamp)> {
    let sizes = store.sizes();
    let journal_mode = store.other_journal()?.unwrap_or_else(|| "wal".into());
    Ok(store.read(|tx| {
        let (holdings, log) = (tx.holdings()?, tx.log_span()?);
        let (whole, jobs) = (tx.sees_whole_store()?, tx.job_counts()?);
        let facts = StoreFacts {
            schema_version: tx.schema_version()?,
            file_bytes: whole.then_some(sizes.file),
            wal_bytes: whole.then_some(sizes.wal),
            keys: holdings.keys,
            bytes: holdings.bytes,
            groups: holdings.groups,
            namespaces: holdings.namespaces,
            consumers: tx.consumers()?.len(),
            jobs_leased: jobs.leased,
            jobs_waiting: jobs.waiting,
            next_expiry: holdings.next_expiry.map(|at| at.to_string()),
            // Change 0 stands for the beginning and is nobody's.
            log_oldest: (log.newest > 0).then_some(log.oldest.max(1)),
            log_newest: log.newest,
            log_bytes: whole.then_some(log.bytes),
            journal_mode: journal_mode.clone(),
            kv_rows: if whole { tx.unmerged()? } else { None },
        };
        Ok((facts, holdings.next_expiry, tx.now))
    })?)
}

fn lines(
    facts: &Facts,
    next_expiry: Option<Timestamp>,
    now: Timestamp,
    terminal: bool,
) -> Vec<(&'static str, String)> {
    // Exact numbers for scripts, readable ones for people.
    let bytes = |bytes: i64| if terminal { units::human_bytes(bytes) } else { bytes.to_string() };
    let size = |size: u64| bytes(i64::try_from(size).unwrap_or(i64::MAX));
    let mut lines = vec![
        ("path", text::safe(&facts.path).into_owned()),
        ("exists", if facts.exists { "yes" } else { "no" }.to_owned()),
    ];
    if let Some(store) = &facts.store {
        let due = match next_expiry {
            Some(at) if terminal => format!("{at} (in {})", units::human_span(at.since(now))),
            Some(at) => at.to_string(),
            None => "never".to_owned(),
        };
        let log = match store.log_oldest {
            Some(oldest) => format!("{oldest} to {}", store.log_newest),
            None => "none".to_owned(),
        };
        lines.push(("schema", store.schema_version.to_string()));
        lines.extend(store.file_bytes.map(|bytes| ("file", size(bytes))));
        lines.extend(store.wal_bytes.map(|bytes| ("wal", size(bytes))));
        lines.extend([
            ("keys", store.keys.to_string()),
            ("bytes", bytes(store.bytes)),
            ("groups", store.groups.to_string()),
            ("namespaces", store.namespaces.to_string()),
            ("changes", log),
        ]);
        lines.extend(store.log_bytes.map(|log| ("change bytes", bytes(log))));
        if store.journal_mode != "wal" {
            let mode = format!("{}, not wal; 'larder check --repair' sets it back", store.journal_mode);
            lines.push(("journal", mode));
        }
        lines.extend(store.kv_rows.map(|rows| {
            ("kv", format!("{rows} rows of go-store's table kv; the next command that writes merges them"))
        }));
        lines.extend([
            ("consumers", store.consumers.to_string()),
            ("jobs leased", store.jobs_leased.to_string()),
            ("jobs waiting", store.jobs_waiting.to_string()),
            ("next expiry", due),
        ]);
    }
    lines.extend([("sqlite", facts.sqlite_version.to_owned()), ("access", facts.access.to_owned())]);
    lines
}
