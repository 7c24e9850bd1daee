use std::ffi::OsString;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use clap::{ArgMatches, Args, FromArgMatches};
use nix::sys::signal::Signal;

use super::{Context, Spec};
use crate::exit::{self, Exit, Failure};
use crate::model::{Condition, Entry, Error, Expiry, Level, check_size};
use crate::output::json::EntryRecord;
use crate::output::{Out, print_note};
use crate::process::{Signals, exit_code, find_program, run_in_foreground};
use crate::text::quote;

pub const SPEC: Spec = Spec {
    name: "edit",
    aliases: &[],
    about: "Edit a value in your editor",
    build: |command| {
        EditArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder edit config motd\n  \
             EDITOR='code --wait' larder edit app nginx.conf",
        )
    },
    run,
};

/// Open a value in the editor named by VISUAL or EDITOR, and store the saved
/// text; the TTL stays. A missing key starts empty, and is created if the text
/// is saved. Without changes nothing is written. If the value had no final
/// newline, the one that editors add is removed.
///
/// The text is stored only if the entry is still at the version that was
/// opened: otherwise the status is 3. If a changed text cannot be stored, or
/// the editor fails, it is kept in a file that the message names.
///
/// Status 2: no terminal, or no editor. 8: the value is binary. 10: the editor
/// failed.
#[derive(Args)]
struct EditArgs {
    /// The group
    group: String,
    /// The key
    key: String,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = EditArgs::from_arg_matches(matches)?;
    let editor = Editor::find()?;
    let opened = open(context, &args)?;
    let before = opened.as_ref().and_then(|entry| entry.value.clone()).unwrap_or_default();
    if before.contains(&0) || std::str::from_utf8(&before).is_err() {
        return Err(Failure::new(Exit::BadData, "the value is binary, which an editor would damage")
            .hint("save it with 'larder get -o FILE', and store it with 'larder set --file FILE'")
            .into());
    }
    let draft = Draft::new(&args.key, &before).map_err(|e| Failure::io("a file to edit", e))?;
    let signals = Signals::take_over()?;
    let (status, ended_by) = editor.run(&draft.path, &signals)?;
    let read = draft.read(&before);
    if let Some(signal) = ended_by {
        let status = u8::try_from(signal as i32).unwrap_or(0);
        return Err(draft.keep_if_changed(&read, Exit::Child(128 + status), &format!("ended by {signal}")));
    }
    if !status.success() {
        let why = format!("the editor ended with status {}", exit_code(status));
        return Err(draft.keep_if_changed(&read, Exit::Io, &why));
    }
    let Saved { text, is_saved } = read.map_err(|e| Failure::io(&quote(&draft.path.to_string_lossy()), e))?;
    let is_new = opened.is_none() && is_saved;
    if text == before && !is_new {
        if !context.settings.quiet && io::stderr().is_terminal() {
            print_note("edit: nothing was changed");
        }
        return Ok(Exit::Success);
    }
    let condition = opened.map_or(Condition::Absent, |entry| Condition::Version(entry.version));
    match store(context, &args, &text, &condition) {
        Ok(record) => {
            if context.settings.json {
                let mut out = Out::default();
                out.json(&record)?;
                out.finish()?;
            }
            Ok(Exit::Success)
        }
        Err(error) => Err(draft.keep(&error)),
    }
}

/// The entry as it is; `None` if there is none. A caller without write access
/// is refused before anything is typed.
fn open(context: &Context, args: &EditArgs) -> anyhow::Result<Option<Entry>> {
    let Some(store) = context.existing()? else { return Ok(None) };
    Ok(store.read(|tx| {
        tx.permit(Level::Write, &args.group)?;
        match tx.get(&args.group, &args.key) {
            Ok(entry) => Ok(Some(entry)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    })?)
}

fn store(
    context: &Context,
    args: &EditArgs,
    text: &[u8],
    condition: &Condition,
) -> anyhow::Result<EntryRecord> {
    check_size(&args.key, text)?;
    let store = context.create()?;
    let (entry, now) =
        store.write(|tx| Ok((tx.set(&args.group, &args.key, text, Expiry::Keep, condition)?, tx.now)))?;
    Ok(EntryRecord::new(entry, &context.settings.scope, now))
}

/// What edits, and where.
struct Editor {
    command: OsString,
    /// Where it is, if no shell is needed to run it.
    program: Option<PathBuf>,
    /// Streams that are no terminal are not for the editor.
    stdin: Stdio,
    stdout: Stdio,
}

impl Editor {
    fn find() -> anyhow::Result<Self> {
        let named = |name| std::env::var_os(name).filter(|editor| !editor.is_empty());
        let Some(command) = named("VISUAL").or_else(|| named("EDITOR")) else {
            return Err(Failure::usage("no editor: neither VISUAL nor EDITOR names one")
                .hint("as in 'EDITOR=vi larder edit GROUP KEY'")
                .into());
        };
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let copy = |of: &dyn AsFd| of.as_fd().try_clone_to_owned().map(Stdio::from);
        let (stdin, stdout) = match (stdin.is_terminal(), stdout.is_terminal()) {
            (true, true) => (Stdio::inherit(), Stdio::inherit()),
            (false, true) => (copy(&stdout).map_err(|e| Failure::io("the terminal", e))?, Stdio::inherit()),
            (true, false) => (Stdio::inherit(), copy(&stdin).map_err(|e| Failure::io("the terminal", e))?),
            (false, false) => {
                return Err(Failure::usage("no terminal to edit on")
                    .hint("'larder get' and 'larder set' need none")
                    .into());
            }
        };
        // What is more than a word is the shell's to understand.
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-./+".contains(b);
        let program = if command.as_bytes().iter().all(plain) {
            let found = find_program(&command);
            Some(found.map_err(|failure| Failure::usage(failure.message).hint("VISUAL or EDITOR names it"))?)
        } else {
            None
        };
        Ok(Self { command, program, stdin, stdout })
    }

    /// Runs it to its end; and the signal that was to end larder, if one came.
    fn run(self, file: &Path, signals: &Signals) -> anyhow::Result<(ExitStatus, Option<Signal>)> {
        let mut command = Command::new(self.program.as_deref().unwrap_or("/bin/sh".as_ref()));
        if self.program.is_none() {
            // What the terminal sends is the editor's to act upon, not the shell's.
            let mut line = OsString::from("trap : INT; ");
            line.push(&self.command);
            line.push(" \"$@\"");
            command.arg("-c").arg(line).arg(&self.command);
        }
        command.arg(file).stdin(self.stdin).stdout(self.stdout);
        run_in_foreground(command, signals).map_err(|e| Failure::io("the editor", e))
    }
}

/// The text while it is edited: in a directory that nobody else can read.
struct Draft {
    directory: tempfile::TempDir,
    path: PathBuf,
    written: (SystemTime, u64),
}

/// What was left in the file.
struct Saved {
    text: Vec<u8>,
    /// Whether it was written at all, if only with what was there.
    is_saved: bool,
}

impl Draft {
    fn new(key: &str, text: &[u8]) -> io::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("larder-edit-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        // Editors tell the kind of a text by its name.
        let name: String = key
            .chars()
            .take(100)
            .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
            .collect();
        let name = match name.trim_start_matches(['.', '-']) {
            "" => "value",
            name => name,
        };
        let path = directory.path().join(name);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text)?;
        // So that saving shows, however soon it is.
        file.set_modified(SystemTime::now() - Duration::from_secs(10))?;
        let written = identity(&file.metadata()?)?;
        Ok(Self { directory, path, written })
    }

    fn read(&self, before: &[u8]) -> io::Result<Saved> {
        let is_saved = identity(&std::fs::metadata(&self.path)?)? != self.written;
        let mut text = std::fs::read(&self.path)?;
        if is_saved && !before.ends_with(b"\n") && text.ends_with(b"\n") {
            text.pop();
        }
        let is_changed = text != before;
        Ok(Saved { is_saved: is_saved || is_changed, text })
    }

    /// The error that tells where the text is.
    fn keep(self, error: &anyhow::Error) -> anyhow::Error {
        let Some(report) = exit::report(error) else { return Failure::new(Exit::Io, "unknown").into() };
        let message = format!("{}; the text is kept in {}", report.message, self.kept());
        Failure { exit: report.exit, message, hint: report.hint }.into()
    }

    fn keep_if_changed(self, read: &io::Result<Saved>, exit: Exit, why: &str) -> anyhow::Error {
        let what = match read {
            Ok(saved) if saved.is_saved => format!("the text is kept in {}", self.kept()),
            _ => "nothing was written".to_owned(),
        };
        Failure::new(exit, format!("{why}; {what}")).into()
    }

    /// Leaves the file where it is.
    fn kept(self) -> String {
        let path = quote(&self.path.to_string_lossy());
        let _ = self.directory.keep();
        path
    }
}

/// What changes when a file is written or replaced.
fn identity(meta: &Metadata) -> io::Result<(SystemTime, u64)> {
    Ok((meta.modified()?, meta.ino()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_draft_is_named_after_its_key() {
        for (key, name) in [
            ("nginx.conf", "nginx.conf"),
            ("a/b c", "a_b_c"),
            ("..", "value"),
            ("", "value"),
            ("-rf", "rf"),
            ("é", "_"),
        ] {
            let draft = Draft::new(key, b"text").unwrap();
            assert_eq!(draft.path.file_name(), Some(OsStr::new(name)));
            assert!(!draft.read(b"text").unwrap().is_saved);
        }
    }
}
