//! The subcommands: one file each, with its help, its arguments and its
//! function. Only here are layers joined.

mod access;
mod attended;
mod backup;
mod batch;
mod check;
pub mod complete;
mod completions;
mod consumer;
mod count;
mod delete;
mod expire;
mod export;
mod get;
mod history;
mod import;
mod incr;
mod info;
mod list;
mod lock;
mod man;
mod manual;
mod memo;
mod namespace;
mod purge;
mod quota;
mod render;
mod restore;
mod set;
mod ttl;
mod watch;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};
use serde_json::Value;

use crate::cli::Globals;
use crate::clock::{Clock, Timestamp};
use crate::exit::{Exit, Failure};
use crate::output::{Out, print_note};
use crate::settings::{Environment, Settings};
use crate::store::{
    Glob, Namespace, Scope, Store, StoreOptions, is_missing, is_part_of_store, quote, resolve,
};

/// A subcommand as the root parser and the dispatcher see it.
pub struct Spec {
    /// The word on the command line.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// One line for the list of commands.
    pub about: &'static str,
    /// Adds arguments, long help and examples; runs only for the command that
    /// is called.
    pub build: fn(Command) -> Command,
    /// Does it.
    pub run: fn(&Context, &ArgMatches) -> anyhow::Result<Exit>,
}

impl Spec {
    /// The command as listed, its arguments yet to be built.
    #[must_use]
    pub fn shell(&self) -> Command {
        Command::new(self.name).about(self.about).visible_aliases(self.aliases).defer(self.build)
    }

    /// Whether one of the words is this command's.
    pub(crate) fn is_named_in(&self, words: &[OsString]) -> bool {
        words.iter().any(|word| word == self.name || self.aliases.iter().any(|alias| word == alias))
    }

    /// The command with its arguments built, one line about it and the whole
    /// of its long help: for generators.
    #[must_use]
    pub fn built(&self) -> Command {
        let command = (self.build)(Command::new(self.name).visible_aliases(self.aliases));
        let whole = command.get_long_about().or_else(|| command.get_about());
        let mut whole = whole.map_or_else(|| self.about.to_owned(), ToString::to_string);
        // clap takes the full stop off a doc comment of one paragraph.
        if !whole.ends_with('.') {
            whole.push('.');
        }
        command.about(self.about).long_about(whole)
    }
}

/// Every subcommand, in the order help lists them.
pub const ALL: &[Spec] = &[
    set::SPEC,
    get::SPEC,
    list::SPEC,
    count::SPEC,
    delete::SPEC,
    ttl::SPEC,
    expire::SPEC,
    incr::SPEC,
    purge::SPEC,
    render::SPEC,
    batch::SPEC,
    export::SPEC,
    import::SPEC,
    watch::SPEC,
    consumer::SPEC,
    history::SPEC,
    lock::SPEC,
    memo::SPEC,
    quota::SPEC,
    namespace::SPEC,
    backup::SPEC,
    restore::SPEC,
    access::SPEC,
    info::SPEC,
    check::SPEC,
    completions::SPEC,
    man::SPEC,
];

/// Those that need no store, and so no HOME.
const STORELESS: &[&str] = &[completions::SPEC.name, man::SPEC.name];

/// Those that end with the status of another command.
const RUNNERS: &[&str] = &[lock::SPEC.name, memo::SPEC.name];

/// What `larder` alone prints.
pub const WELCOME: &str = "\
larder: a key-value store for the shell

  larder set session token abc123 --ttl 5m    keep a value, for a while
  larder get session token                    print it
  larder list session                         keys of a group
  larder list                                 groups
  larder watch session                        every change, as it happens
  larder render app conf.hbs -o app.conf      fill a template from a group

'larder --help' lists all commands, 'larder COMMAND --help' explains one,
'larder man' shows the manual.
";

/// What a command works with.
pub struct Context {
    /// Flags and environment, resolved.
    pub settings: Settings,
}

impl Context {
    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Clock::System.now()
    }

    /// Refuses a store that is not there: to a nightly job with a wrong HOME it
    /// would look like one that holds nothing.
    fn must_exist(&self) -> anyhow::Result<()> {
        let path = &self.settings.path;
        if !is_missing(path) {
            return Ok(());
        }
        Err(Failure::new(Exit::Io, format!("there is no store at {}", quote(&path.to_string_lossy())))
            .hint("look at --db, LARDER_DB and HOME")
            .into())
    }

    fn options(&self) -> StoreOptions {
        StoreOptions {
            path: self.settings.path.clone(),
            scope: self.settings.scope.clone(),
            busy_timeout: self.settings.busy_timeout,
            clock: Clock::System,
            caller: None,
        }
    }

    /// Tells how a command over many entries ended: the record with --json, the
    /// number alone for a dry run, a note to a person, nothing to cron.
    fn sum_up(&self, mut record: Value, dry_run: Option<String>, note: &str) -> anyhow::Result<Exit> {
        let mut out = Out::default();
        if self.settings.json {
            if dry_run.is_some() {
                record["dry_run"] = true.into();
            }
            out.json(&record)?;
        } else if let Some(number) = dry_run {
            out.line(&number)?;
        } else if self.settings.terminal && !self.settings.quiet {
            print_note(note);
        }
        out.finish()?;
        Ok(Exit::Success)
    }

    /// The store's absolute path, a symbolic link to it followed.
    pub fn store_path(&self) -> anyhow::Result<PathBuf> {
        Ok(resolve(&self.settings.path)?)
    }

    /// Refuses a file to be read or written that is the store or one of those
    /// that go with it. If it were written, not even a copy would be left; once
    /// it is read and closed, the locks that SQLite has on it are gone.
    fn refuse_store(&self, file: &Path) -> anyhow::Result<()> {
        if !is_part_of_store(&self.store_path()?, file) {
            return Ok(());
        }
        Err(Failure::usage(format!("{} is the store itself", quote(&file.to_string_lossy())))
            .hint("name another file; 'larder backup' copies the store")
            .into())
    }

    /// The store, if there is one, for a command that reads it.
    ///
    /// It is never closed: the process is about to end, and the kernel takes
    /// descriptors, locks and memory back at once where SQLite would free its
    /// schema piece by piece, a tenth of what a `get` costs.
    pub fn existing(&self) -> anyhow::Result<Option<&'static Store>> {
        Ok(Store::open_to_read(&self.options())?.map(leave_open))
    }

    /// The store, if there is one, for a command that only looks up entries;
    /// never closed either.
    pub fn existing_to_get(&self) -> anyhow::Result<Option<&'static Store>> {
        Ok(Store::open_to_get(&self.options())?.map(leave_open))
    }

    /// The store, if there is one, for a command that changes it; never closed
    /// either.
    pub fn existing_to_write(&self) -> anyhow::Result<Option<&'static Store>> {
        Ok(Store::open(&self.options())?.map(leave_open))
    }

    /// Refuses a namespace: the command is about the whole file, and a scoped
    /// command must not reach beyond its namespace.
    fn whole_store(&self) -> anyhow::Result<()> {
        if self.settings.scope.0.is_none() {
            return Ok(());
        }
        Err(Failure::usage("this is about the whole store, not about one namespace")
            .hint("leave --namespace away, and unset LARDER_NAMESPACE")
            .into())
    }

    /// The store, created if need be; never closed, as above.
    pub fn create(&self) -> anyhow::Result<&'static Store> {
        Ok(leave_open(Store::create(&self.options())?))
    }

    /// The store, created if need be, for a command that outlives its use.
    pub fn open_or_create(&self) -> anyhow::Result<Store> {
        Ok(Store::create(&self.options())?)
    }

    /// The store, if there is one, for a command that outlives its use: it is
    /// closed when dropped.
    pub fn open(&self) -> anyhow::Result<Option<Store>> {
        Ok(Store::open_to_read(&self.options())?)
    }

    /// The store as [`Context::existing`] has it, confined to the namespace
    /// that an argument names.
    pub fn existing_in(&self, namespace: &Namespace) -> anyhow::Result<Option<&'static Store>> {
        Ok(Store::open_to_read(&self.options_in(namespace)?)?.map(leave_open))
    }

    /// The store as [`Context::create`] has it, confined to the namespace that
    /// an argument names.
    pub fn create_in(&self, namespace: &Namespace) -> anyhow::Result<&'static Store> {
        Ok(leave_open(Store::create(&self.options_in(namespace)?)?))
    }

    fn options_in(&self, namespace: &Namespace) -> Result<StoreOptions, Failure> {
        match &self.settings.scope.0 {
            Some(scope) if scope != namespace => Err(Failure::usage(format!(
                "namespace {} cannot be named from within namespace {}",
                namespace.as_str(),
                scope.as_str()
            ))),
            _ => Ok(StoreOptions { scope: Scope(Some(namespace.clone())), ..self.options() }),
        }
    }
}

/// The operating system's refusal to replace the file of `-o`, with the way out
/// where it cannot be replaced but can be written to: it belongs to somebody
/// else, or is mounted by itself.
fn output_refused(path: &Path, error: std::io::Error) -> anyhow::Error {
    use std::io::ErrorKind::{PermissionDenied, ResourceBusy};
    let fixed = matches!(error.kind(), PermissionDenied | ResourceBusy);
    let error = Failure::io(&quote(&path.to_string_lossy()), error);
    if fixed && nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok() {
        let hint = "it cannot be replaced, but be written to: leave -o away, and redirect the output into it";
        return Failure::new(Exit::Io, error.to_string()).hint(hint).into();
    }
    error
}

fn leave_open(store: Store) -> &'static Store {
    Box::leak(Box::new(store))
}

/// Runs the subcommand that was parsed.
pub fn dispatch(matches: &ArgMatches, env: &dyn Environment) -> anyhow::Result<Exit> {
    let Some((name, sub)) = matches.subcommand() else {
        return crate::output::print_text(WELCOME);
    };
    let spec = ALL.iter().find(|spec| spec.name == name);
    let spec = spec.ok_or_else(|| anyhow::anyhow!("no such command: {name}"))?;
    let globals = Globals::from_matches(sub);
    let settings = if STORELESS.contains(&name) {
        Settings::without_store(&globals, env)
    } else {
        Settings::resolve(&globals, env)?
    };
    let context = Context { settings };
    if globals.must_exist && !STORELESS.contains(&name) {
        context.must_exist().map_err(|error| {
            let error = if RUNNERS.contains(&name) { own_failure(error) } else { error };
            error.context(name.to_owned())
        })?;
    }
    (spec.run)(&context, sub).map_err(|error| error.context(name.to_owned()))
}

/// Parses a pattern argument.
fn glob(pattern: &str) -> Result<Glob, String> {
    Glob::new(pattern)
}

/// Parses the name of a namespace.
fn namespace_name(name: &str) -> Result<Namespace, String> {
    Namespace::new(name).ok_or_else(|| "only A-Z, a-z, 0-9 and - may stand in a namespace".to_owned())
}

/// This machine's name.
fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// An error of a command that runs another one: 125, so that it is not taken
/// for the other's status. Usage, a lock that stayed taken, a missing grant
/// and an entry of another kind under the key keep their own.
fn own_failure(error: anyhow::Error) -> anyhow::Error {
    match crate::exit::report(&error) {
        Some(report)
            if !matches!(
                report.exit,
                Exit::Usage | Exit::Busy | Exit::AccessDenied | Exit::BadData | Exit::Child(_)
            ) =>
        {
            Failure { exit: Exit::Child(125), message: report.message, hint: report.hint }.into()
        }
        _ => error,
    }
}
