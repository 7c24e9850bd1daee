use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::set::{self, expiry, within_calendar};
use super::{Context, Spec};
use crate::exit::{Exit, Failure};
use crate::output::Out;
use crate::output::json::EntryRecord;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "push",
    aliases: &[],
    about: "Add a job to a queue",
    build: |command| {
        PushArgs::augment_args(command)
            .group(ArgGroup::new("source").args(["value", "value_flag", "file"]))
            .after_help(
                "Examples:\n  \
                 larder push mails '{\"to\":\"a@example.org\"}'\n  \
                 larder push thumbnails --file photo.jpg --delay 10m\n  \
                 larder take mails -- ./send.sh",
            )
    },
    run,
};

/// Add a job to a group and print its key, which sorts by the time of the push.
/// When it returns 0, the job is on disk. A job is an ordinary entry: 'get',
/// 'list' and 'delete' show and remove it, quotas count it, and with --ttl it
/// expires if it is not taken in time. 'larder take' hands it to a worker.
#[derive(Args)]
struct PushArgs {
    /// The group
    group: String,
    /// The value; - reads standard input to its end
    value: Option<OsString>,
    /// The value; use this for a single - or a leading dash
    #[arg(long = "value", id = "value_flag", value_name = "V", allow_hyphen_values = true)]
    value_flag: Option<OsString>,
    /// Read the value from PATH, byte for byte
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Make the job available only after DUR
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    delay: Option<Duration>,
    /// Let the job expire after DUR (250ms, 5m, 1h30m, 7d)
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    ttl: Option<Duration>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = PushArgs::from_arg_matches(matches)?;
    if let Some(delay) = args.delay {
        within_calendar(context.now(), delay)?;
    }
    let expiry = expiry(args.ttl, None, false, context.now())?;
    let given = args.value.map(|word| (word == "-", word)).or(args.value_flag.map(|word| (false, word)));
    let value = match (given, &args.file) {
        (Some((true, _)), _) => set::from_stdin()?,
        (Some((_, value)), _) => value.into_vec(),
        (_, Some(path)) => set::from_file("", path)?,
        _ => {
            return Err(Failure::usage("the VALUE is missing")
                .hint("give it as the second argument, or - to read it from standard input")
                .into());
        }
    };
    let store = context.create()?;
    let (entry, now) = store.write(|tx| Ok((tx.push(&args.group, &value, expiry, args.delay)?, tx.now)))?;
    let mut out = Out::default();
    if context.settings.json {
        out.json(&EntryRecord::new(entry, store.scope(), now))?;
    } else {
        out.line(entry.key.as_str().unwrap_or_default())?;
    }
    out.finish()?;
    Ok(Exit::Success)
}
