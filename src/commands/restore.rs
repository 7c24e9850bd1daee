use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::confirm::confirm;
use super::{Context, Spec, attended};
use crate::exit::{Exit, Failure};
use crate::output::{Out, print_note};
use crate::store::{self, Source};
use crate::text::quote;

pub const SPEC: Spec = Spec {
    name: "restore",
    aliases: &[],
    about: "Replace the store with a backup",
    build: |command| {
        RestoreArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder restore monday.db --yes\n  \
             larder --db new.db restore monday.db --yes\n  \
             ssh host larder backup - | larder restore - --yes",
        )
    },
    run,
};

/// Replace the contents of the store with those of FILE: entries, quotas,
/// grants and consumers. FILE is verified first and not changed; it may be a
/// go-store file. With - it comes from standard input, and a truncated one is
/// refused. The store is overwritten in one transaction: processes that have it
/// open continue with the restored one. A restore that is interrupted says so,
/// and has changed nothing; one that ends with status 0 is complete. The store
/// is in WAL mode afterwards. A store too damaged for that is renamed to
/// NAME.damaged. Files that are not stores are refused. If the store's
/// directory is not writable, the copy is made in TMPDIR, and nothing is
/// renamed. Only root can restore a vault.
///
/// Versions never return: every restored entry gets a new version, above all
/// earlier ones, and the change log starts over. A running watch ends with
/// status 9, as its position is gone; a consumer resumes with --snapshot.
#[derive(Args)]
struct RestoreArgs {
    /// The backup; - is standard input
    file: PathBuf,
    /// Confirm that the current contents will be replaced
    #[arg(long)]
    yes: bool,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = RestoreArgs::from_arg_matches(matches)?;
    context.whole_store()?;
    let streamed = args.file == Path::new("-");
    // Before the question whether it may replace anything.
    if streamed {
        refuse_input(context)?;
    } else {
        // By the caller's own right, which larder may exceed.
        let readable = nix::unistd::access(&args.file, nix::unistd::AccessFlags::R_OK);
        let file = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
        readable.map_err(|e| Failure::io(&quote(&file.to_string_lossy()), e.into()))?;
    }
    let question = || {
        let store = context.store_path()?;
        let by = match std::path::absolute(&args.file) {
            Ok(file) if !streamed => quote(&file.to_string_lossy()),
            _ => "standard input".to_owned(),
        };
        Ok(format!("Replace the contents of the store {} with {by}?", quote(&store.to_string_lossy())))
    };
    let missing = Failure::usage("this replaces the contents of the store")
        .hint("confirm with --yes; 'larder backup' saves the current contents");
    confirm(&context.settings, args.yes, question, missing)?;
    let spare = std::env::temp_dir();
    let restored = attended::copying(&context.settings, SPEC.name, "nothing was changed", |progress| {
        let source = if streamed { Source::Stream(&mut Input) } else { Source::File(&args.file) };
        store::restore(&context.options(), source, &spare, progress)
    })?;
    if let Some(kept) = &restored.kept
        && !context.settings.quiet
    {
        // Whole, however long: it is the only place where the name is reported.
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

/// Refuses a standard input that holds no whole backup however it is read.
fn refuse_input(context: &Context) -> anyhow::Result<()> {
    if io::stdin().is_terminal() {
        return Err(Failure::usage("standard input is a terminal, not a backup")
            .hint("name a file, or read from a pipe; a file of that name is ./-")
            .into());
    }
    let own = Path::new("/proc/self/fd/0");
    context.refuse_store(own)?;
    let Ok(file) = std::fs::read_link(own) else { return Ok(()) };
    let mut log = file.clone().into_os_string();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|meta| meta.len() > 0) {
        let name = quote(&file.to_string_lossy());
        return Err(Failure::usage(format!("{name} has part of its contents in the -wal file beside it"))
            .hint("name the file instead of reading it as standard input")
            .into());
    }
    Ok(())
}

/// Standard input, which is waited for a little while at a time: signals are
/// heard in between.
struct Input;

const NAP: u16 = 50;

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let input = io::stdin();
        let mut ready = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, PollTimeout::from(NAP))? == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(nix::unistd::read(input.as_fd(), into)?)
    }
}
