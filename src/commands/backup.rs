use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, attended};
use crate::exit::{Exit, Failure};
use crate::model::Error;
use crate::output::progress::Progress;
use crate::output::{self, Out};

pub const SPEC: Spec = Spec {
    name: "backup",
    aliases: &[],
    about: "Back up the store while it is in use",
    build: |command| {
        BackupArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder backup \"larder-$(date +%F).db\"\n  \
             larder --db /mnt/backup/monday.db list\n  \
             larder restore /mnt/backup/monday.db --yes\n  \
             ssh host larder backup - | larder restore - --yes",
        )
    },
    run,
};

/// Copy the whole store to FILE, as a snapshot; others can go on writing. FILE
/// appears under its name only when it is complete and on disk, is readable by
/// its owner only, and is a store in itself. An existing FILE is never
/// overwritten. The copy is checked for damage before it is kept. The hidden
/// file of a killed backup is removed by the next one to FILE.
///
/// With - the copy is made and checked in TMPDIR, then written to standard
/// output, which must not be a terminal.
#[derive(Args)]
struct BackupArgs {
    /// The file to create; - is standard output
    file: PathBuf,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = BackupArgs::from_arg_matches(matches)?;
    context.whole_store()?;
    let streamed = args.file == Path::new("-");
    if streamed && context.settings.terminal {
        return Err(Failure::usage("a backup cannot be written to a terminal")
            .hint("name a file, or write into a pipe; a file of that name is ./-")
            .into());
    }
    let Some(store) = context.existing()? else {
        let what = format!("store {}", crate::text::quote(&context.settings.path.to_string_lossy()));
        return Err(Error::io(what, std::io::Error::from_raw_os_error(nix::libc::ENOENT)).into());
    };
    if streamed {
        let copy = attended::copying(&context.settings, SPEC.name, "no backup was made", |progress| {
            store.backup_nameless(&std::env::temp_dir(), progress)
        })?;
        attended::signals_again()?;
        send(copy, Progress::new(&context.settings, "writing KiB"))?;
        return Ok(Exit::Success);
    }
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

/// Writes the copy to standard output.
fn send(mut copy: File, mut progress: Progress) -> anyhow::Result<()> {
    if let Ok(meta) = copy.metadata() {
        progress.set_total(meta.len() >> 10);
    }
    let mut chunk = vec![0; 64 << 10];
    loop {
        let length = copy.read(&mut chunk).map_err(|e| Failure::io("the copy", e))?;
        if length == 0 {
            return Ok(());
        }
        output::Stdout.write_all(&chunk[..length]).map_err(|e| match e.kind() {
            // To whoever asked for a backup it is no success that the reader
            // has had enough of it.
            ErrorKind::BrokenPipe => {
                Failure::new(Exit::Io, "standard output: it was closed before the whole backup was written")
                    .into()
            }
            _ => Failure::io("standard output", e),
        })?;
        progress.tick(length as u64 >> 10);
    }
}
