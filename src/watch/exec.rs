//! The sink that runs a command for each change.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::control::{Control, Stop, Wake};
use super::handler::{Handler, change_in_words};
use super::{Delivery, Sink};
use crate::exit::{Exit, Failure};
use crate::model::{Change, Scope};
use crate::output::print_note;
use crate::process::{Child, Supervised, exit_code};
use crate::text::quote;

/// How long a command may go on after the watch was asked to end, before its
/// process group gets SIGTERM; and after that, before SIGKILL.
pub(super) const GRACE: Duration = Duration::from_secs(10);
pub(super) const GRACE_AFTER_TERM: Duration = Duration::from_secs(5);

/// How long a command whose watch is out of time has between the two signals.
pub(super) const GRACE_AFTER_TIMEOUT: Duration = Duration::from_secs(1);

/// First and longest pause between two attempts at the same change.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What to run and how often.
#[derive(Clone, Debug)]
pub struct ExecOptions {
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Attempts after the first; `None` is unlimited.
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
    handler: Handler,
}

impl Exec {
    /// A sink for the command; fails at once if there is no such program.
    pub fn new(options: ExecOptions) -> Result<Self, Failure> {
        let handler = Handler::new(options.command.clone(), options.store.clone(), options.scope.clone())?;
        Ok(Self { options, handler })
    }

    /// Waits for the command. A signal to the watch leaves it [`GRACE`]; a
    /// second one does not, nor does the end of the watch's time.
    fn wait(child: Child, control: &Control) -> std::io::Result<Ended> {
        let mut command = Supervised::new(child);
        let mut stop = None;
        loop {
            let (asked, signals) = (control.stopped(), control.signals());
            if let Some(status) = command.step(Instant::now())? {
                return Ok(Ended { status, stop: stop.or(asked), cut: stop == Some(Stop::Timeout) });
            }
            let now = Instant::now();
            if stop.is_none() {
                stop = asked;
                match stop {
                    None => {}
                    Some(Stop::Timeout) => command.end_now(now, GRACE_AFTER_TIMEOUT),
                    Some(_) => command.end_at(now + GRACE, GRACE_AFTER_TERM),
                }
            }
            if signals > 1 {
                command.end_now(now, GRACE_AFTER_TERM);
            }
            let left = command.time_left(now);
            let pause = left.map_or(Duration::from_secs(1), |left| left.min(Duration::from_millis(100)));
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
            let what = change_in_words(change, &self.options.scope);
            let last = self.options.retry.is_some_and(|most| attempt >= most);
            let failed = match self.handler.start(change, |_| ()) {
                Ok(child) => {
                    let Ended { status, stop, cut } =
                        Self::wait(child, control).map_err(|e| Failure::io(&shown, e))?;
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
                            "watch: {what}: {shown} ended with status {code} while the watch was ending"
                        ));
                        return Ok(Delivery::Stopped(stop));
                    }
                    let failed = format!("{shown} failed with status {code}");
                    if last {
                        let message = format!("{what}: {failed}; giving up");
                        return Err(Failure::new(Exit::Child(code), message).into());
                    }
                    failed
                }
                Err(e) => {
                    let temporary = is_temporary(&e);
                    let error = Failure::io(&format!("cannot run {shown}"), e);
                    if last || !temporary {
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
pub(super) fn is_temporary(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ExecutableFileBusy, OutOfMemory, WouldBlock};
    matches!(error.kind(), WouldBlock | OutOfMemory | ExecutableFileBusy)
}
