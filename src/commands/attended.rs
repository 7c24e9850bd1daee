//! Long work that hears signals and shows how far it is.

use std::cell::RefCell;
use std::rc::Rc;

use nix::sys::signal::{SigSet, Signal, raise};

use crate::exit::{Exit, Failure, Report};
use crate::model::Error;
use crate::output::print_error;
use crate::output::progress::Progress;
use crate::process::Signals;
use crate::settings::Settings;
use crate::store::{self, Stage};

/// What is to be shown of the work, and the signals that came meanwhile.
struct Attendance {
    signals: Option<Signals>,
    taken: Option<Signal>,
    stage: Option<Stage>,
    progress: Progress,
    done: u64,
}

impl Attendance {
    fn new(signals: Option<Signals>, progress: Progress) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self { signals, taken: None, stage: None, progress, done: 0 }))
    }

    /// Shows that time goes by; `false` once a signal has come.
    fn go_on(&mut self) -> bool {
        self.progress.pulse();
        if let Some(signals) = &self.signals {
            self.taken = self.taken.or_else(|| signals.take().first().copied());
        }
        self.taken.is_none()
    }

    fn show(&mut self, settings: &Settings, stage: Stage, done: u64, total: u64) {
        if self.stage.replace(stage) != Some(stage) {
            let what = match stage {
                Stage::Copying => "copying pages",
                Stage::Receiving => "receiving pages",
                Stage::Checking => "checking the copy",
                Stage::Writing => "writing pages",
            };
            self.progress.finish();
            self.progress = Progress::new(settings, what);
            self.done = 0;
        }
        if total > 0 {
            self.progress.set_total(total);
        }
        self.progress.tick(done.saturating_sub(self.done));
        self.done = done;
    }
}

/// Copies something in stages. SIGINT, SIGTERM and SIGHUP end it before it is
/// done: what was changed is rolled back, `command` says so and `outcome`, and
/// the process ends by the signal. Once it is done they come too late, and it
/// has succeeded.
pub(super) fn copying<T>(
    settings: &Settings,
    command: &str,
    outcome: &str,
    work: impl FnOnce(store::Progress<'_>) -> Result<T, Error>,
) -> anyhow::Result<T> {
    let attendance = Attendance::new(Some(Signals::take_over_unignored()?), Progress::off());
    let (asked, shown) = (Rc::clone(&attendance), Rc::clone(&attendance));
    let result = store::attended(
        move || asked.borrow_mut().go_on(),
        || work(&mut |stage, done, total| shown.borrow_mut().show(settings, stage, done, total)),
    );
    attendance.borrow_mut().progress.finish();
    let taken = attendance.borrow().taken;
    match (result, taken) {
        (Err(Error::Interrupted), Some(signal)) => {
            let status = u8::try_from(128 + signal as i32).unwrap_or(u8::MAX);
            let message = format!("{command}: interrupted; {outcome}");
            print_error(settings.json, &Report { exit: Exit::Child(status), message, hint: None });
            let io_error = |e: nix::errno::Errno| Failure::io("signals", e.into());
            signals_again()?;
            raise(signal).map_err(io_error)?;
            Err(Error::Interrupted.into())
        }
        (result, _) => Ok(result?),
    }
}

/// Lets signals do what they always do, after [`copying`].
pub(super) fn signals_again() -> anyhow::Result<()> {
    SigSet::all().thread_unblock().map_err(|e| Failure::io("signals", e.into()))
}

/// Does `what` ("checking"), and shows on a terminal that it is going on.
/// Signals do what they always do.
pub(super) fn shown<T>(settings: &Settings, what: &'static str, work: impl FnOnce() -> T) -> T {
    if !settings.progress {
        return work();
    }
    let attendance = Attendance::new(None, Progress::new(settings, what));
    let asked = Rc::clone(&attendance);
    let result = store::attended(move || asked.borrow_mut().go_on(), work);
    attendance.borrow_mut().progress.finish();
    result
}
