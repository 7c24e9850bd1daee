//! Settings: the flag, else the environment, else the default; resolved once.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;

use crate::exit::Failure;
use crate::model::{Namespace, Scope};
use crate::process::find_program;
use crate::units;

/// Flags that stand before or after any subcommand.
#[derive(Clone, Debug)]
pub struct Globals {
    /// `--db`
    pub db: Option<PathBuf>,
    /// `--namespace`, not yet checked
    pub namespace: Option<String>,
    /// `--json`
    pub json: bool,
    /// `--quiet`
    pub quiet: bool,
    /// `--must-exist`
    pub must_exist: bool,
    /// `--color`
    pub color: String,
    /// `--busy-timeout`
    pub busy_timeout: Option<Duration>,
}

impl Globals {
    /// Reads the flags out of what was parsed.
    #[must_use]
    pub fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            db: value_of::<PathBuf>(matches, "db").cloned(),
            namespace: value_of::<String>(matches, "namespace").cloned(),
            json: value_of(matches, "json").copied().unwrap_or_default(),
            quiet: value_of(matches, "quiet").copied().unwrap_or_default(),
            must_exist: value_of(matches, "must-exist").copied().unwrap_or_default(),
            color: value_of::<String>(matches, "color").cloned().unwrap_or_else(|| "auto".to_owned()),
            busy_timeout: value_of(matches, "busy-timeout").copied(),
        }
    }
}

/// The value of a flag, which the parser of this line may not even have had.
fn value_of<'a, T: Clone + Send + Sync + 'static>(matches: &'a ArgMatches, flag: &str) -> Option<&'a T> {
    matches.try_get_one(flag).ok().flatten()
}

/// The environment variables larder reads, as a table for tests to replace.
pub trait Environment {
    /// The variable's value; `None` if it is not set.
    fn var(&self, name: &str) -> Option<OsString>;
}

/// The process's own environment.
#[derive(Debug)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn var(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

/// The environment inside a vault, which is a store that is
/// reached through a setgid larder: its's own variables count for nothing,
/// because whoever sets them is not who the rules are for.
#[derive(Debug)]
pub struct VaultEnvironment;

impl Environment for VaultEnvironment {
    fn var(&self, name: &str) -> Option<OsString> {
        if name.starts_with("LARDER_") { None } else { std::env::var_os(name) }
    }
}

/// Refuses to ignore a namespace that a script relies on: that would widen what
/// it touches.
pub fn refuse_ignored_namespace(namespace: Option<&String>) -> Result<(), Failure> {
    if namespace.is_none() && std::env::var_os("LARDER_NAMESPACE").is_some() {
        return Err(Failure::usage("LARDER_NAMESPACE is ignored for a vault")
            .hint("name the namespace with -n, or unset the variable"));
    }
    Ok(())
}

/// Everything a command needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The store's file.
    pub path: PathBuf,
    /// Where larder keeps the caller's files unless told otherwise, or why the
    /// environment names no place.
    pub data: Result<PathBuf, &'static str>,
    /// Whether a store that is not there is an error, also for who would make it.
    pub must_exist: bool,
    /// The namespace, if any.
    pub scope: Scope,
    /// How long to wait for locks.
    pub busy_timeout: Duration,
    /// JSON output.
    pub json: bool,
    /// No messages but errors.
    pub quiet: bool,
    /// Whether standard output takes colour.
    pub color: bool,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Whether the terminal can move its cursor, as far as TERM tells.
    pub moves_cursor: bool,
    /// What shows text that does not fit onto the terminal, as sh runs it.
    pub pager: Option<OsString>,
    /// Whether progress may be shown: standard error is a terminal that can
    /// move its cursor, and nobody asked for quiet.
    pub progress: bool,
}

impl Settings {
    /// Joins flags and environment.
    pub fn resolve(globals: &Globals, env: &dyn Environment) -> Result<Self, Failure> {
        Ok(Self {
            path: store_path(globals, env)?,
            scope: scope(globals, env)?,
            busy_timeout: busy_timeout(globals, env)?,
            ..Self::without_store(globals, env)
        })
    }

    /// The settings of a command that opens no store: no path, no namespace,
    /// and nothing that could be wrong.
    #[must_use]
    pub fn without_store(globals: &Globals, env: &dyn Environment) -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self {
            path: PathBuf::new(),
            data: data_directory(env),
            must_exist: globals.must_exist,
            scope: Scope(None),
            busy_timeout: globals.busy_timeout.unwrap_or(BUSY_TIMEOUT),
            json: globals.json,
            quiet: globals.quiet,
            color: color(&globals.color, env, terminal),
            terminal,
            pager: if terminal && !globals.json { pager(env) } else { None },
            moves_cursor: !is_dumb(env),
            progress: !globals.quiet && std::io::stderr().is_terminal() && !is_dumb(env),
        }
    }
}

fn store_path(globals: &Globals, env: &dyn Environment) -> Result<PathBuf, Failure> {
    if let Some(path) = &globals.db {
        if path.as_os_str().is_empty() {
            return Err(Failure::usage("--db names no file"));
        }
        return Ok(path.clone());
    }
    if let Some(path) = env.var("LARDER_DB") {
        if path.is_empty() {
            return Err(Failure::usage("LARDER_DB is set but empty").hint("unset it, or name a file"));
        }
        return Ok(path.into());
    }
    data_directory(env).map(|data| data.join("larder.db")).map_err(|why| {
        Failure::usage(format!("cannot choose a store: {why}")).hint("name a file with --db or LARDER_DB")
    })
}

/// How long a locked store is waited for unless something else is said.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

fn busy_timeout(globals: &Globals, env: &dyn Environment) -> Result<Duration, Failure> {
    const VARIABLE: &str = "LARDER_BUSY_TIMEOUT";
    if let Some(timeout) = globals.busy_timeout {
        return Ok(timeout);
    }
    let Some(text) = env.var(VARIABLE) else { return Ok(BUSY_TIMEOUT) };
    if text.is_empty() {
        return Err(Failure::usage(format!("{VARIABLE} is set but empty"))
            .hint("unset it, or give it a duration such as 30s"));
    }
    let text = text.to_string_lossy();
    units::duration(&text).map_err(|why| Failure::usage(format!("{VARIABLE}: {why}")))
}

fn data_directory(env: &dyn Environment) -> Result<PathBuf, &'static str> {
    let path = |name: &str| env.var(name).map(PathBuf::from);
    if let Some(data) = path("XDG_DATA_HOME").filter(|path| path.is_absolute()) {
        return Ok(data.join("larder"));
    }
    match path("HOME") {
        None => Err("HOME is not set"),
        Some(home) if !home.is_absolute() => Err("HOME is not an absolute path"),
        Some(home) => Ok(home.join(".local/share/larder")),
    }
}

fn scope(globals: &Globals, env: &dyn Environment) -> Result<Scope, Failure> {
    let (source, name) = match (&globals.namespace, env.var("LARDER_NAMESPACE")) {
        (Some(name), _) => ("--namespace", name.clone()),
        (None, Some(name)) => ("LARDER_NAMESPACE", name.to_string_lossy().into_owned()),
        (None, None) => return Ok(Scope(None)),
    };
    match Namespace::new(&name) {
        Some(namespace) => Ok(Scope(Some(namespace))),
        // Never the whole store by accident: an unset shell variable must not
        // widen what a script touches.
        None if name.is_empty() => Err(Failure::usage(format!("{source} is set but empty"))
            .hint("omit it to use the whole store, or name a namespace")),
        None => Err(Failure::usage(format!(
            "{source}: {name:?} is not a namespace: only A-Z, a-z, 0-9 and - are allowed"
        ))),
    }
}

/// What `--color` says, else NO_COLOR (<https://no-color.org>), else FORCE_COLOR
/// (<https://force-color.org>), else whether the terminal can.
#[must_use]
pub fn color(asked: &str, env: &dyn Environment, terminal: bool) -> bool {
    match asked {
        "always" => true,
        "never" => false,
        _ if env.var("NO_COLOR").is_some_and(|v| !v.is_empty()) => false,
        _ if env.var("FORCE_COLOR").is_some_and(|v| !v.is_empty() && v != "0") => true,
        _ => terminal && !is_dumb(env),
    }
}

/// What PAGER says, else less, if somebody is there to press keys.
fn pager(env: &dyn Environment) -> Option<OsString> {
    if is_dumb(env) {
        return None;
    }
    let pager = match env.var("PAGER") {
        Some(pager) => pager,
        None if std::io::stdin().is_terminal() => {
            find_program("less".as_ref()).ok()?;
            "less -FRX".into()
        }
        None => return None,
    };
    (!pager.is_empty() && pager != "cat").then_some(pager)
}

fn is_dumb(env: &dyn Environment) -> bool {
    env.var("TERM").is_some_and(|term| term == "dumb")
}
