use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};

use nix::sys::signal::{SigSet, Signal, raise};

use super::{Context, Spec};
use crate::exit::{Exit, Failure};
use crate::output::Out;
use crate::output::progress::Progress;
use crate::process::Signals;
use crate::settings::Settings;
use crate::store::Error;

pub const SPEC: Spec = Spec {
    name: "backup",
    aliases: &[],
    about: "Copy the store to a file, whoever is writing",
    build: |command| {
        BackupArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder backup \"larder-$(date +%F).db\"\n  \
             larder --db /mnt/backup/monday.db list\n  \
             larder restore /mnt/backup/monday.db --yes",
        )
    },
    run,
};

/// Copies the whole store to FILE, as it is at one moment; others may go on
/// writing. FILE appears under its name only when it is complete and on disk,
/// is readable by its owner alone, and is a store in itself. An existing FILE
/// is never overwritten. The copy is checked for damage before it is kept. A
/// hidden file that a killed backup left is removed by the next one to FILE.
#[derive(Args)]
struct BackupArgs {
    /// The file to make
    file: PathBuf,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = BackupArgs::from_arg_matches(matches)?;
    context.whole_store()?;
    let Some(store) = context.existing()? else {
        let what = format!("store {}", crate::store::quote(&context.settings.path.to_string_lossy()));
        return Err(Error::io(what, std::io::Error::from_raw_os_error(nix::libc::ENOENT)).into());
    };
    let mut pages = Pages::new()?;
    let result = store.backup(&args.file, &mut |done, total| pages.go_on(&context.settings, done, total));
    pages.end()?;
    result?;
    if context.settings.json {
        let bytes = std::fs::metadata(&args.file).map_or(0, |meta| meta.len());
        let mut out = Out::default();
        out.json(&serde_json::json!({ "file": args.file.to_string_lossy(), "bytes": bytes }))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}

/// Shows the pages copied so far, and listens for signals: one that came is
/// obeyed when the half-made copy is gone.
pub(super) struct Pages {
    signals: Signals,
    taken: Option<Signal>,
    progress: Option<Progress>,
    done: u64,
}

impl Pages {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self { signals: Signals::take_over()?, taken: None, progress: None, done: 0 })
    }

    /// Shows the progress; `false` if a signal asks for an end.
    pub(super) fn go_on(&mut self, settings: &Settings, done: u64, total: u64) -> bool {
        let progress = self.progress.get_or_insert_with(|| Progress::new(settings, "pages copied").of(total));
        progress.tick(done.saturating_sub(self.done));
        self.done = done;
        self.taken = self.taken.or_else(|| self.signals.take().first().copied());
        self.taken.is_none()
    }

    /// Dies of the signal that came, if one did.
    pub(super) fn end(mut self) -> anyhow::Result<()> {
        self.progress.take();
        let taken = self.taken.or_else(|| self.signals.take().first().copied());
        let told = |e: nix::errno::Errno| Failure::io("signals", e.into());
        SigSet::all().thread_unblock().map_err(told)?;
        taken.map_or(Ok(()), |signal| raise(signal).map_err(told))
    }
}
