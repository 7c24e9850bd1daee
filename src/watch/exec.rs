//! The sink that runs a command for each change.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::control::{Control, Stop, Wake};
use super::{Delivery, Sink};
use crate::exit::{Exit, Failure};
use crate::model::{Change, Name, Scope};
use crate::output::print_note;
use crate::process::{Child, Ending, exit_code, find_program, spawn};
use crate::text::quote;

/// How long a command may go on after the watch was told to end, before its
/// process group gets SIGTERM; and after that, before SIGKILL.
const GRACE: Duration = Duration::from_secs(10);
const GRACE_AFTER_TERM: Duration = Duration::from_secs(5);

/// How long a command whose watch is out of time has between the two signals.
const GRACE_AFTER_TIMEOUT: Duration = Duration::from_secs(1);

/// First and longest pause between two attempts at the same change.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a variable may take with its name, so that the kernel takes it (32
/// pages, less `=` and a NUL byte); and when an environment as a whole is too
/// large.
const LONGEST_VARIABLE: usize = 128 * 1024 - 1;
const SHORT_VARIABLE: usize = 1024;

/// What to run and how often.
#[derive(Clone, Debug)]
pub struct ExecOptions {
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Attempts after the first; `None` goes on for ever.
    pub retry: Option<u32>,
    /// The store's path, for larder calls of the command.
    pub store: PathBuf,
    /// The scope of the watch, which names the groups.
    pub scope: Scope,
}

/// Runs the command once per change: the value on standard input, the facts in
/// `LARDER_*` variables, no shell in between.
#[derive(Debug)]
pub struct Exec {
    options: ExecOptions,
    program: PathBuf,
}

impl Exec {
    /// A sink for the command; fails at once if there is no such program.
    pub fn new(options: ExecOptions) -> Result<Self, Failure> {
        let name = options.command.first().ok_or_else(|| Failure::usage("the command is missing"))?;
        let program = find_program(name)?;
        Ok(Self { options, program })
    }

    /// Starts the command. A variable of which the kernel says that it is too
    /// long for an environment is left out, and `LARDER_OMITTED` names it.
    fn spawn(&self, change: &Change) -> std::io::Result<Child> {
        match self.spawn_with(change, LONGEST_VARIABLE) {
            Err(e) if e.kind() == std::io::ErrorKind::ArgumentListTooLong => {
                self.spawn_with(change, SHORT_VARIABLE)
            }
            done => done,
        }
    }

    fn spawn_with(&self, change: &Change, longest: usize) -> std::io::Result<Child> {
        let scope = &self.options.scope;
        let mut command = Child::command(&self.program, &self.options.command);
        command
            .stdin(Stdio::piped())
            .env("LARDER_DB", &self.options.store)
            .env("LARDER_SEQ", change.seq.to_string())
            .env("LARDER_TYPE", change.kind.as_str());
        match &scope.0 {
            Some(namespace) => command.env("LARDER_NAMESPACE", namespace.as_str()),
            None => command.env_remove("LARDER_NAMESPACE"),
        };
        let group = Some(variable(&scope.name_of(&change.group)));
        let key = change.key.as_ref().map(|key| variable(key));
        let mut omitted = Vec::new();
        for (name, value) in [("LARDER_GROUP", group), ("LARDER_KEY", key)] {
            match value {
                Some(value) if name.len() + value.len() < longest => command.env(name, value),
                Some(_) => {
                    omitted.push(name);
                    command.env_remove(name)
                }
                None => command.env_remove(name),
            };
        }
        if omitted.is_empty() {
            command.env_remove("LARDER_OMITTED");
        } else {
            command.env("LARDER_OMITTED", omitted.join(" "));
        }
        let mut child = Child::start(command)?;
        let value = change.value.clone().unwrap_or_default();
        if let Some(mut stdin) = child.streams().stdin.take() {
            // In a thread, because a command may read as slowly as it likes;
            // one that does not read its input at all is none of our business.
            let fed = spawn(move || {
                let _ = stdin.write_all(&value);
            });
            if let Err(e) = fed {
                child.abandon();
                return Err(e);
            }
        }
        Ok(child)
    }

    fn describe(&self, change: &Change) -> String {
        let group = self.options.scope.name_of(&change.group).quoted();
        let key = change.key.as_ref().map(|key| format!(" {}", key.quoted())).unwrap_or_default();
        format!("change {} ({} {group}{key})", change.seq, change.kind.as_str())
    }

    /// Waits for the command. A signal to the watch leaves it [`GRACE`]; a
    /// second one does not, nor does the end of the watch's time.
    fn wait(child: &mut Child, control: &Control) -> std::io::Result<Ended> {
        let mut stop = None;
        let mut kill_at: Option<(Instant, Signal)> = None;
        loop {
            let (asked, signals) = (control.stopped(), control.signals());
            if let Some(status) = child.ended()? {
                let cut = stop == Some(Stop::Timeout);
                if cut || matches!(kill_at, Some((_, Signal::SIGKILL))) {
                    // It was told to end: so is what it has left behind.
                    Ending::already_told(kill_at.map_or_else(Instant::now, |(at, _)| at)).finish(child);
                }
                return Ok(Ended { status, stop: stop.or(asked), cut });
            }
            if stop.is_none() {
                stop = asked;
                let grace = if stop == Some(Stop::Timeout) { Duration::ZERO } else { GRACE };
                kill_at = stop.map(|_| (Instant::now() + grace, Signal::SIGTERM));
            }
            if let Some((at, signal)) = kill_at
                && (Instant::now() >= at || (signal == Signal::SIGTERM && signals > 1))
            {
                child.signal(signal);
                let grace = if stop == Some(Stop::Timeout) { GRACE_AFTER_TIMEOUT } else { GRACE_AFTER_TERM };
                kill_at = Some((Instant::now() + grace, Signal::SIGKILL));
            }
            let pause = kill_at.map_or(Duration::from_secs(1), |(at, _)| {
                at.saturating_duration_since(Instant::now()).min(Duration::from_millis(100))
            });
            // SIGCHLD ends the wait as soon as the command does.
            if let Wake::Stop(_) = control.wait(&[], pause)
                && stop.is_some()
            {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// How a command ended.
struct Ended {
    status: ExitStatus,
    /// What asked the watch to end meanwhile.
    stop: Option<Stop>,
    /// Whether the command was ended because the watch was out of time: then
    /// its status says nothing about the change.
    cut: bool,
}

impl Sink for Exec {
    fn wants_values(&self) -> bool {
        true
    }

    fn deliver(&mut self, change: &Change, control: &Control) -> anyhow::Result<Delivery> {
        let mut attempt = 0u32;
        let mut pause = FIRST_PAUSE;
        loop {
            let shown = quote(&self.options.command[0].to_string_lossy());
            let what = self.describe(change);
            let last = self.options.retry.is_some_and(|most| attempt >= most);
            let failed = match self.spawn(change) {
                Ok(mut child) => {
                    let Ended { status, stop, cut } =
                        Self::wait(&mut child, control).map_err(|e| Failure::io(&shown, e))?;
                    if cut {
                        return Ok(Delivery::Stopped(Stop::Timeout));
                    }
                    if status.success() {
                        // A change that was handled counts, even if it is the last.
                        return Ok(Delivery::Done);
                    }
                    let code = exit_code(status);
                    if let Some(stop) = stop {
                        if stop == Stop::Timeout {
                            return Ok(Delivery::Stopped(stop));
                        }
                        print_note(&format!(
                            "watch: {what}: {shown} ended with status {code} when the watch was told to end"
                        ));
                        return Ok(Delivery::Stopped(stop));
                    }
                    let failed = format!("{shown} failed with status {code}");
                    if last {
                        let told = format!("{what}: {failed}; giving up");
                        return Err(Failure::new(Exit::Child(code), told).into());
                    }
                    failed
                }
                Err(e) => {
                    let passing = is_passing(&e);
                    let error = Failure::io(&format!("cannot run {shown}"), e);
                    if last || !passing {
                        return Err(error);
                    }
                    error.to_string()
                }
            };
            attempt += 1;
            print_note(&format!(
                "watch: {what}: {failed}; attempt {} in {}ms",
                attempt + 1,
                pause.as_millis()
            ));
            let until = Instant::now() + pause;
            while Instant::now() < until {
                if let Wake::Stop(stop) = control.wait(&[], until.saturating_duration_since(Instant::now())) {
                    return Ok(Delivery::Stopped(stop));
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn settle(&mut self, _control: &Control) -> anyhow::Result<Delivery> {
        Ok(Delivery::Done)
    }

    fn settles_each(&self) -> bool {
        true
    }
}

/// Whether a command that could not be started may well start a little later:
/// there are too many processes for now, or its file is being written.
fn is_passing(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ExecutableFileBusy, OutOfMemory, WouldBlock};
    matches!(error.kind(), WouldBlock | OutOfMemory | ExecutableFileBusy)
}

/// A name as a variable's value, which cannot hold a NUL byte.
fn variable(name: &Name<'_>) -> OsString {
    let pieces: Vec<_> = name.as_bytes().split(|b| *b == 0).collect();
    OsString::from_vec(pieces.join(&b"\\0"[..]))
}
