use std::cell::Cell;
use std::io::Read;
use std::path::PathBuf;
use std::rc::Rc;

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec};
use crate::exchange::input::Source;
use crate::exchange::{Format, Record, Records};
use crate::exit::{Exit, Failure};
use crate::model::{Condition, Error, Expiry, Name, Namespace, Result, Scope, check_size};
use crate::output::progress::Progress;
use crate::store::Bulk;
use crate::text::quote;

pub const SPEC: Spec = Spec {
    name: "import",
    aliases: &[],
    about: "Import entries from a file",
    build: |command| {
        ImportArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder import everything.jsonl\n  \
             larder import .env --group config\n  \
             larder export staging | larder import - --group production\n  \
             larder -n app import users.csv --on-conflict skip",
        )
    },
    run,
};

/// Store what export printed, in one transaction: all of it, or nothing if a
/// line is bad (status 8; the message names the line), a quota is exceeded or,
/// with --on-conflict fail, a key exists (status 3).
///
/// jsonl is one JSON object per line, or an array of objects: group, key,
/// value, or group_b64, key_b64, value_b64 in their places, and optionally
/// namespace and one of ttl_ms and expires_at. A value that is a number, true,
/// an array or an object is stored as written; an object may span several
/// lines, as in jq's output. Other fields are ignored. csv has a header with
/// these names. env is KEY=VALUE lines as in dotenv files, and needs --group;
/// \n in double quotes is a line break, and nothing is expanded. Without
/// --format the file's name decides: .csv, .env, else jsonl.
///
/// Entries that have already expired are skipped and only counted, as due. With
/// -n, a line's namespace must be the same. A line, or a csv row, can have up
/// to 256 MiB. Standard input is read to its end first. Silent off a terminal;
/// with --json it prints the numbers of entries imported, skipped, and due.
#[derive(Args)]
struct ImportArgs {
    /// The file; - is standard input
    file: PathBuf,
    /// The format; by default that of the file's name
    #[arg(long, value_name = "FORMAT", value_parser = ["jsonl", "json", "csv", "env"])]
    format: Option<String>,
    /// Store everything in group G, ignoring the namespaces and groups of the
    /// lines
    #[arg(long, value_name = "G")]
    group: Option<String>,
    /// What to do with a key that exists: replace it, skip the line, or fail
    #[arg(long, value_name = "WHAT", value_parser = ["replace", "skip", "fail"], default_value = "replace")]
    on_conflict: String,
    /// Check everything, store nothing; print the number of entries that would
    /// be stored
    #[arg(long)]
    dry_run: bool,
}

/// Input up to this length is read through before a store is made for it.
pub(super) const CHECKED_FIRST: u64 = 4 << 20;

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    imported: u64,
    skipped: u64,
    due: u64,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = ImportArgs::from_arg_matches(matches)?;
    let format =
        args.format.as_deref().and_then(Format::named).unwrap_or_else(|| Format::of_file(&args.file));
    if format == Format::Env && args.group.is_none() {
        return Err(Failure::usage("env files have no group").hint("name one with --group").into());
    }
    context.refuse_store(&args.file)?;
    let (line, seems) = (Cell::new(None), Cell::new(None));
    let scope = &context.settings.scope;
    let mut source = match Source::open(&args.file, |head, text| {
        let checked = check(scope, &args, format, text, &line).map(|_| ());
        if checked.is_err() {
            seems.set(format_to_name(&args, head));
        }
        checked
    }) {
        Ok(source) => source,
        Err(error) => return Err(failure(error, line.get(), seems.get())),
    };
    line.set(None);
    let mut progress = Progress::new(&context.settings, "importing").in_bytes().of(source.length());
    let tally = match context.existing()? {
        Some(store) if args.dry_run => {
            store.rehearse(|bulk| import(bulk, scope, &args, format, &mut source, &line, &mut progress))
        }
        None if args.dry_run => source.read().and_then(|text| check(scope, &args, format, text, &line)),
        store => {
            let mut checked = Ok(Tally::default());
            // What is easily seen to be no import should not make a store.
            if store.is_none() && source.length() <= CHECKED_FIRST {
                checked = source.read().and_then(|text| check(scope, &args, format, text, &line));
            }
            match (checked, store) {
                (Err(error), _) => Err(error),
                (Ok(_), Some(store)) => Ok(store),
                (Ok(_), None) => Ok(context.create()?),
            }
            .and_then(|store| {
                store.bulk(|bulk| import(bulk, scope, &args, format, &mut source, &line, &mut progress))
            })
        }
    };
    progress.finish();
    match tally {
        Ok(tally) => report(context, args.dry_run, tally),
        Err(error) => {
            let mut head = Vec::new();
            let read = source.read().map(|text| text.take(HEAD as u64).read_to_end(&mut head));
            let seems = read.is_ok().then(|| format_to_name(&args, &head)).flatten();
            Err(failure(error, line.get(), seems))
        }
    }
}

/// So much of a text is looked at to guess its format.
const HEAD: usize = 4096;

/// The format that should have been named: neither the caller nor the file's
/// name said any, and what stands there does not look like JSON.
fn format_to_name(args: &ImportArgs, head: &[u8]) -> Option<&'static str> {
    if args.format.is_some() || Format::of_file(&args.file) != Format::Jsonl {
        return None;
    }
    let head = &head[..head.len().min(HEAD)];
    let end = head.iter().rposition(|b| *b == b'\n').unwrap_or(head.len());
    match Format::guess(&head[..end])? {
        Format::Env => Some("--format env"),
        Format::Csv => Some("--format csv"),
        Format::Jsonl | Format::Json => None,
    }
}

fn failure(error: Error, line: Option<u64>, seems: Option<&str>) -> anyhow::Error {
    let error = with_line(error, line);
    match (crate::exit::report(&error), seems) {
        (Some(report), Some(format)) if report.exit == Exit::BadData => {
            Failure::new(report.exit, report.message)
                .hint(format!("if this is not JSON, name the format: {format}"))
                .into()
        }
        _ => error,
    }
}

fn import(
    bulk: &mut Bulk<'_>,
    scope: &Scope,
    args: &ImportArgs,
    format: Format,
    source: &mut Source,
    line: &Cell<Option<u64>>,
    progress: &mut Progress,
) -> Result<Tally> {
    let condition = if args.on_conflict == "replace" { Condition::Any } else { Condition::Absent };
    let skip = args.on_conflict == "skip";
    let now = bulk.now();
    let mut tally = Tally::default();
    let read = Rc::new(Cell::new(0));
    let text = Counted { text: source.read()?, read: Rc::clone(&read) };
    let mut records = Records::new(format, Box::new(text));
    loop {
        let next = records.next();
        // Read once more when a line has turned out to be a bad one.
        let record = match next {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(error) => {
                line.set(Some(records.line()));
                return Err(error);
            }
        };
        let wrote = match expiry(&record, now) {
            Ok(None) => {
                tally.due += 1;
                continue;
            }
            Ok(Some(expiry)) => check_size(&record.key, &record.value)
                .and_then(|()| group_of(scope, args.group.as_deref(), &record))
                .and_then(|group| bulk.set(&group, &record.key, &record.value, expiry, &condition)),
            Err(error) => Err(error),
        };
        match wrote {
            Ok(_) => tally.imported += 1,
            Err(Error::Condition(_)) if skip => tally.skipped += 1,
            Err(error) => {
                line.set(Some(records.line()));
                return Err(error);
            }
        }
        progress.reach(read.get());
    }
    line.set(None);
    Ok(tally)
}

/// A text, and how many bytes of it have been read.
struct Counted<'a> {
    text: Box<dyn Read + 'a>,
    read: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.text.read(into)?;
        self.read.set(self.read.get() + length as u64);
        Ok(length)
    }
}

/// What would be imported into an empty store with no quotas.
fn check(
    scope: &Scope,
    args: &ImportArgs,
    format: Format,
    text: Box<dyn Read + '_>,
    line: &Cell<Option<u64>>,
) -> Result<Tally> {
    let now = crate::clock::Timestamp::now();
    let mut tally = Tally::default();
    let mut records = Records::new(format, text);
    loop {
        let checked = match records.next() {
            Ok(None) => break,
            Ok(Some(record)) => expiry(&record, now).and_then(|expiry| match expiry {
                None => Ok(false),
                Some(_) => check_size(&record.key, &record.value)
                    .and_then(|()| group_of(scope, args.group.as_deref(), &record))
                    .map(|_| true),
            }),
            Err(error) => Err(error),
        };
        match checked {
            Ok(true) => tally.imported += 1,
            Ok(false) => tally.due += 1,
            Err(error) => {
                line.set(Some(records.line()));
                return Err(error);
            }
        }
    }
    Ok(tally)
}

/// `None`: the entry has already expired.
fn expiry(record: &Record<'_>, now: crate::clock::Timestamp) -> Result<Option<Expiry>> {
    Ok(match record.when.moment(now)? {
        None => Some(Expiry::Never),
        Some(at) if at > now => Some(Expiry::At(at)),
        Some(_) => None,
    })
}

/// The group an entry goes to, as the scope names it.
fn group_of<'a>(scope: &Scope, given: Option<&'a str>, record: &'a Record<'_>) -> Result<Name<'a>> {
    if let Some(namespace) = record.namespace.as_deref() {
        check_namespace(scope, namespace)?;
    }
    match (given, &record.group) {
        (Some(group), _) => Ok(group.into()),
        (None, Some(group)) => Ok(group_in_scope(scope, record.namespace.as_deref(), group)),
        (None, None) => Err(Error::BadData("no group given; name one with --group".into())),
    }
}

/// Refuses a line's namespace that is none, or another than the scope's.
pub(super) fn check_namespace(scope: &Scope, namespace: &str) -> Result<()> {
    match &scope.0 {
        Some(ours) if ours.as_str() == namespace => Ok(()),
        Some(ours) => Err(Error::BadData(format!(
            "its namespace is {}, but this command works in {}",
            quote(namespace),
            quote(ours.as_str())
        ))),
        None if Namespace::new(namespace).is_some() => Ok(()),
        None => Err(Error::BadData(format!(
            "{} is not a namespace: only A-Z, a-z, 0-9 and - are allowed",
            quote(namespace)
        ))),
    }
}

/// A line's namespace and group as the scope names the group.
pub(super) fn group_in_scope<'a>(scope: &Scope, namespace: Option<&str>, group: &'a Name<'_>) -> Name<'a> {
    match namespace {
        Some(namespace) if scope.0.is_none() => {
            Name::new([namespace.as_bytes(), b":", group.as_bytes()].concat())
        }
        _ => group.borrowed(),
    }
}

/// Names the line that something was wrong with.
pub(super) fn with_line(error: Error, line: Option<u64>) -> anyhow::Error {
    match line {
        Some(line) if error.is_refusal() => anyhow::Error::from(error).context(format!("line {line}")),
        _ => error.into(),
    }
}

fn report(context: &Context, dry_run: bool, tally: Tally) -> anyhow::Result<Exit> {
    let Tally { imported, skipped, due } = tally;
    context.sum_up(
        serde_json::json!({ "imported": imported, "skipped": skipped, "due": due }),
        dry_run.then(|| imported.to_string()),
        &format!("imported {imported} entries, skipped {skipped}, {due} already expired"),
    )
}
