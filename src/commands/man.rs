use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::{Context, Spec};
use crate::exit::{Exit, Failure};
use crate::generate::manual;
use crate::output;
use crate::store::admit;
use crate::text::quote;

pub const SPEC: Spec = Spec {
    name: "man",
    aliases: &[],
    about: "Show the manual, or write the manual pages",
    build: |command| {
        ManArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder man\n  \
             larder man ~/.local/share/man/man1",
        )
    },
    run,
};

/// Show the manual, on a terminal with man(1) if available. With DIR, write
/// larder.1 and a page for each command, such as larder-get.1, into that
/// directory instead. No store is needed.
#[derive(Args)]
struct ManArgs {
    /// Write the pages here; created if its name has a slash
    dir: Option<PathBuf>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = ManArgs::from_arg_matches(matches)?;
    if let Some(dir) = args.dir {
        write_pages(&dir, (context.parser)())?;
    } else if !(context.settings.terminal && shown_by_man((context.parser)())?) {
        output::print_text(&manual::plain((context.parser)()))?;
    }
    Ok(Exit::Success)
}

fn write_pages(dir: &Path, parser: Command) -> anyhow::Result<()> {
    // "larder man get" asks for a page, not for a directory of that name.
    let is_word = dir.components().eq([std::path::Component::Normal(dir.as_os_str())]);
    if is_word && !dir.exists() {
        let word = dir.to_string_lossy();
        let name = word.strip_prefix("larder-").unwrap_or(&word);
        let (what, see) = match parser.find_subcommand(name) {
            Some(command) => {
                ("a command, not a directory", format!("see 'larder {} --help', or ", command.get_name()))
            }
            None => ("not a directory", String::new()),
        };
        return Err(Failure::usage(format!("{} is {what}", quote(&word)))
            .hint(format!("{see}name ./{word} for a directory"))
            .into());
    }
    let refused = |path: &Path| quote(&path.to_string_lossy());
    fs::create_dir_all(dir).map_err(|e| Failure::io(&refused(dir), e))?;
    for page in manual::pages(parser) {
        let path = dir.join(&page.file);
        write_page(&path, page.roff.as_bytes()).map_err(|e| Failure::io(&refused(&path), e))?;
    }
    Ok(())
}

/// Nothing is cut off before it is known what the name stands for.
fn write_page(path: &Path, page: &[u8]) -> std::io::Result<()> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let mut file = admit(opened)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    file.write_all(page)
}

/// Hands the main page to man(1), which formats and pages it. `false` if there
/// is no man that could.
fn shown_by_man(parser: Command) -> anyhow::Result<bool> {
    let failed = |e| Failure::io("a temporary file", e);
    let mut file = tempfile::Builder::new().prefix("larder.").suffix(".1").tempfile().map_err(failed)?;
    let main = manual::pages(parser).swap_remove(0);
    file.write_all(main.roff.as_bytes()).and_then(|()| file.flush()).map_err(failed)?;
    match Process::new("man").arg("-l").arg(file.path()).status() {
        Ok(status) => Ok(status.success()),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(false),
        Err(e) => Err(Failure::io("man", e)),
    }
}
