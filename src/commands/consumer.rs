use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use super::{Context, Spec};
use crate::exit::Exit;
use crate::model::Error;
use crate::output::Out;
use crate::output::table::{Cell, Column, Table};
use crate::store::{Claim, Claimed};
use crate::text::{self, quote};
use crate::units;

pub const SPEC: Spec = Spec {
    name: "consumer",
    aliases: &[],
    about: "List, move and delete consumers (named watch positions)",
    build: |command| {
        ConsumerArgs::augment_args(command).arg_required_else_help(false).after_help(
            "Examples:\n  \
             larder consumer list\n  \
             larder consumer reset shipping --to 1200\n  \
             larder consumer delete shipping",
        )
    },
    run,
};

/// A consumer is the position of a "larder watch --consumer NAME": the last
/// change it handled. Later changes are kept in the log until the consumer has
/// handled them, up to 4,000,000 changes or 1 GiB.
///
/// Read access is enough to create consumers (up to 16 without write access to
/// the whole namespace), and to watch as, reset and delete your own. Another
/// user's consumer requires write access to the whole namespace. With read
/// access to some groups only, the list shows only your own consumers. A name
/// has at most 255 bytes.
#[derive(Args)]
struct ConsumerArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List consumers, their positions and their numbers of unhandled changes
    #[command(after_help = "Examples:\n  larder consumer list --json")]
    List,
    /// Move a consumer's position
    #[command(
        after_help = "Examples:\n  larder consumer reset shipping\n  larder consumer reset shipping --to 0"
    )]
    Reset {
        /// The consumer
        name: String,
        /// The last change to count as handled; by default the newest
        #[arg(long, value_name = "SEQ", value_parser = units::count)]
        to: Option<i64>,
    },
    /// Delete a consumer, so that the change log can be trimmed
    #[command(after_help = "Examples:\n  larder consumer delete shipping")]
    Delete {
        /// The consumer
        name: String,
    },
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    match ConsumerArgs::from_arg_matches(matches)?.action {
        Action::List => list(context),
        Action::Reset { name, to } => change(context, &name, to.map_or(Step::ToNewest, Step::To)),
        Action::Delete { name } => change(context, &name, Step::Delete),
    }
}

const COLUMNS: &[Column] = &[
    Column::text("CONSUMER"),
    Column::number("POSITION"),
    Column::number("BEHIND"),
    Column::text("MOVED"),
    Column::text("READER"),
];

fn list(context: &Context) -> anyhow::Result<Exit> {
    let Some(store) = context.open()? else { return Ok(Exit::Success) };
    let (consumers, newest, now) = store.read(|tx| Ok((tx.consumers()?, tx.log_span()?.newest, tx.now)))?;
    let mut out = Out::default();
    let mut table = context.settings.terminal.then(|| Table::new(&context.settings, COLUMNS));
    for consumer in consumers {
        let lag = (newest - consumer.position).max(0);
        if context.settings.json {
            out.json(&serde_json::json!({
                "name": consumer.name,
                "position": consumer.position,
                "lag": lag,
                "updated_at": consumer.updated_at.to_string(),
                "holder": consumer.holder,
            }))?;
        } else if let Some(table) = &mut table {
            let cells = [
                Cell::text(&consumer.name),
                Cell::number(consumer.position),
                Cell::number(lag),
                Cell::past(consumer.updated_at, now),
                Cell::text(&consumer.holder),
            ];
            table.row(&mut out, cells)?;
        } else {
            let (name, holder) = (text::field(&consumer.name), text::field(&consumer.holder));
            out.line(&format!("{name}\t{}\t{lag}\t{}\t{holder}", consumer.position, consumer.updated_at))?;
        }
    }
    if let Some(table) = &mut table {
        table.finish_or(&mut out, "consumer: there are no consumers")?;
    }
    out.finish()?;
    Ok(Exit::Success)
}

/// What happens to a consumer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    To(i64),
    ToNewest,
    Delete,
}

/// Moves or forgets a consumer; not while a watch reads as it, which would
/// move it back.
fn change(context: &Context, name: &str, step: Step) -> anyhow::Result<Exit> {
    let absent = || Error::Absent(format!("there is no consumer {}", quote(name)));
    // Before a claim is taken that could keep others out.
    let Some(store) = context.open()? else { return Err(absent().into()) };
    store.read(|tx| tx.permit_consumer_change(name))?;
    drop(store);
    let claim = Claim::take(&context.store_path()?, Claimed::Consumer(&context.settings.scope.stored(name)))?;
    let store = context.open()?.ok_or_else(absent)?;
    let Some(consumer) = store.read(|tx| tx.consumer(name))? else { return Err(absent().into()) };
    if claim.is_none() {
        return Err(Error::Busy(format!("consumer {} is in use by {}", quote(name), consumer.holder)).into());
    }
    store.write(|tx| match step {
        Step::Delete => tx.delete_consumer(name).map(|_| ()),
        Step::ToNewest => tx.reset_consumer(name, tx.log_span()?.newest),
        Step::To(to) => tx.reset_consumer(name, to),
    })?;
    drop(store);
    drop(claim);
    if context.settings.json {
        let mut out = Out::default();
        out.json(&serde_json::json!({ "name": name, "deleted": step == Step::Delete }))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}
