use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, output_refused};
use crate::exit::{Exit, Failure};
use crate::files::output::Output;
use crate::model::{Entry, Error};
use crate::output::Out;
use crate::output::json::{self, EntryRecord};
use crate::store::admit;
use crate::text;

pub const SPEC: Spec = Spec {
    name: "get",
    aliases: &[],
    about: "Print the value of a key",
    build: |command| {
        GetArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder get session token\n  \
             larder get config colour --default blue\n  \
             larder get images logo -o logo.png",
        )
    },
    run,
};

/// Prints a value. Into a pipe or file it is exactly the stored bytes; a
/// terminal gets a final newline if the value has none, control characters as
/// escapes, and no binary.
#[derive(Args)]
struct GetArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// Print V, with status 0, if the key does not exist
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    default: Option<OsString>,
    /// Write the value to FILE instead of standard output, which is -
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Whether to add a final newline: if missing and on a terminal, always, never
    #[arg(long, value_name = "WHEN", value_parser = ["auto", "always", "never"], default_value = "auto")]
    newline: String,
    /// Print the value as it was at version N, if the change log still has it
    #[arg(long, value_name = "N")]
    version: Option<i64>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let mut args = GetArgs::from_arg_matches(matches)?;
    args.output.take_if(|file| file.as_os_str() == "-");
    if let Some(file) = &args.output {
        context.refuse_store(file)?;
    }
    let found = match context.existing_to_get()? {
        None => Err(Error::NotFound { group: args.group.clone().into(), key: args.key.clone().into() }),
        Some(store) => store.read(|tx| {
            let entry = match args.version {
                None => tx.get(&args.group, &args.key)?,
                Some(version) => tx.get_version(&args.group, &args.key, version)?,
            };
            Ok((entry, tx.now))
        }),
    };
    let (entry, now) = match (found, args.default) {
        (Ok(found), _) => found,
        (Err(Error::NotFound { .. } | Error::Absent(_)), Some(default)) if !context.settings.json => {
            emit(context, default.into_vec(), &args.newline, args.output.as_deref())?;
            return Ok(Exit::Success);
        }
        (Err(Error::NotFound { .. } | Error::Absent(_)), Some(default)) => {
            let scope = &context.settings.scope;
            let mut record = json::of_group(&scope.stored_name(&(&args.group).into()), scope);
            record["key"] = args.key.into();
            record["default"] = true.into();
            json::put_value(&mut record, default.into_vec());
            emit_record(&record, args.output.as_deref())?;
            return Ok(Exit::Success);
        }
        (Err(error), _) => return Err(error.into()),
    };
    if context.settings.json {
        emit_record(&EntryRecord::new(entry, &context.settings.scope, now), args.output.as_deref())?;
        return Ok(Exit::Success);
    }
    let Entry { value, .. } = entry;
    emit(context, value.unwrap_or_default(), &args.newline, args.output.as_deref())?;
    Ok(Exit::Success)
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

fn emit(context: &Context, mut value: Vec<u8>, newline: &str, file: Option<&Path>) -> anyhow::Result<()> {
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
        "always" => true,
        "never" => false,
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
