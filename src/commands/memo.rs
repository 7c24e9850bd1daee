use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Context, Spec, own_failure};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure};
use crate::output::{Out, print_note};
use crate::process::{Child, Signals, exit_code, find_program};
use crate::store::{Claim, Claimed, Condition, Entry, Error, Expiry, check_size, quote};
use crate::units;

pub const SPEC: Spec = Spec {
    name: "memo",
    aliases: &[],
    about: "Run a command, or replay what it printed last time",
    build: |command| {
        MemoArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder memo prompt branch --ttl 5s -- git branch --show-current\n  \
             larder memo api rates --ttl 1h --stale 1d -- curl -sf https://example.org/rates\n  \
             larder delete api rates",
        )
    },
    run,
};

/// Runs a command and keeps its standard output, standard error and status in
/// the store; within --ttl the next call replays them, byte for byte, without
/// running it. However many ask at once, the command runs once: the others
/// wait for its result, or, within --stale, get the old one.
///
/// A command that fails is not kept, unless --cache-failures is given. The
/// entry expires --ttl plus --stale after the run; delete it to forget it.
///
/// Status 125: larder itself failed. 126, 127: the command is not executable,
/// or there is none. Else the command's own, kept or fresh.
#[derive(Args)]
struct MemoArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// How long a result is replayed
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    ttl: Duration,
    /// How long after that an old result is replayed while one caller renews it
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    stale: Option<Duration>,
    /// Keep failures too
    #[arg(long)]
    cache_failures: bool,
    /// The command
    #[arg(last = true, value_name = "CMD", required = true)]
    command: Vec<OsString>,
}

/// What a run left: status, fresh until when, and both streams.
struct Recording {
    status: u8,
    fresh_until: Timestamp,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// First word of a recording, and its version.
const MAGIC: &str = "larder-memo-1";

impl Recording {
    /// One line of text (magic, status, fresh until in Unix milliseconds,
    /// bytes of standard output), then both streams.
    fn encode(&self) -> Vec<u8> {
        let mut value =
            format!("{MAGIC} {} {} {}\n", self.status, self.fresh_until.0, self.stdout.len()).into_bytes();
        value.extend_from_slice(&self.stdout);
        value.extend_from_slice(&self.stderr);
        value
    }

    fn decode(value: &[u8]) -> Option<Self> {
        let end = value.iter().take(80).position(|byte| *byte == b'\n')?;
        let mut words = std::str::from_utf8(&value[..end]).ok()?.split(' ');
        if words.next()? != MAGIC {
            return None;
        }
        let status = words.next()?.parse().ok()?;
        let fresh_until = Timestamp(words.next()?.parse().ok()?);
        let length: usize = words.next()?.parse().ok()?;
        let (stdout, stderr) = value[end + 1..].split_at_checked(length)?;
        Some(Self { status, fresh_until, stdout: stdout.into(), stderr: stderr.into() })
    }

    fn replay(&self) -> anyhow::Result<Exit> {
        let mut out = Out::default();
        out.write(&self.stdout)?;
        out.finish()?;
        std::io::stderr().write_all(&self.stderr).map_err(|e| Failure::io("standard error", e))?;
        Ok(Exit::Child(self.status))
    }
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = MemoArgs::from_arg_matches(matches)?;
    memo(context, &args).map_err(own_failure)
}

fn memo(context: &Context, args: &MemoArgs) -> anyhow::Result<Exit> {
    let found = recall(context, args)?;
    if let Some((recording, now)) = &found
        && recording.fresh_until > *now
    {
        return recording.replay();
    }
    let program = find_program(&args.command[0])?;
    // Made now, so that there is a file to claim on. No transaction is open
    // when the claim's descriptor is closed again: see `Claim`.
    drop(context.open_or_create()?);
    let path = context.store_path()?;
    let group = context.settings.scope.stored(&args.group);
    let what = Claimed::Making { group: &group, key: &args.key };
    let claim = match found {
        Some((recording, _)) => match Claim::take(&path, what)? {
            Some(claim) => claim,
            // Somebody is renewing it; the old one does until then.
            None => return recording.replay(),
        },
        None => Claim::wait(&path, what)?,
    };
    // Whoever had the claim before may have made it.
    if let Some((recording, now)) = recall(context, args)?
        && recording.fresh_until > now
    {
        return recording.replay();
    }
    let signals = Signals::take_over()?;
    let recording = record(args, &program, &signals)?;
    if recording.status == 0 || args.cache_failures {
        keep(context, args, &recording)?;
    }
    drop(claim);
    Ok(Exit::Child(recording.status))
}

/// The recording under the key, fresh or stale.
fn recall(context: &Context, args: &MemoArgs) -> anyhow::Result<Option<(Recording, Timestamp)>> {
    let Some(store) = context.existing_to_get()? else { return Ok(None) };
    match store.read(|tx| Ok((tx.get(&args.group, &args.key)?, tx.now))) {
        Ok((Entry { value, .. }, now)) => match Recording::decode(&value.unwrap_or_default()) {
            Some(recording) => Ok(Some((recording, now))),
            None => Err(Failure::new(
                Exit::BadData,
                format!(
                    "key {} in group {} holds a value that is no result",
                    quote(&args.key),
                    quote(&args.group)
                ),
            )
            .hint("delete it, or use another key")
            .into()),
        },
        Err(Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Runs the command, passes on what it prints as it prints it, and keeps a
/// copy.
fn record(args: &MemoArgs, program: &Path, signals: &Signals) -> anyhow::Result<Recording> {
    let shown = quote(&args.command[0].to_string_lossy());
    let mut command = Child::command(program, &args.command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Child::start_in_foreground(command).map_err(|e| Failure::io(&shown, e))?;
    let stdout =
        child.streams().stdout.take().map(|from| thread::spawn(move || copy(from, std::io::stdout())));
    let stderr =
        child.streams().stderr.take().map(|from| thread::spawn(move || copy(from, std::io::stderr())));
    let status = loop {
        for signal in signals.take() {
            child.signal(signal);
        }
        if let Some(status) = child.ended().map_err(|e| Failure::io(&shown, e))? {
            break status;
        }
        let _ = poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
    };
    let join = |copied: Option<thread::JoinHandle<Vec<u8>>>| {
        copied.and_then(|copied| copied.join().ok()).unwrap_or_default()
    };
    Ok(Recording {
        status: exit_code(status),
        fresh_until: Timestamp::now().after(args.ttl),
        stdout: join(stdout),
        stderr: join(stderr),
    })
}

/// Copies a stream to its end. Nobody reading it is no reason to lose the
/// copy.
fn copy(mut from: impl Read, mut to: impl Write) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 8192];
    let mut open = true;
    while let Ok(n) = from.read(&mut buffer)
        && n > 0
    {
        kept.extend_from_slice(&buffer[..n]);
        open = open && to.write_all(&buffer[..n]).and_then(|()| to.flush()).is_ok();
    }
    kept
}

/// Stores a recording. The command has run and its status counts: a result
/// that cannot be kept is worth a note, not a failure.
fn keep(context: &Context, args: &MemoArgs, recording: &Recording) -> anyhow::Result<()> {
    let value = recording.encode();
    let until = recording.fresh_until.after(args.stale.unwrap_or_default());
    let kept = check_size(&args.key, &value).and_then(|()| {
        let store = context
            .create()
            .map_err(|e| e.downcast::<Error>().unwrap_or_else(|e| Error::BadData(e.to_string())))?;
        store.write(|tx| tx.set(&args.group, &args.key, &value, Expiry::At(until), &Condition::Any))?;
        // Every hit would read the log that this write left, until it is moved.
        store.checkpoint();
        Ok(())
    });
    match kept {
        Ok(()) => Ok(()),
        Err(e @ Error::Denied(_)) => Err(e.into()),
        Err(e) => {
            print_note(&format!("memo: the result was not kept: {e}"));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_come_back() {
        let recording = Recording {
            status: 3,
            fresh_until: Timestamp(-5),
            stdout: b"\xff\n".to_vec(),
            stderr: b"larder-memo-1 0 0 0\n".to_vec(),
        };
        let back = Recording::decode(&recording.encode()).expect("a recording");
        assert_eq!((back.status, back.fresh_until), (3, Timestamp(-5)));
        assert_eq!((back.stdout, back.stderr), (recording.stdout, recording.stderr));
        for bad in
            [b"".as_slice(), b"larder-memo-1 0 0 9\n", b"larder-memo-2 0 0 0\n", b"larder-memo-1 300 0 0\n"]
        {
            assert!(Recording::decode(bad).is_none());
        }
    }
}
