use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, list, output_refused};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure};
use crate::files::output::Output;
use crate::model::{Entry, Error};
use crate::output::Out;
use crate::output::json::{self, EntryRecord};
use crate::output::table::Table;
use crate::store::admit;
use crate::text::{self, quote};

pub const SPEC: Spec = Spec {
    name: "get",
    aliases: &[],
    about: "Print the value of a key, or of several",
    build: |command| {
        GetArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder get session token\n  \
             larder get config colour --default blue\n  \
             larder get config host port\n  \
             larder get images logo -o logo.png",
        )
    },
    run,
};

/// Print a value. Into a pipe or file it is exactly the stored bytes; on a
/// terminal a missing final newline is added, control characters are shown as
/// escapes, and binary is refused.
///
/// With several keys, print KEY TAB VALUE, one per line and in their order, as
/// 'larder list --values' does: tabs, newlines and backslashes as \t, \n, \\.
/// All are read in one snapshot. If some do not exist, the others are printed,
/// the message names the missing ones, and the status is 1; a FILE gets
/// everything or nothing. With --default, V replaces each missing value.
#[derive(Args)]
struct GetArgs {
    /// The group
    group: String,
    /// The keys
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    /// Print V, with status 0, if the key does not exist
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    default: Option<OsString>,
    /// Write to FILE; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// When to add a final newline to the value of one key: auto adds a missing
    /// one on a terminal
    #[arg(long, value_name = "WHEN", value_parser = ["auto", "always", "never"])]
    newline: Option<String>,
    /// Print the value of one key at version N, if still in the change log
    #[arg(long, value_name = "N")]
    version: Option<i64>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let mut args = GetArgs::from_arg_matches(matches)?;
    args.output.take_if(|file| file.as_os_str() == "-");
    if let Some(file) = &args.output {
        context.refuse_store(file)?;
    }
    match args.keys.len() {
        1 => one(context, args),
        _ => several(context, &args),
    }
}

fn one(context: &Context, args: GetArgs) -> anyhow::Result<Exit> {
    let key = &args.keys[0];
    let found = match context.existing_to_get()? {
        None => Err(Error::NotFound { group: args.group.clone().into(), key: key.clone().into() }),
        Some(store) => store.read(|tx| {
            let entry = match args.version {
                None => tx.get(&args.group, key)?,
                Some(version) => tx.get_version(&args.group, key, version)?,
            };
            Ok((entry, tx.now))
        }),
    };
    let (entry, now) = match (found, args.default) {
        (Ok(found), _) => found,
        (Err(Error::NotFound { .. } | Error::Absent(_)), Some(default)) if !context.settings.json => {
            emit(context, default.into_vec(), args.newline.as_deref(), args.output.as_deref())?;
            return Ok(Exit::Success);
        }
        (Err(Error::NotFound { .. } | Error::Absent(_)), Some(default)) => {
            let record = default_record(context, &args.group, key, default.into_vec());
            emit_record(&record, args.output.as_deref())?;
            return Ok(Exit::Success);
        }
        (Err(error), _) => return Err(error.into()),
    };
    emit_entry(context, entry, now, args.newline.as_deref(), args.output.as_deref())?;
    Ok(Exit::Success)
}

/// Prints an entry as `get` does: its value, or with --json its record.
pub(super) fn emit_entry(
    context: &Context,
    entry: Entry,
    now: Timestamp,
    newline: Option<&str>,
    file: Option<&Path>,
) -> anyhow::Result<()> {
    if context.settings.json {
        return emit_record(&EntryRecord::new(entry, &context.settings.scope, now), file);
    }
    emit(context, entry.value.unwrap_or_default(), newline, file)
}

fn default_record(context: &Context, group: &str, key: &str, default: Vec<u8>) -> serde_json::Value {
    let scope = &context.settings.scope;
    let mut record = json::of_group(&scope.stored_name(&group.into()), scope);
    record["key"] = key.into();
    record["default"] = true.into();
    json::put_value(&mut record, default);
    record
}

fn several(context: &Context, args: &GetArgs) -> anyhow::Result<Exit> {
    if args.version.is_some() {
        return Err(Failure::usage("--version takes one KEY: a version belongs to one entry").into());
    }
    if args.newline.is_some() {
        return Err(Failure::usage("--newline takes one KEY")
            .hint("several values are printed one per line")
            .into());
    }
    let mut found = Vec::new();
    let mut now = context.now();
    if let Some(store) = context.existing_to_get()? {
        store.read(|tx| {
            found.clear();
            now = tx.now;
            for key in &args.keys {
                match tx.get(&args.group, key) {
                    Ok(entry) => found.push(Some(entry)),
                    Err(Error::NotFound { .. }) => found.push(None),
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })?;
    }
    found.resize(args.keys.len(), None);
    let is_missing = |entry: &Option<Entry>| entry.is_none() && args.default.is_none();
    let missing: Vec<&str> =
        args.keys.iter().zip(&found).filter(|(_, entry)| is_missing(entry)).map(|(key, _)| &**key).collect();
    let error = (!missing.is_empty()).then(|| none_such(&args.group, &missing));
    if let (Some(error), Some(_)) = (&error, &args.output) {
        return Err(Error::Absent(error.clone()).into());
    }
    let default = args.default.clone().map(OsStringExt::into_vec);
    let mut to = Several { out: Out::default(), lines: args.output.as_ref().map(|_| Vec::new()) };
    let mut table = Table::new(&context.settings, list::VALUES);
    let in_table = context.settings.terminal && args.output.is_none();
    for (key, entry) in args.keys.iter().zip(found) {
        if context.settings.json {
            match (entry, &default) {
                (Some(entry), _) => to.record(&EntryRecord::new(entry, &context.settings.scope, now))?,
                (None, Some(value)) => {
                    to.record(&default_record(context, &args.group, key, value.clone()))?;
                }
                (None, None) => {}
            }
            continue;
        }
        let value = entry.map(|entry| entry.value.unwrap_or_default());
        let Some(value) = value.as_ref().or(default.as_ref()) else { continue };
        if in_table {
            table.row(&mut to.out, list::value_cells(key.as_bytes(), value))?;
        } else {
            to.line(
                &[&*text::field_bytes(key.as_bytes()), b"\t", &text::field_bytes(value), b"\n"].concat(),
            )?;
        }
    }
    table.finish(&mut to.out)?;
    if let (Some(path), Some(lines)) = (&args.output, &to.lines) {
        write_file(path, lines)?;
    }
    to.out.finish()?;
    match error {
        Some(error) => Err(Error::Absent(error).into()),
        None => Ok(Exit::Success),
    }
}

/// Where the values of several keys go: to standard output, or together into a
/// file.
struct Several {
    out: Out,
    lines: Option<Vec<u8>>,
}

impl Several {
    fn line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        match &mut self.lines {
            None => self.out.write(line)?,
            Some(lines) => lines.extend_from_slice(line),
        }
        Ok(())
    }

    fn record(&mut self, record: &impl serde::Serialize) -> anyhow::Result<()> {
        match &mut self.lines {
            None => self.out.json(record)?,
            Some(lines) => {
                serde_json::to_writer(&mut *lines, record)?;
                lines.push(b'\n');
            }
        }
        Ok(())
    }
}

/// What is said of keys that do not exist.
fn none_such(group: &str, keys: &[&str]) -> String {
    let word = if keys.len() == 1 { "key" } else { "keys" };
    let keys: Vec<String> = keys.iter().map(|key| quote(key)).collect();
    format!("no {word} {} in group {}", keys.join(", "), quote(group))
}

fn emit_record(record: &impl serde::Serialize, file: Option<&Path>) -> anyhow::Result<()> {
    if let Some(path) = file {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        return write_file(path, &line);
    }
    let mut out = Out::default();
    out.json(record)?;
    out.finish()
}

fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = Output::new(path, admit).and_then(|mut output| {
        output.write_all(bytes)?;
        output.commit()
    });
    written.map_err(|e| output_refused(path, e))
}

fn emit(
    context: &Context,
    mut value: Vec<u8>,
    newline: Option<&str>,
    file: Option<&Path>,
) -> anyhow::Result<()> {
    let terminal = file.is_none() && context.settings.terminal;
    if terminal {
        let Some(shown) = std::str::from_utf8(&value).ok().filter(|text| !text.contains('\0')) else {
            return Err(Failure::new(Exit::BadData, "the value is binary, which a terminal cannot show")
                .hint("write it to a file with -o FILE, or into a pipe")
                .into());
        };
        value = text::safe_lines(shown).into_bytes();
    }
    let wanted = match newline {
        Some("always") => true,
        Some("never") => false,
        _ => terminal,
    };
    if wanted && value.last() != Some(&b'\n') {
        value.push(b'\n');
    }
    if let Some(path) = file {
        return write_file(path, &value);
    }
    let mut out = Out::default();
    out.write(&value)?;
    out.finish()
}
