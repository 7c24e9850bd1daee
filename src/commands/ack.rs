use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::json;

use super::{Context, Spec};
use crate::exit::{Exit, Failure};
use crate::model::{Ended, Name};
use crate::output::Out;
use crate::text::quote;

pub const SPEC: Spec = Spec {
    name: "ack",
    aliases: &[],
    about: "Mark a job as done",
    build: |command| {
        AckArgs::augment_args(command).after_help(
            "Examples:\n  \
             job=$(larder take mails --timeout 10s)\n  \
             larder ack mails \"$(jq -r .key <<<$job)\" \"$(jq -r .receipt <<<$job)\"",
        )
    },
    run,
};

/// Delete a job that 'larder take' without a command has printed. Status 3 if
/// the receipt is no longer valid: the lease has expired, so another worker may
/// have the job, or has been ended; or the entry was overwritten meanwhile,
/// which makes it a new job, and stays.
#[derive(Args)]
struct AckArgs {
    /// The group
    group: String,
    /// The key of the job
    key: String,
    /// The receipt printed by 'take'
    receipt: String,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = AckArgs::from_arg_matches(matches)?;
    let key = Name::from(&args.key);
    let ended = match context.existing_to_write()? {
        Some(store) => store.write(|tx| tx.ack(&args.group, &key, &args.receipt))?,
        None => Ended::NotHeld,
    };
    refuse_stale(ended, &args.group, &key)?;
    if context.settings.json {
        let mut out = Out::default();
        out.json(&json!({"deleted": 1}))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}

/// Status 3 for a receipt that is no longer valid.
pub(super) fn refuse_stale(ended: Ended, group: &str, key: &Name<'_>) -> Result<(), Failure> {
    let why = match ended {
        Ended::NotHeld => "is not valid: the lease has expired, was ended, or belongs to another worker",
        Ended::Anew => "is for an earlier version: the entry was overwritten, and is a new job",
        _ => return Ok(()),
    };
    let job = format!("the receipt for key {} in group {}", key.quoted(), quote(group));
    Err(Failure::new(Exit::ConditionFailed, format!("{job} {why}")))
}
