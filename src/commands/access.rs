use clap::{ArgMatches, Args, FromArgMatches, Subcommand, ValueEnum};
use serde::Serialize;

use super::{Context, Spec, glob, namespace_name};
use crate::exit::{Exit, Failure};
use crate::model::{Error, Grant, Level, Namespace, Principal};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Out, print_note};
use crate::text::{self, quote};
use crate::users;

pub const SPEC: Spec = Spec {
    name: "access",
    aliases: &[],
    about: "Manage access grants",
    build: |command| {
        AccessArgs::augment_args(command).arg_required_else_help(false).after_help(
            "Examples:\n  \
             larder access grant tenant-a user:alice write\n  \
             larder access grant tenant-a group:ops read --group 'config-*'\n  \
             larder access revoke tenant-a user:alice\n  \
             larder access open tenant-a --yes\n  \
             larder access list",
        )
    },
    run,
};

/// Grant a user, a group or everyone access to a namespace. A namespace without
/// grants is open to everyone who can open the store. With a grant it is closed
/// to all but its principals, the store's owner and root, and commands without
/// -n need admin access to every closed namespace. A denied request ends with
/// status 5, whether or not the object exists. A closed namespace stays closed:
/// without grants, as after its last grant is revoked or after 'larder
/// namespace delete', only the store's owner and root have access, and only
/// they can open it again with 'larder access open'.
///
/// These rules bind larder only. Anyone with write permission on the store's
/// file can change it with any other program, so on a store that you can open
/// yourself they are advisory. They are enforced where larder is installed
/// setgid, the file belongs to that group, and the store is listed in
/// /etc/larder/vaults; 'larder info' shows which applies.
///
/// Identity is the real user ID and the groups the kernel knows, never the
/// environment.
#[derive(Args)]
struct AccessArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Grant access; the first grant closes the namespace to everyone else
    #[command(after_help = "Examples:\n  \
        larder access grant tenant-a user:alice write\n  \
        larder access grant tenant-a group:ops read --group 'config-*'")]
    Grant {
        /// The namespace
        #[arg(value_parser = namespace_name)]
        ns: Namespace,
        /// user:NAME or user:ID, group:NAME or group:ID, everyone
        principal: String,
        /// The access level: read shows entries and changes, write also changes
        /// entries, admin also changes grants and quotas and deletes the
        /// namespace
        #[arg(value_enum)]
        level: LevelArg,
        /// Only in the groups that match GLOB
        #[arg(long = "group", value_name = "GLOB", default_value = "*", hide_default_value = true)]
        groups: String,
    },
    /// Revoke all access of a principal; the namespace stays closed
    #[command(after_help = "Examples:\n  larder access revoke tenant-a user:alice")]
    Revoke {
        /// The namespace
        #[arg(value_parser = namespace_name)]
        ns: Namespace,
        /// user:NAME or user:ID, group:NAME or group:ID, everyone
        principal: String,
    },
    /// Open a namespace to everyone; all its grants are removed
    #[command(after_help = "Examples:\n  larder access open tenant-a --yes")]
    Open {
        /// The namespace
        #[arg(value_parser = namespace_name)]
        ns: Namespace,
        /// Confirm access for everyone who can open the store
        #[arg(long = "yes", id = "confirmed")]
        confirmed: bool,
    },
    /// List the grants of one namespace, or of all; "nobody" marks a closed one
    /// without grants
    #[command(visible_alias = "ls", after_help = "Examples:\n  larder access list tenant-a")]
    List {
        /// The namespace
        #[arg(value_parser = namespace_name)]
        ns: Option<Namespace>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum LevelArg {
    Read,
    Write,
    Admin,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    match AccessArgs::from_arg_matches(matches)?.action {
        Action::Grant { ns, principal, level, groups } => {
            let level = match level {
                LevelArg::Read => Level::Read,
                LevelArg::Write => Level::Write,
                LevelArg::Admin => Level::Admin,
            };
            grant(context, &ns, resolve(&principal)?, level, &groups)
        }
        Action::Revoke { ns, principal } => revoke(context, &ns, &principal),
        Action::Open { ns, confirmed } => open(context, &ns, confirmed),
        Action::List { ns } => list(context, ns.as_ref()),
    }
}

fn grant(
    context: &Context,
    ns: &Namespace,
    principal: Principal,
    level: Level,
    groups: &str,
) -> anyhow::Result<Exit> {
    glob(groups).map_err(Failure::usage)?;
    context.create_in(ns)?.write(|tx| tx.grant(principal, level, groups))?;
    if context.settings.json {
        let mut out = Out::default();
        out.json(&Record::new(&Grant {
            namespace: ns.as_str().to_owned(),
            principal: principal.to_string(),
            level: Some(level),
            groups: groups.to_owned(),
        }))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}

fn revoke(context: &Context, ns: &Namespace, text: &str) -> anyhow::Result<Exit> {
    let resolved = resolve(text);
    // What is no principal may yet stand in the store, where it closes the
    // namespace and lets nobody in.
    let principal = resolved.as_ref().map_or_else(|_| text.to_owned(), ToString::to_string);
    let (revoked, left) = match context.existing_in(ns)? {
        None => (0, false),
        Some(store) => store.write(|tx| {
            let revoked = tx.revoke(&principal)?;
            // An admin may have revoked their own right to know.
            let left = tx.grants().map_or(true, |grants| grants.iter().any(|grant| grant.level.is_some()));
            Ok((revoked, left))
        })?,
    };
    if revoked == 0 {
        resolved?;
        // A misspelt principal that keeps its access must not look like
        // success.
        return Err(Error::Absent(format!("namespace {} has no grant for {principal}", ns.as_str())).into());
    }
    if context.settings.json {
        let mut out = Out::default();
        out.json(&serde_json::json!({ "revoked": revoked, "open": false }))?;
        out.finish()?;
    } else if !left && context.settings.terminal && !context.settings.quiet {
        print_note(&format!(
            "namespace {} has no grants left: only the store's owner and root have access",
            ns.as_str()
        ));
    }
    Ok(Exit::Success)
}

fn open(context: &Context, ns: &Namespace, confirmed: bool) -> anyhow::Result<Exit> {
    if !confirmed {
        return Err(Failure::usage(format!(
            "opening namespace {} to everyone needs confirmation",
            ns.as_str()
        ))
        .hint("confirm with --yes")
        .into());
    }
    let opened = match context.existing_in(ns)? {
        None => false,
        Some(store) => store.write(|tx| tx.open_to_all())?,
    };
    if context.settings.json {
        let mut out = Out::default();
        out.json(&serde_json::json!({ "namespace": ns.as_str(), "opened": opened, "open": true }))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}

fn list(context: &Context, ns: Option<&Namespace>) -> anyhow::Result<Exit> {
    let store = match ns {
        Some(ns) => context.existing_in(ns)?,
        None => context.existing()?,
    };
    let grants = match store {
        None => Vec::new(),
        Some(store) => store.read(|tx| tx.grants())?,
    };
    let mut out = Out::default();
    if context.settings.json {
        for grant in &grants {
            out.json(&Record::new(grant))?;
        }
    } else if context.settings.terminal {
        let columns = ["NAMESPACE", "PRINCIPAL", "NAME", "LEVEL", "GROUPS"].map(Column::text);
        let mut table = Table::new(&context.settings, &columns);
        for grant in &grants {
            let Record { namespace, principal, name, level, group } = Record::new(grant);
            let cells = [namespace, principal, name.as_deref().unwrap_or("-"), level, group];
            table.row(&mut out, cells.map(Cell::text))?;
        }
        table.finish_or(&mut out, "access: there are no grants")?;
    } else {
        for grant in &grants {
            let Record { namespace, principal, level, group, .. } = Record::new(grant);
            let fields = [namespace, principal, level, group].map(text::field);
            out.line(&fields.join("\t"))?;
        }
    }
    out.finish()?;
    Ok(Exit::Success)
}

/// A grant as JSON. A row another client wrote is shown as it is; what is
/// invalid in it has the level `none`.
#[derive(Serialize)]
struct Record<'a> {
    namespace: &'a str,
    principal: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    level: &'a str,
    group: &'a str,
}

impl<'a> Record<'a> {
    fn new(grant: &'a Grant) -> Self {
        let principal = Principal::parse(&grant.principal);
        let makes_sense = principal.is_some() && glob(&grant.groups).is_ok();
        Self {
            namespace: &grant.namespace,
            principal: &grant.principal,
            name: principal.and_then(name_of),
            level: grant.level.filter(|_| makes_sense).map_or("none", Level::as_str),
            group: &grant.groups,
        }
    }
}

/// The principal that `user:NAME|ID`, `group:NAME|ID` or `everyone` means.
///
/// For users whom the two files do not know, the number does.
fn resolve(text: &str) -> Result<Principal, Failure> {
    if text == "everyone" {
        return Ok(Principal::Everyone);
    }
    let (kind, file, make): (_, _, fn(u32) -> Principal) = match text.split_once(':') {
        Some(("user", _)) => ("user", users::PASSWD, Principal::User),
        Some(("group", _)) => ("group", users::GROUP, Principal::Group),
        _ => {
            return Err(Failure::usage(format!("{} is not a principal", quote(text)))
                .hint("expected user:NAME, user:ID, group:NAME, group:ID or everyone"));
        }
    };
    let name = &text[kind.len() + 1..];
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
        // 4294967295 is the kernel's "no id".
        return match name.parse() {
            Ok(id) if id != u32::MAX => Ok(make(id)),
            _ => Err(Failure::usage(format!("{name} is not a {kind} id"))),
        };
    }
    users::id_in(file, name).map(make).ok_or_else(|| {
        Failure::usage(format!("there is no {kind} {} in {file}", quote(name)))
            .hint(format!("if another directory knows it, give its number: {kind}:ID"))
    })
}

/// What a principal is called, if the files know.
fn name_of(principal: Principal) -> Option<String> {
    match principal {
        Principal::User(id) => users::name_of_user(id),
        Principal::Group(id) => users::name_of_group(id),
        Principal::Everyone => None,
    }
}
