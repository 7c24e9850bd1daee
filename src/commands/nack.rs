use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::json;

use super::ack::refuse_stale;
use super::set::within_calendar;
use super::{Context, Spec};
use crate::exit::Exit;
use crate::model::{Ended, Name};
use crate::output::Out;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "nack",
    aliases: &[],
    about: "Return a job to its queue",
    build: |command| {
        NackArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder nack mails \"$key\" \"$receipt\"\n  \
             larder nack mails \"$key\" \"$receipt\" --delay 30s",
        )
    },
    run,
};

/// Free a job that 'larder take' without a command has printed, for the next
/// 'take'. The attempt counts: at as many attempts as the --retry of that
/// 'take', the job is moved to the group of dead jobs. Status 3 if the receipt
/// is no longer valid, as for 'ack'.
#[derive(Args)]
struct NackArgs {
    /// The group
    group: String,
    /// The key of the job
    key: String,
    /// The receipt printed by 'take'
    receipt: String,
    /// Make the job available only after DUR
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    delay: Option<Duration>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = NackArgs::from_arg_matches(matches)?;
    if let Some(delay) = args.delay {
        within_calendar(context.now(), delay)?;
    }
    let key = Name::from(&args.key);
    let ended = match context.existing_to_write()? {
        Some(store) => store.write(|tx| tx.nack(&args.group, &key, &args.receipt, args.delay))?,
        None => Ended::NotHeld,
    };
    refuse_stale(ended, &args.group, &key)?;
    if context.settings.json {
        let mut out = Out::default();
        let free_at = match ended {
            Ended::Free(at) => Some(at.to_string()),
            _ => None,
        };
        out.json(&json!({"group": args.group, "key": args.key, "free_at": free_at}))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}
