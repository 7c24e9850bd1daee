use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::{Context, Spec, own_failure};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure};
use crate::model::{Condition, Entry, Error, Expiry, Level, check_size};
use crate::output::{self, Out, print_note};
use crate::process::{Child, Signals, Supervised, exit_code, find_program, spawn};
use crate::store::{Claim, Claimed};
use crate::text::quote;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "memo",
    aliases: &[],
    about: "Run a command, or replay its last output",
    build: |command| {
        MemoArgs::augment_args(command)
            .group(ArgGroup::new("length").args(["ttl", "forever"]).required(true))
            .after_help(
                "Examples:\n  \
             larder memo prompt branch --ttl 5s -- git branch --show-current\n  \
             larder memo api rates --ttl 1h --stale 1d -- curl -sf https://example.org/rates\n  \
             larder memo build \"$(git rev-parse HEAD)\" --forever -- make report\n  \
             larder memo api rates --ttl 1h --refresh -- curl -sf https://example.org/rates\n  \
             larder delete api rates",
            )
    },
    run,
};

/// Run a command and keep its standard output, standard error and status in the
/// store; within --ttl, or at any later time with --forever, the next call
/// replays them, byte for byte, without running it. Of any number of
/// simultaneous callers one runs the command: the others wait for its result,
/// or, within --stale, get the old one.
///
/// The result of a failed command is not kept, unless --cache-failures is
/// given, nor given to waiting callers: they run the command themselves, one
/// after another. Nor is an interrupted result: SIGINT, SIGTERM and SIGHUP are
/// forwarded to the command, and then nothing is kept, whatever its status, not
/// even with --cache-failures. The entry expires --ttl plus --stale after the
/// run, or never; delete it to discard the result, or run the command again
/// with --refresh. Running the command requires write access to the group;
/// replaying a result requires read access only.
///
/// Status 8: the entry under the key is not a result. 125: larder itself
/// failed, including failing to forward the output, or the command waits for
/// its own result. 126, 127: the command is not executable, or does not exist.
/// Otherwise the command's own, kept or fresh.
#[derive(Args)]
struct MemoArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// How long a result is replayed
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    ttl: Option<Duration>,
    /// Replay the result until it is deleted
    #[arg(long)]
    forever: bool,
    /// How long after --ttl a stale result is replayed while one caller renews
    /// it
    #[arg(long, value_name = "DUR", value_parser = units::duration, conflicts_with = "forever")]
    stale: Option<Duration>,
    /// Run the command even if there is a result, and replace that; others get
    /// the old result until then
    #[arg(long)]
    refresh: bool,
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
    let longest = args.ttl.unwrap_or_default().saturating_add(args.stale.unwrap_or_default());
    if context.now().after(longest) > Timestamp::LAST {
        return Err(Failure::usage("--ttl plus --stale ends past the year 9999").into());
    }
    memo(context, &args).map_err(own_failure)
}

fn memo(context: &Context, args: &MemoArgs) -> anyhow::Result<Exit> {
    // What is no result is not overwritten, whatever was asked for.
    let found = recall(context, args)?.filter(|_| !args.refresh);
    if let Some((recording, now)) = &found
        && recording.fresh_until > *now
    {
        return recording.replay();
    }
    let program = find_program(&args.command[0])?;
    // Made now, so that there is a file to claim on.
    let store = context.open_or_create()?;
    // A result that could not be kept would have been made for nothing.
    store.read(|tx| tx.permit(Level::Write, &args.group))?;
    let file = store.identity()?;
    drop(store);
    let path = context.store_path()?;
    let group = context.settings.scope.stored(&args.group);
    let what = Claimed::Making { group: &group, key: &args.key };
    let makers = Makers::from_environment();
    let claim = match (Claim::take(&path, what)?, found) {
        (Some(claim), _) => claim,
        // Somebody is renewing it; the old one does until then.
        (None, Some((recording, _))) => return recording.replay(),
        (None, None) if makers.are_making(file, what) => {
            return Err(Failure::new(
                Exit::Child(125),
                format!(
                    "memo {} in {} is waiting for itself (nested call)",
                    quote(&args.key),
                    quote(&args.group)
                ),
            )
            .hint("waiting for it would never end; use another key")
            .into());
        }
        (None, None) => {
            let _note = (!context.settings.quiet).then(|| WaitNote::start(args));
            Claim::wait(&path, what)?
        }
    };
    // Whoever had the claim before may have made it.
    if !args.refresh
        && let Some((recording, now)) = recall(context, args)?
        && recording.fresh_until > now
    {
        return recording.replay();
    }
    let signals = Signals::take_over()?;
    let Made { recording, interrupted, passed_on } =
        record(args, &program, &signals, &makers.and_this(file, what))?;
    if !interrupted && (recording.status == 0 || args.cache_failures) {
        keep(context, args, &recording)?;
    }
    drop(claim);
    passed_on?;
    Ok(Exit::Child(recording.status))
}

/// The runs of memo that this one is part of, as they tell those below them.
struct Makers(String);

impl Makers {
    const VARIABLE: &str = "LARDER_MEMO";

    fn from_environment() -> Self {
        Self(std::env::var(Self::VARIABLE).unwrap_or_default())
    }

    fn word(file: (u64, u64), what: Claimed<'_>) -> String {
        format!("{}:{}:{}", file.0, file.1, what.byte())
    }

    /// Whether one of them that still runs has this claim.
    fn are_making(&self, file: (u64, u64), what: Claimed<'_>) -> bool {
        let word = Self::word(file, what);
        self.0.split(' ').filter_map(|maker| maker.split_once(':')).any(|(pid, making)| {
            // What a command left behind may outlive the run it was part of.
            making == word && pid.parse().is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok())
        })
    }

    /// What the command of this run is passed.
    fn and_this(&self, file: (u64, u64), what: Claimed<'_>) -> String {
        format!("{} {}:{}", self.0, std::process::id(), Self::word(file, what)).trim_start().to_owned()
    }
}

/// The recording under the key, fresh or stale.
fn recall(context: &Context, args: &MemoArgs) -> anyhow::Result<Option<(Recording, Timestamp)>> {
    let Some(store) = context.existing_to_get()? else { return Ok(None) };
    match store.read(|tx| Ok((tx.get(&args.group, &args.key)?, tx.now))) {
        Ok((Entry { value, .. }, now)) => match Recording::decode(&value.unwrap_or_default()) {
            Some(recording) => Ok(Some((recording, now))),
            None => Err(Failure::new(
                Exit::BadData,
                format!("the entry {} in {} is not a memo result", quote(&args.key), quote(&args.group)),
            )
            .hint("delete it, or use another key")
            .into()),
        },
        Err(Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// What came of a run.
struct Made {
    recording: Recording,
    /// Whether a signal was passed on to the command, so that what it printed
    /// may be half of it, whatever its status.
    interrupted: bool,
    /// Whether all it printed could be passed on.
    passed_on: anyhow::Result<()>,
}

/// Tells somebody at a terminal, after a second, why nothing happens; nothing
/// once it is dropped.
struct WaitNote {
    _over: Option<mpsc::Sender<()>>,
}

impl WaitNote {
    fn start(args: &MemoArgs) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { _over: None };
        }
        let (over, is_over) = mpsc::channel();
        let note = format!(
            "memo: waiting for the result {} in {}, another process is computing it",
            quote(&args.key),
            quote(&args.group)
        );
        // Without a thread there is no note, and nothing else is lost.
        let _ = thread::Builder::new().spawn(move || {
            if is_over.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
                print_note(&note);
            }
        });
        Self { _over: Some(over) }
    }
}

/// Runs the command, passes on what it prints as it prints it, and keeps a
/// copy.
fn record(args: &MemoArgs, program: &Path, signals: &Signals, makers: &str) -> anyhow::Result<Made> {
    let shown = quote(&args.command[0].to_string_lossy());
    let mut command = Child::command(program, &args.command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).env(Makers::VARIABLE, makers);
    let mut child = Child::start_in_foreground(command).map_err(|e| Failure::io(&shown, e))?;
    let (stdout, stderr) = match copies(&mut child) {
        Ok(copies) => copies,
        Err(e) => {
            child.abandon();
            return Err(Failure::io(&shown, e));
        }
    };
    let mut command = Supervised::new(child);
    let mut interrupted = false;
    let status = loop {
        for signal in signals.take() {
            command.signal(signal);
            interrupted = true;
        }
        if let Some(status) = command.step(Instant::now()).map_err(|e| Failure::io(&shown, e))? {
            break status;
        }
        let _ = poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
    };
    let join = |copied: Copy| copied.and_then(|copied| copied.join().ok()).unwrap_or_default();
    let (stdout, stderr) = (join(stdout), join(stderr));
    let passed_on =
        forwarded(stdout.failed, "standard output").and(forwarded(stderr.failed, "standard error"));
    let recording = Recording {
        status: exit_code(status),
        fresh_until: args.ttl.map_or(Timestamp::LAST, |ttl| Timestamp::now().after(ttl)),
        stdout: stdout.kept,
        stderr: stderr.kept,
    };
    // What came meanwhile was for this process's group, and so for the command
    // too, or came too late for it: that cannot be told.
    interrupted |= !signals.take().is_empty();
    Ok(Made { recording, interrupted, passed_on })
}

/// The thread that copies a stream.
type Copy = Option<thread::JoinHandle<Copied>>;

/// Starts to copy both streams of the command.
fn copies(child: &mut Child) -> std::io::Result<(Copy, Copy)> {
    let streams = child.streams();
    let stdout = streams.stdout.take().map(|from| spawn(move || copy(from, output::Stdout)));
    let stderr = streams.stderr.take().map(|from| spawn(move || copy(from, std::io::stderr())));
    Ok((stdout.transpose()?, stderr.transpose()?))
}

/// What came of copying a stream.
#[derive(Default)]
struct Copied {
    kept: Vec<u8>,
    /// Why not all of it was written.
    failed: Option<std::io::Error>,
}

/// Copies a stream to its end. That it cannot be written is no reason to lose
/// the copy.
fn copy(mut from: impl Read, mut to: impl Write) -> Copied {
    let mut copied = Copied::default();
    let mut buffer = [0; 8192];
    while let Ok(n) = from.read(&mut buffer)
        && n > 0
    {
        copied.kept.extend_from_slice(&buffer[..n]);
        if copied.failed.is_none() {
            copied.failed = to.write_all(&buffer[..n]).and_then(|()| to.flush()).err();
        }
    }
    copied
}

/// A reader that has gone away has seen enough.
fn forwarded(failed: Option<std::io::Error>, stream: &str) -> anyhow::Result<()> {
    match failed {
        Some(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::io(stream, e)),
        _ => Ok(()),
    }
}

/// Stores a recording. The command has run and its status counts: a result
/// that cannot be kept is worth a note, not a failure.
fn keep(context: &Context, args: &MemoArgs, recording: &Recording) -> anyhow::Result<()> {
    let value = recording.encode();
    let expiry = match args.ttl {
        None => Expiry::Never,
        Some(_) => Expiry::At(recording.fresh_until.after(args.stale.unwrap_or_default())),
    };
    let kept = check_size(&args.key, &value).and_then(|()| {
        let store = context
            .create()
            .map_err(|e| e.downcast::<Error>().unwrap_or_else(|e| Error::BadData(e.to_string())))?;
        store.write(|tx| tx.set(&args.group, &args.key, &value, expiry, &Condition::Any))?;
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
