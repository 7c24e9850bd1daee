//! The subcommands: one file each, with its help, its arguments and its
//! function. Only here are layers joined.

mod access;
mod ack;
mod attended;
mod backup;
mod batch;
mod check;
mod completions;
mod confirm;
mod consumer;
mod context;
mod copy;
mod count;
mod delete;
mod edit;
mod env;
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
mod memo;
mod nack;
mod namespace;
mod purge;
mod push;
mod quota;
mod rename;
mod render;
mod restore;
mod set;
mod spec;
mod take;
mod top;
mod ttl;
mod wait;
mod watch;

use std::path::Path;

use clap::{ArgMatches, Command};

use crate::exit::{Exit, Failure};
use crate::model::{Glob, Namespace};
use crate::settings::{Environment, Globals, Settings};
use crate::text::quote;

pub use context::Context;
pub use spec::Spec;

/// Every subcommand, in the order help lists them.
pub const ALL: &[Spec] = &[
    set::SPEC,
    get::SPEC,
    list::SPEC,
    count::SPEC,
    delete::SPEC,
    edit::SPEC,
    copy::SPEC,
    rename::SPEC,
    ttl::SPEC,
    expire::SPEC,
    incr::SPEC,
    purge::SPEC,
    env::SPEC,
    render::SPEC,
    batch::SPEC,
    export::SPEC,
    import::SPEC,
    watch::SPEC,
    wait::SPEC,
    consumer::SPEC,
    history::SPEC,
    push::SPEC,
    take::SPEC,
    ack::SPEC,
    nack::SPEC,
    lock::SPEC,
    memo::SPEC,
    quota::SPEC,
    namespace::SPEC,
    backup::SPEC,
    restore::SPEC,
    access::SPEC,
    info::SPEC,
    top::SPEC,
    check::SPEC,
    completions::SPEC,
    man::SPEC,
];

/// Those that need no store, and so no HOME.
const STORELESS: &[&str] = &[completions::SPEC.name, man::SPEC.name];

/// Those that end with the status of another command.
const RUNNERS: &[&str] = &[env::SPEC.name, lock::SPEC.name, memo::SPEC.name];

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

/// Runs the subcommand that was parsed. `parser` makes the whole parser, for
/// commands that print something made from it.
pub fn dispatch(
    matches: &ArgMatches,
    env: &dyn Environment,
    parser: fn() -> Command,
) -> anyhow::Result<Exit> {
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
    let context = Context { settings, parser };
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
    Namespace::new(name).ok_or_else(|| "a namespace has only A-Z, a-z, 0-9 and -".to_owned())
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

/// The operating system's refusal to replace the file of `-o`, with the way out
/// where it cannot be replaced but can be written to: it belongs to somebody
/// else, or is bind-mounted.
fn output_refused(path: &Path, error: std::io::Error) -> anyhow::Error {
    use std::io::ErrorKind::{PermissionDenied, ResourceBusy};
    let fixed = matches!(error.kind(), PermissionDenied | ResourceBusy);
    let error = Failure::io(&quote(&path.to_string_lossy()), error);
    if fixed && nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok() {
        let hint = "it can be written to, but not replaced: omit -o, and redirect the output into it";
        return Failure::new(Exit::Io, error.to_string()).hint(hint).into();
    }
    error
}
