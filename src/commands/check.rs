use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, attended};
use crate::exit::{Exit, Failure};
use crate::output::Out;
use crate::store::{self, Checkup, Finding, Remedy};
use crate::text;

pub const SPEC: Spec = Spec {
    name: "check",
    aliases: &[],
    about: "Check the store's integrity",
    build: |command| {
        CheckArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder check && larder backup monday.db\n  \
             larder check --repair",
        )
    },
    run,
};

/// Check the whole file: SQLite's own integrity check, the schema, the usage
/// counters against a recount, versions and change log against each other,
/// consumers, quotas and grants. Each finding is one line on standard output;
/// any finding is status 7.
///
/// --repair rebuilds what can be derived from the entries: triggers, indexes,
/// counters, the file's marks and its journal mode, and the change log, which
/// starts over where it is not trustworthy. A table of entries that another
/// tool has altered is rebuilt; the contents of columns that are not larder's
/// are kept in a table of their own. Every dropped object is printed. Quotas
/// and grants of invalid namespaces are removed. Damaged entries cannot be
/// rebuilt: restore a backup. SQLite keeps no checksums of its pages, so a
/// value that was overwritten on disk byte for byte cannot be told from a
/// stored one.
#[derive(Args)]
struct CheckArgs {
    /// Rebuild what can be derived, and print each repair
    #[arg(long)]
    repair: bool,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = CheckArgs::from_arg_matches(matches)?;
    context.whole_store()?;
    let checkup =
        attended::shown(&context.settings, "checking", || store::check(&context.options(), args.repair))?
            .unwrap_or_default();
    context.tell_migrated(checkup.migrated);
    if let Some(mode) = &checkup.journal {
        context.note(
            "journal",
            &format!("check: the journal mode is {mode}, not WAL: readers and writers block each other; 'larder check --repair' sets it back"),
        );
    }
    let mut out = Out::default();
    if context.settings.json {
        records(&checkup, &mut out)?;
    } else {
        lines(context, &checkup, &mut out)?;
    }
    out.finish()?;
    if checkup.left.is_empty() {
        return Ok(Exit::Success);
    }
    let count = checkup.left.len();
    let failure = Failure::new(
        Exit::UnusableStore,
        format!("{count} {} in the store", if count == 1 { "finding" } else { "findings" }),
    );
    Err(failure.hint(advice(&checkup.left, args.repair)).into())
}

/// What can be done about each kind of remaining finding.
fn advice(left: &[Finding], repaired: bool) -> String {
    let all = [Remedy::Repair, Remedy::Revoke, Remedy::Quota, Remedy::Delete, Remedy::Merge, Remedy::Restore];
    let there = |remedy: &Remedy| left.iter().any(|finding| finding.remedy == *remedy);
    // Nothing derived from damaged pages could be believed.
    let damaged = there(&Remedy::Restore);
    let helps = |remedy: &Remedy| there(remedy) && !(damaged && *remedy == Remedy::Repair);
    // Where nothing but an addition is in the way nothing is lost.
    let ways = |remedy: Remedy| {
        let those = left.iter().filter(|finding| finding.remedy == remedy);
        let mut ways = those.map(|finding| finding.way_out.as_deref()).collect::<Vec<_>>();
        ways.dedup();
        ways
    };
    if let Some(ways) = ways(Remedy::Restore).into_iter().collect::<Option<Vec<_>>>()
        && !ways.is_empty()
    {
        return format!("{}; then run 'larder check' again", ways.join("; "));
    }
    // Says more than that a repair helps.
    if !damaged
        && !repaired
        && let Some(way) = ways(Remedy::Repair).into_iter().flatten().next()
    {
        return way.to_owned();
    }
    let ways = all.into_iter().filter(helps).map(|remedy| match remedy {
        Remedy::Repair if !repaired => "'larder check --repair' rebuilds what can be derived",
        Remedy::Revoke => "'larder access revoke NS PRINCIPAL' removes a grant",
        Remedy::Quota => "'larder quota clear NS' removes a quota",
        Remedy::Delete => {
            "'larder delete GROUP --glob P', or a line of 'larder batch' with the key_b64 that 'larder export' shows, deletes an entry whose name is not UTF-8"
        }
        Remedy::Merge => "the next command that writes merges the table kv unless a quota is in the way, and so does 'larder check --repair'",
        Remedy::Restore => {
            "damage cannot be repaired; 'larder restore FILE --yes' replaces the store with a backup"
        }
        Remedy::Repair => "the remaining findings cannot be repaired; restore a backup",
    });
    ways.collect::<Vec<_>>().join("; ")
}

fn lines(context: &Context, checkup: &Checkup, out: &mut Out) -> anyhow::Result<()> {
    for finding in &checkup.found {
        out.line(&text::safe(&finding.what))?;
    }
    for repair in &checkup.repairs {
        out.line(&format!("repaired: {}", text::safe(repair)))?;
    }
    if !checkup.repairs.is_empty() {
        for finding in &checkup.left {
            out.line(&format!("left: {}", text::safe(&finding.what)))?;
        }
    }
    if checkup.found.is_empty() && context.settings.terminal && !context.settings.quiet {
        out.line("ok")?;
    }
    Ok(())
}

fn records(checkup: &Checkup, out: &mut Out) -> anyhow::Result<()> {
    for finding in &checkup.found {
        out.json(&serde_json::json!({ "finding": finding.kind.as_str(), "message": finding.what }))?;
    }
    for repair in &checkup.repairs {
        out.json(&serde_json::json!({ "repaired": repair }))?;
    }
    out.json(&serde_json::json!({
        "ok": checkup.left.is_empty(),
        "findings": checkup.found.len(),
        "repairs": checkup.repairs.len(),
        "left": checkup.left.len(),
    }))
}
