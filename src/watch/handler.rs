//! Starting a command for a change, or for a job: the value on standard input,
//! the facts in `LARDER_*` variables, no shell in between.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::exit::Failure;
use crate::model::{Change, ChangeKind, Name, Scope};
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
        let input = Arc::new(change.value.clone().unwrap_or_default());
        self.start_on(&Facts::of(change), &input, prepare)
    }

    /// Starts the command for any number of changes, with `input` on its
    /// standard input; see [`Handler::start`].
    pub fn start_on(
        &self,
        facts: &Facts<'_>,
        input: &Arc<Vec<u8>>,
        prepare: impl Fn(&mut Command),
    ) -> std::io::Result<Child> {
        match self.start_with(facts, input, LONGEST_VARIABLE, &prepare) {
            Err(e) if e.kind() == std::io::ErrorKind::ArgumentListTooLong => {
                self.start_with(facts, input, SHORT_VARIABLE, &prepare)
            }
            done => done,
        }
    }

    fn start_with(
        &self,
        facts: &Facts<'_>,
        input: &Arc<Vec<u8>>,
        longest: usize,
        prepare: &impl Fn(&mut Command),
    ) -> std::io::Result<Child> {
        let mut command = Child::command(&self.program, &self.command);
        command.stdin(Stdio::piped()).env("LARDER_DB", &self.store).env("LARDER_SEQ", facts.seq.to_string());
        match facts.kind {
            Some(kind) => command.env("LARDER_TYPE", kind.as_str()),
            None => command.env_remove("LARDER_TYPE"),
        };
        match &self.scope.0 {
            Some(namespace) => command.env("LARDER_NAMESPACE", namespace.as_str()),
            None => command.env_remove("LARDER_NAMESPACE"),
        };
        let group = facts.group.map(|group| variable(&self.scope.name_of(group)));
        let key = facts.key.map(variable);
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
        if let Some(mut stdin) = child.streams().stdin.take() {
            let input = input.clone();
            // In a thread, because a command may read as slowly as it likes;
            // one that does not read its input at all is none of our business.
            let fed = spawn(move || {
                let _ = stdin.write_all(&input);
            });
            if let Err(e) = fed {
                child.abandon();
                return Err(e);
            }
        }
        Ok(child)
    }
}

/// What the environment of a command tells of its changes: what is not the same
/// for all of them is `None`.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The number of the last one.
    pub seq: i64,
    /// What happened.
    pub kind: Option<ChangeKind>,
    /// The group as it is stored.
    pub group: Option<&'a Name<'static>>,
    /// The key.
    pub key: Option<&'a Name<'static>>,
}

impl<'a> Facts<'a> {
    /// Those of one change.
    #[must_use]
    pub fn of(change: &'a Change) -> Self {
        Self {
            seq: change.seq,
            kind: Some(change.kind),
            group: Some(&change.group),
            key: change.key.as_ref(),
        }
    }

    /// Those of several changes, oldest first; `None` if there are none.
    #[must_use]
    pub fn common(mut changes: impl Iterator<Item = &'a Change>) -> Option<Self> {
        let first = Self::of(changes.next()?);
        Some(changes.fold(first, |facts, change| {
            let next = Self::of(change);
            Self {
                seq: next.seq,
                kind: facts.kind.filter(|_| facts.kind == next.kind),
                group: facts.group.filter(|_| facts.group == next.group),
                // The same key of another group is another key.
                key: facts.key.filter(|_| facts.key == next.key && facts.group == next.group),
            }
        }))
    }
}

/// A name as a variable's value, which cannot hold a NUL byte.
fn variable(name: &Name<'_>) -> OsString {
    let pieces: Vec<_> = name.as_bytes().split(|b| *b == 0).collect();
    OsString::from_vec(pieces.join(&b"\\0"[..]))
}

/// A change, for a message.
pub(super) fn change_in_words(change: &Change, scope: &Scope) -> String {
    let group = scope.name_of(&change.group).quoted();
    let key = change.key.as_ref().map(|key| format!(" {}", key.quoted())).unwrap_or_default();
    format!("change {} ({} {group}{key})", change.seq, change.kind.as_str())
}
