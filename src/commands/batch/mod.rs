mod reads;

use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{ArgMatches, Args, FromArgMatches};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;

use super::import::{CHECKED_FIRST, check_namespace, group_in_scope, with_line};
use super::{Context, Spec};
use crate::clock::Timestamp;
use crate::exchange::When;
use crate::exchange::input::{self, Source, Text};
use crate::exchange::json::{self, Action, Line, Objects, Operation};
use crate::exit::{self, Exit, Failure};
use crate::model::{Error, Expiry, Result, Scope, check_size};
use crate::output::progress::Progress;
use crate::output::{self, Out, Stdout};
use crate::store::{Bulk, Store};
use crate::text;

pub const SPEC: Spec = Spec {
    name: "batch",
    aliases: &[],
    about: "Run many operations in one transaction or one process",
    build: |command| {
        BatchArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder batch changes.jsonl\n  \
             echo '{\"op\":\"set\",\"group\":\"g\",\"key\":\"k\",\"value\":\"v\",\"ttl_ms\":60000}' | larder batch -\n  \
             larder export old | jq -c '. + {op: \"delete\"}' | larder batch -\n  \
             echo '{\"op\":\"get\",\"group\":\"g\",\"key\":\"k\"}' | larder batch -\n  \
             coproc larder batch - --stream",
        )
    },
    run,
};

/// Run operations given as JSON lines, in one transaction: all of it, or
/// nothing if one line fails; the status is then that line's, and the message
/// names it.
///
/// A line that writes is {"op": "set" | "delete" | "expire" | "incr", "group":
/// …, "key": …} and, for set, "value" or "value_b64"; for set and expire one of
/// "ttl_ms" and "expires_at"; for set "keep_ttl": true; for expire "never":
/// true; for incr "by", by default 1. set, delete and expire take one
/// condition: "if_absent": true, "if_present": true, "if_version", "if_value"
/// or "if_value_b64". With -n, a "namespace" must be the same. A name that is
/// not UTF-8 is given in "group_b64" or "key_b64", as base64. Blank lines are
/// ignored; a line can have up to 256 MiB. Standard input is read to its end
/// first.
///
/// A line that reads is {"op": "get" | "ttl", "group": …, "key": …}, or {"op":
/// "list" | "count", "group": …}, for keys, without "group" for groups as
/// 'larder list' and 'larder count' do; "glob" selects names, and for list
/// "after" a name and "limit" bound them. It sees the writes of earlier lines.
/// Its answer is {"line":N,"ok":true,…} with the fields of the entry, "ttl_ms",
/// "names" (those that are not UTF-8 in "names_b64"), or "count"; for a missing
/// entry it is {"line":N,"ok":false,"error":"not_found",…}, and the batch
/// continues. The answers are printed in order once everything is on disk.
///
/// With --stream each line is a transaction of its own, answered in order on
/// standard output when it is on disk: {"line":N,"ok":true,"version":N}, where
/// version is the number of the last change ("value" comes with it for incr,
/// "deleted" for delete), or {"line":N,"ok":false,"error":…,"code":…,
/// "message":…}. Lines that are already waiting are put on disk together, at
/// most 1000 at once. A line that fails does not end the stream: the status is
/// 0 when the input has ended, whatever the answers were.
#[derive(Args)]
struct BatchArgs {
    /// The file of JSON lines; - is standard input
    file: PathBuf,
    /// Answer each line as soon as it is on disk
    #[arg(long)]
    stream: bool,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = BatchArgs::from_arg_matches(matches)?;
    if args.stream {
        return stream(context, &args);
    }
    context.refuse_store(&args.file)?;
    let line = Cell::new(None);
    let mut source = Source::open(&args.file, |_, text| check(text, &line).map(drop))
        .map_err(|error| with_line(error, line.get()))?;
    line.set(None);
    let mut progress = Progress::new(&context.settings, "working");
    let scope = &context.settings.scope;
    let mut answers = Vec::new();
    let existing = context.existing()?;
    // What is easily seen to be no batch, or to write nothing, should not make a
    // store, nor keep others from writing.
    let looked_through = if existing.is_none() { CHECKED_FIRST } else { READS_FIRST };
    let writes = source.length() > looked_through
        || source.read().and_then(|text| check(text, &line)).map_err(|error| with_line(error, line.get()))?;
    line.set(None);
    let done = match existing {
        store if !writes => reads::in_order(store, scope, &mut source, &line, &mut answers),
        store => {
            let store = store.map_or_else(|| context.create(), Ok)?;
            store.bulk(|bulk| batch(bulk, scope, &mut source, &line, &mut progress, &mut answers))
        }
    };
    progress.finish();
    let operations = done.map_err(|error| with_line(error, line.get()))?;
    let mut out = Out::default();
    out.write(&shown(context, answers))?;
    if context.settings.json {
        out.json(&serde_json::json!({ "operations": operations }))?;
    }
    out.finish()?;
    if !context.settings.json && context.settings.terminal && !context.settings.quiet {
        output::print_note(&format!("did {operations} operations"));
    }
    Ok(Exit::Success)
}

fn batch(
    bulk: &mut Bulk<'_>,
    scope: &Scope,
    source: &mut Source,
    line: &Cell<Option<u64>>,
    progress: &mut Progress,
    answers: &mut Vec<u8>,
) -> Result<u64> {
    // It may be done again.
    answers.clear();
    let mut objects = Objects::new(Text::new(source.read()?));
    let mut operations = 0;
    loop {
        let done = match objects.next() {
            Ok(None) => break,
            Ok(Some(object)) => match json::line(object) {
                Ok(Line::Write(operation)) => apply(bulk, scope, &operation).map(|_| None),
                Ok(Line::Read(query)) => reads::ask(bulk, scope, &query).map(Some),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match done {
            Ok(Some(found)) => answer(answers, &found.of_line(objects.line())),
            Ok(None) => {}
            Err(error) => {
                line.set(Some(objects.line()));
                return Err(error);
            }
        }
        operations += 1;
        progress.tick(1);
    }
    line.set(None);
    Ok(operations)
}

/// Input up to this length is read through to see whether it only reads.
const READS_FIRST: u64 = 64 << 10;

/// Reads every line and does nothing; whether any of them would write.
fn check(text: Box<dyn Read + '_>, line: &Cell<Option<u64>>) -> Result<bool> {
    let now = Timestamp::now();
    let mut objects = Objects::new(Text::new(text));
    let mut writes = false;
    loop {
        let read = match objects.next() {
            Ok(None) => return Ok(writes),
            Ok(Some(object)) => json::line(object).and_then(|line| match line {
                Line::Read(_) => Ok(()),
                Line::Write(operation) => {
                    writes = true;
                    match operation.action {
                        Action::Set { when: Some(when), .. } | Action::Expire(when) => {
                            expiry(when, now).map(drop)
                        }
                        _ => Ok(()),
                    }
                }
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            line.set(Some(objects.line()));
            return Err(error);
        }
    }
}

/// What an operation came to.
struct Done {
    version: i64,
    value: Option<i64>,
    deleted: Option<bool>,
}

fn apply(bulk: &mut Bulk<'_>, scope: &Scope, operation: &Operation<'_>) -> Result<Done> {
    let Operation { namespace, group, key, condition, action } = operation;
    if let Some(namespace) = &namespace {
        check_namespace(scope, namespace)?;
    }
    let group = group_in_scope(scope, namespace.as_deref(), group);
    let (mut value, mut deleted) = (None, None);
    match action {
        Action::Set { value, when } => {
            check_size(key, value)?;
            let expiry = when.map_or(Ok(Expiry::Keep), |when| expiry(when, bulk.now()))?;
            bulk.set(&group, key, value, expiry, condition)?;
        }
        Action::Delete => deleted = Some(bulk.delete(&group, key, condition)?),
        Action::Expire(when) => {
            let expiry = expiry(*when, bulk.now())?;
            bulk.expire(&group, key, expiry, condition)?;
        }
        Action::Incr(by) => value = Some(bulk.incr(&group, key, *by)?.0),
    }
    Ok(Done { version: bulk.newest(), value, deleted })
}

fn expiry(when: When, now: Timestamp) -> Result<Expiry> {
    match when.moment(now)? {
        None => Ok(Expiry::Never),
        Some(at) if at > Timestamp::LAST => Err(Error::BadData(format!("{at} is past the year 9999"))),
        Some(at) if at > now => Ok(Expiry::At(at)),
        Some(at) => Err(Error::BadData(format!("{at} is in the past"))),
    }
}

/// Most lines and bytes that are put on disk together, and the longest time
/// that is spent on collecting them.
const TOGETHER: usize = 1000;
const BYTES_TOGETHER: usize = 1 << 20;
const COLLECT: Duration = Duration::from_millis(10);

/// Lines to be done together, with their numbers.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Number of each line, and where in `bytes` it ends.
    lines: Vec<(u64, usize)>,
}

impl Waiting {
    fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
    }

    fn push(&mut self, number: u64, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.lines.push((number, self.bytes.len()));
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= TOGETHER || self.bytes.len() >= BYTES_TOGETHER
    }

    fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut start = 0;
        self.lines.iter().map(move |&(number, end)| {
            let line = &self.bytes[start..end];
            start = end;
            (number, line)
        })
    }
}

fn stream(context: &Context, args: &BatchArgs) -> anyhow::Result<Exit> {
    let io_error = |error| Failure::io(&input::name(&args.file), error);
    context.refuse_store(&args.file)?;
    let mut text = Text::new(input::open(&args.file).map_err(io_error)?);
    let scope = &context.settings.scope;
    let mut out = Stdout;
    let mut waiting = Waiting::default();
    let mut answers = Vec::new();
    let (mut store, mut reader) = (None, None);
    loop {
        waiting.clear();
        // What came before unreadable input is still done and answered.
        let collected = collect(&mut text, &mut waiting);
        if !waiting.lines.is_empty() {
            let lines: Lines<'_> = waiting.iter().map(|(number, line)| (number, json::line(line))).collect();
            let reads_only = lines.iter().all(|(_, line)| !matches!(line, Ok(Line::Write(_))));
            if reads_only {
                let to_read = match store.or(reader) {
                    Some(store) => Some(store),
                    None => context.existing()?,
                };
                reader = to_read;
                reads::together(to_read, scope, &lines, &mut answers);
            } else {
                let store = match store {
                    Some(store) => store,
                    None => *store.insert(context.create()?),
                };
                commit(store, scope, &lines, &mut answers);
            }
            answers = shown(context, answers);
            out.write_all(&answers)
                .and_then(|()| out.flush())
                .map_err(|e| Failure::io("standard output", e))?;
        }
        if !collected.map_err(|error| with_line(error, Some(text.line())))? {
            return Ok(Exit::Success);
        }
    }
}

/// Answers as they can be shown where they go.
fn shown(context: &Context, answers: Vec<u8>) -> Vec<u8> {
    if !context.settings.terminal {
        return answers;
    }
    text::safe_json(&String::from_utf8_lossy(&answers)).into_owned().into_bytes()
}

/// Waits for a line and takes it, and what else is already there; `false` when
/// the input has ended.
fn collect(text: &mut Text<File>, waiting: &mut Waiting) -> Result<bool> {
    let Some(line) = text.next_line()?.map(<[u8]>::to_vec) else { return Ok(false) };
    let mut add = |number, line: &[u8]| {
        if !line.trim_ascii().is_empty() {
            waiting.push(number, line);
        }
        !waiting.is_full()
    };
    let mut more = add(text.line(), &line);
    let started = Instant::now();
    while more {
        if text.holds_line() {
            let number = text.line() + 1;
            if let Some(line) = text.next_line()? {
                more = add(number, line);
            }
        } else if started.elapsed() >= COLLECT || !is_readable(text.source()) || !text.read_more()? {
            break;
        }
    }
    Ok(true)
}

/// Whether reading would not have to wait.
fn is_readable(file: &File) -> bool {
    let mut poll_fds = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    poll(&mut poll_fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Lines as far as they could be understood, with their numbers.
type Lines<'a> = Vec<(u64, Result<Line<'a>>)>;

/// Does the lines, in one transaction where nothing but refusals comes up, and
/// leaves their answers.
fn commit(store: &Store, scope: &Scope, lines: &[(u64, Result<Line<'_>>)], answers: &mut Vec<u8>) {
    let done = store.bulk(|bulk| {
        answers.clear();
        for (number, line) in lines {
            let done = match line {
                Ok(Line::Write(operation)) => {
                    apply(bulk, scope, operation).map(|done| answer(answers, &Answer::done(*number, &done)))
                }
                Ok(Line::Read(query)) => {
                    reads::ask(bulk, scope, query).map(|found| answer(answers, &found.of_line(*number)))
                }
                Err(error) => {
                    answer(answers, &Answer::failed(*number, error));
                    continue;
                }
            };
            match done {
                Err(error) if error.is_refusal() => answer(answers, &Answer::failed(*number, &error)),
                done => done?,
            }
        }
        Ok(())
    });
    let Err(error) = done else { return };
    answers.clear();
    if lines.len() == 1 || matches!(error, Error::Busy(_)) {
        for (number, _) in lines {
            answer(answers, &Answer::failed(*number, &error));
        }
        return;
    }
    // Whatever it was, it should fail the lines it concerns and no other.
    let mut its_answer = Vec::new();
    for alone in lines.chunks(1) {
        commit(store, scope, alone, &mut its_answer);
        answers.extend_from_slice(&its_answer);
    }
}

/// The answer to a line of a stream.
#[derive(Default, Serialize)]
struct Answer {
    line: u64,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Answer {
    fn done(line: u64, done: &Done) -> Self {
        let deleted = done.deleted.map(u8::from);
        Self { line, ok: true, version: Some(done.version), value: done.value, deleted, ..Self::default() }
    }

    fn failed(line: u64, error: &Error) -> Self {
        let (exit, _) = exit::classify(error);
        let message = Some(crate::text::one_line(&error.to_string()));
        Self { line, error: Some(exit.name()), code: Some(exit.code()), message, ..Self::default() }
    }
}

fn answer(answers: &mut Vec<u8>, answer: &impl Serialize) {
    // Numbers and strings into memory: nothing here can fail.
    let _ = serde_json::to_writer(&mut *answers, answer);
    answers.push(b'\n');
}
