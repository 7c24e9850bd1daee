use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, output_refused};
use crate::exchange::{Format, Writer};
use crate::exit::{Exit, Failure};
use crate::files::output::Output;
use crate::model::Error;
use crate::output;
use crate::output::progress::Progress;
use crate::store::admit;
use crate::text::{self, quote};

pub const SPEC: Spec = Spec {
    name: "export",
    aliases: &[],
    about: "Export entries in a format that import reads",
    build: |command| {
        ExportArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder export -o everything.jsonl\n  \
             larder export config --format env -o .env\n  \
             larder -n app export --format csv\n  \
             larder export session | jq -r .key",
        )
    },
    run,
};

/// Print the live entries of a group, or of every group in scope, in byte
/// order, as a snapshot. import reads the output.
///
/// jsonl is one JSON object per line, json an array of them. TTLs are given as
/// expiry times (expires_at). A value that is not UTF-8 is in value_b64, as
/// base64; in csv too, where value is then empty. A name that is not UTF-8 is
/// in group_b64 or key_b64; csv cannot hold it. env takes one group:
/// KEY="VALUE" lines that a shell can read; keys must be valid variable names,
/// values text, and TTLs are lost.
///
/// With -o the file is replaced atomically when everything is written, and
/// keeps its mode and owner; a failure or a signal leaves it unchanged.
#[derive(Args)]
struct ExportArgs {
    /// The group; by default every group in scope
    group: Option<String>,
    /// Write to FILE; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format
    #[arg(long, value_name = "FORMAT", value_parser = ["jsonl", "json", "csv", "env"], default_value = "jsonl")]
    format: String,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let mut args = ExportArgs::from_arg_matches(matches)?;
    args.output.take_if(|file| file.as_os_str() == "-");
    if let Some(file) = &args.output {
        context.refuse_store(file)?;
    }
    let format = Format::named(&args.format).unwrap_or(Format::Jsonl);
    if format == Format::Env && args.group.is_none() {
        return Err(Failure::usage("the env format cannot hold group names")
            .hint("name one group: larder export GROUP --format env")
            .into());
    }
    let group = args.group.as_deref();
    let Some(path) = &args.output else {
        let terminal = context.settings.terminal;
        // What appears on a terminal shows how far it is.
        let progress = if terminal { Progress::off() } else { Progress::new(&context.settings, "exporting") };
        let mut out = Stdout {
            out: io::BufWriter::with_capacity(64 * 1024, output::Stdout),
            terminal,
            json: matches!(format, Format::Jsonl | Format::Json),
            line: Vec::new(),
        };
        export(context, group, format, &mut out, progress, "standard output")?;
        out.out.flush().map_err(|e| Failure::io("standard output", e))?;
        return Ok(Exit::Success);
    };
    let name = quote(&path.to_string_lossy());
    let mut target = Output::new(path, admit).map_err(|e| output_refused(path, e))?;
    let progress = Progress::new(&context.settings, "exporting");
    export(context, group, format, &mut target, progress, &name)?;
    target.commit().map_err(|e| output_refused(path, e))?;
    Ok(Exit::Success)
}

fn export(
    context: &Context,
    group: Option<&str>,
    format: Format,
    out: &mut dyn Write,
    mut progress: Progress,
    name: &str,
) -> anyhow::Result<()> {
    let io_error = |error| Failure::io(name, error);
    let store = context.existing()?;
    let mut writer = Writer::new(format, &context.settings.scope, out).map_err(io_error)?;
    if let Some(store) = store {
        let mut failed = None;
        let mut begun = false;
        store.read(|tx| {
            let total = match group {
                Some(group) => tx.count(group)?,
                None => tx.count_all()?,
            };
            if !format.holds_any() {
                // A part of a group's variables, read by a shell, would pass for
                // all of them.
                tx.scan(group, |entry| format.check(&entry).map(ControlFlow::Continue))?;
            }
            if std::mem::replace(&mut begun, true) {
                // What has been written cannot be taken back.
                return Err(Error::Busy("the store was locked in the middle of the export".into()));
            }
            progress = std::mem::replace(&mut progress, Progress::off()).of(total.try_into().unwrap_or(0));
            tx.scan(group, |entry| {
                progress.tick(1);
                match writer.write(&entry) {
                    Ok(written) => written.map(ControlFlow::Continue),
                    Err(error) => {
                        failed = Some(error);
                        Ok(ControlFlow::Break(()))
                    }
                }
            })
        })?;
        if let Some(error) = failed {
            return Err(io_error(error));
        }
    }
    writer.finish().map_err(io_error)
}

/// Standard output, made safe where it is a terminal.
struct Stdout {
    out: io::BufWriter<output::Stdout>,
    terminal: bool,
    json: bool,
    /// The line under way, for a terminal.
    line: Vec<u8>,
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.terminal {
            return self.out.write(bytes);
        }
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|b| *b == b'\n') {
            let lines: Vec<u8> = self.line.drain(..=end).collect();
            let lines = String::from_utf8_lossy(&lines);
            if self.json {
                self.out.write_all(text::safe_json(&lines).as_bytes())?;
            } else {
                self.out.write_all(text::safe_lines(&lines).as_bytes())?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
