//! Starting a command for a change, or for a job: the value on standard input,
//! the facts in `LARDER_*` variables, no shell in between.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::exit::Failure;
use crate::model::{Change, Name, Scope};
use crate::process::{Child, find_program, spawn};

/// What a variable may take with its name, so that the kernel takes it (32
/// pages, less `=` and a NUL byte); and when an environment as a whole is too
/// large.
const LONGEST_VARIABLE: usize = 128 * 1024 - 1;
const SHORT_VARIABLE: usize = 1024;

/// A command that is run again and again.
#[derive(Debug)]
pub struct Handler {
    /// Program and arguments.
    command: Vec<OsString>,
    program: PathBuf,
    /// The store's path, for larder calls of the command.
    store: PathBuf,
    /// The scope, which names the groups.
    scope: Scope,
}

impl Handler {
    /// The command, for changes of the store at `store`, which are in `scope`.
    ///
    /// # Errors
    /// There is no such program, or it may not be run.
    pub fn new(command: Vec<OsString>, store: PathBuf, scope: Scope) -> Result<Self, Failure> {
        let name = command.first().ok_or_else(|| Failure::usage("the command is missing"))?;
        let program = find_program(name)?;
        Ok(Self { command, program, store, scope })
    }

    /// Starts the command, after `prepare` has added to it. A variable of which
    /// the kernel says that it is too long for an environment is left out, and
    /// `LARDER_OMITTED` names it.
    pub fn start(&self, change: &Change, prepare: impl Fn(&mut Command)) -> std::io::Result<Child> {
        match self.start_with(change, LONGEST_VARIABLE, &prepare) {
            Err(e) if e.kind() == std::io::ErrorKind::ArgumentListTooLong => {
                self.start_with(change, SHORT_VARIABLE, &prepare)
            }
            done => done,
        }
    }

    fn start_with(
        &self,
        change: &Change,
        longest: usize,
        prepare: &impl Fn(&mut Command),
    ) -> std::io::Result<Child> {
        let mut command = Child::command(&self.program, &self.command);
        command
            .stdin(Stdio::piped())
            .env("LARDER_DB", &self.store)
            .env("LARDER_SEQ", change.seq.to_string())
            .env("LARDER_TYPE", change.kind.as_str());
        match &self.scope.0 {
            Some(namespace) => command.env("LARDER_NAMESPACE", namespace.as_str()),
            None => command.env_remove("LARDER_NAMESPACE"),
        };
        let group = Some(variable(&self.scope.name_of(&change.group)));
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
        prepare(&mut command);
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
}

/// A name as a variable's value, which cannot hold a NUL byte.
fn variable(name: &Name<'_>) -> OsString {
    let pieces: Vec<_> = name.as_bytes().split(|b| *b == 0).collect();
    OsString::from_vec(pieces.join(&b"\\0"[..]))
}
