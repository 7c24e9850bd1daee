use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, attended};
use crate::exit::{Exit, Failure};
use crate::output::{Out, print_note};
use crate::store;

pub const SPEC: Spec = Spec {
    name: "restore",
    aliases: &[],
    about: "Replace the store by a backup",
    build: |command| {
        RestoreArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder restore monday.db --yes\n  \
             larder --db new.db restore monday.db --yes",
        )
    },
    run,
};

/// Replaces everything the store holds by what FILE holds: entries, quotas,
/// grants and consumers. FILE is verified first and not changed; it may be a
/// go-store file. The store is overwritten in one transaction: whoever has it
/// open goes on with the restored one. A restore that is interrupted says so,
/// and has changed nothing; one that ends with status 0 is done. The store is
/// in WAL mode afterwards. A
/// store too damaged for that is put aside as NAME.damaged. A file that shows
/// no trace of a store is left alone. Where the store's directory cannot be
/// written, the copy is made in TMPDIR, and nothing is put aside. A vault is
/// restored by root.
///
/// Versions never return: every restored entry gets a new version, above all
/// that were ever given out, and the change log starts over. A watcher that
/// was running ends with status 9, as its position is gone; a consumer goes on
/// with --snapshot.
#[derive(Args)]
struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// Confirm that the store's present contents may go
    #[arg(long)]
    yes: bool,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = RestoreArgs::from_arg_matches(matches)?;
    context.whole_store()?;
    // Before the question whether it may replace anything. By the caller's own
    // right, which larder may exceed.
    let readable = nix::unistd::access(&args.file, nix::unistd::AccessFlags::R_OK);
    let file = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
    readable.map_err(|e| Failure::io(&crate::text::quote(&file.to_string_lossy()), e.into()))?;
    if !args.yes {
        return Err(Failure::usage("this replaces everything in the store")
            .hint("say so with --yes; 'larder backup' keeps what is there now")
            .into());
    }
    let spare = std::env::temp_dir();
    let restored = attended::copying(&context.settings, SPEC.name, "nothing was changed", |progress| {
        store::restore(&context.options(), &args.file, &spare, progress)
    })?;
    if let Some(kept) = &restored.kept
        && !context.settings.quiet
    {
        // Whole, however long: it is the only place where the name is told.
        print_note(&format!("the damaged store is kept as {:?}", kept.to_string_lossy()));
    }
    if context.settings.json {
        let mut out = Out::default();
        out.json(&serde_json::json!({
            "entries": restored.entries,
            "seq": restored.seq,
            "kept": restored.kept.map(|path| path.to_string_lossy().into_owned()),
        }))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}
