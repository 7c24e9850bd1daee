use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::{Context, Spec};
use crate::clock::Timestamp;
use crate::exchange::input;
use crate::exit::{Exit, Failure};
use crate::model::{Condition, Expiry, MAX_ENTRY_BYTES, check_length, check_size};
use crate::output::Out;
use crate::output::json::EntryRecord;
use crate::text::quote;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "set",
    aliases: &[],
    about: "Store a value under a key",
    build: |command| {
        SetArgs::augment_args(command)
            .group(ArgGroup::new("expiry").args(["ttl", "expire_at", "keep_ttl"]))
            .group(ArgGroup::new("condition").args(["if_absent", "if_present", "if_version", "if_value"]))
            .group(ArgGroup::new("source").args(["value", "value_flag", "file", "from_version"]))
            .after_help(
                "Examples:\n  \
                 larder set config colour blue\n  \
                 larder set session token abc123 --ttl 5m\n  \
                 curl -s https://example.org/logo.png | larder set images logo -\n  \
                 larder set deploy leader \"$HOSTNAME\" --if-absent --ttl 30s",
            )
    },
    run,
};

/// Store a value, replacing any existing one. When it returns 0, the value is
/// on disk. Without a TTL flag the entry never expires, even if it had a TTL
/// before.
#[derive(Args)]
struct SetArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// The value; - reads standard input to its end
    value: Option<OsString>,
    /// The value; use this for a single - or a leading dash
    #[arg(long = "value", id = "value_flag", value_name = "V", allow_hyphen_values = true)]
    value_flag: Option<OsString>,
    /// Read the value from PATH, byte for byte
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Let the entry expire after DUR (250ms, 5m, 1h30m, 7d)
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    ttl: Option<Duration>,
    /// Let the entry expire at TIME (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = units::time)]
    expire_at: Option<Timestamp>,
    /// Keep the entry's TTL
    #[arg(long)]
    keep_ttl: bool,
    /// Only if the key does not exist
    #[arg(long)]
    if_absent: bool,
    /// Only if the key exists
    #[arg(long)]
    if_present: bool,
    /// Only if the entry is at version N
    #[arg(long, value_name = "N")]
    if_version: Option<i64>,
    /// Only if the entry's value is V
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    if_value: Option<OsString>,
    /// Store the value of version N again, if still in the change log
    #[arg(long, value_name = "N")]
    from_version: Option<i64>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = SetArgs::from_arg_matches(matches)?;
    let condition = match (args.if_absent, args.if_present, args.if_version, args.if_value) {
        (true, ..) => Condition::Absent,
        (_, true, ..) => Condition::Present,
        (.., Some(version), _) => Condition::Version(version),
        (.., Some(value)) => Condition::Value(value.into_vec()),
        _ => Condition::Any,
    };
    let value = match (args.value, args.value_flag, &args.file, args.from_version) {
        (Some(dash), ..) if dash == "-" => Some(from_stdin()?),
        (Some(value), ..) | (_, Some(value), ..) => Some(value.into_vec()),
        (.., Some(path), _) => Some(from_file(&args.key, path)?),
        (.., Some(_)) => None,
        _ => {
            return Err(Failure::usage("the VALUE is missing")
                .hint("give it as the third argument, or - to read it from standard input")
                .into());
        }
    };
    if let Some(value) = &value {
        check_size(&args.key, value)?;
    }
    // Before the store is created: a usage error leaves no file.
    let expiry = expiry(args.ttl, args.expire_at, args.keep_ttl, context.now())?;
    let store = context.create()?;
    let (entry, now) = store.write(|tx| {
        let old;
        let value = match (&value, args.from_version) {
            (Some(value), _) => value,
            (None, version) => {
                old = tx
                    .get_version(&args.group, &args.key, version.unwrap_or_default())?
                    .value
                    .unwrap_or_default();
                &old
            }
        };
        Ok((tx.set(&args.group, &args.key, value, expiry, &condition)?, tx.now))
    })?;
    if context.settings.json {
        let mut out = Out::default();
        out.json(&EntryRecord::new(entry, &context.settings.scope, now))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}

/// Joins the three ways to say when an entry expires.
pub(super) fn expiry(
    ttl: Option<Duration>,
    at: Option<Timestamp>,
    keep: bool,
    now: Timestamp,
) -> Result<Expiry, Failure> {
    match (ttl, at, keep) {
        // Counted from the write, which may have to wait for its turn.
        (Some(ttl), ..) => within_calendar(now, ttl).map(|()| Expiry::After(ttl)),
        (_, Some(at), _) if at <= now => Err(Failure::usage(format!("{at} is in the past"))),
        (_, Some(at), _) => Ok(Expiry::At(at)),
        (.., true) => Ok(Expiry::Keep),
        _ => Ok(Expiry::Never),
    }
}

/// Refuses a TTL that ends past the last year that can be written.
pub(super) fn within_calendar(now: Timestamp, ttl: Duration) -> Result<(), Failure> {
    if now.after(ttl) > Timestamp::LAST {
        return Err(
            Failure::usage("the TTL ends past the year 9999").hint("without one, an entry never expires")
        );
    }
    Ok(())
}

/// A value from standard input.
pub(super) fn from_stdin() -> anyhow::Result<Vec<u8>> {
    let mut stdin = input::open("-".as_ref()).map_err(|e| Failure::io("standard input", e))?;
    read_bounded(&mut stdin, "standard input")
}

/// A value for a key, from a file.
pub(super) fn from_file(key: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut file = input::open_file(path).map_err(|e| Failure::io(&quote(&path.to_string_lossy()), e))?;
    // Not read only to be refused. What is not a regular file says 0.
    check_length(key, file.metadata().map_or(0, |meta| meta.len()))?;
    read_bounded(&mut file, &quote(&path.to_string_lossy()))
}

/// Reads to the end, but no further than an entry can hold.
fn read_bounded(from: &mut dyn Read, what: &str) -> anyhow::Result<Vec<u8>> {
    let mut value = Vec::new();
    let limit = MAX_ENTRY_BYTES as u64 + 1;
    from.take(limit).read_to_end(&mut value).map_err(|e| Failure::io(what, e))?;
    Ok(value)
}
