use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, attended};
use crate::exit::Exit;
use crate::output::Out;
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
        let what = format!("store {}", crate::text::quote(&context.settings.path.to_string_lossy()));
        return Err(Error::io(what, std::io::Error::from_raw_os_error(nix::libc::ENOENT)).into());
    };
    attended::copying(&context.settings, SPEC.name, "no backup was made", |progress| {
        store.backup(&args.file, progress)
    })?;
    if context.settings.json {
        let bytes = std::fs::metadata(&args.file).map_or(0, |meta| meta.len());
        let mut out = Out::default();
        out.json(&serde_json::json!({ "file": args.file.to_string_lossy(), "bytes": bytes }))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}
