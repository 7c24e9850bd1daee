use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec};
use crate::exit::Exit;
use crate::output::Out;

pub const SPEC: Spec = Spec {
    name: "incr",
    aliases: &[],
    about: "Add to a number and print the sum",
    build: |command| {
        IncrArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder incr stats visits\n  \
             larder incr stock apples --by -3",
        )
    },
    run,
};

/// Adds to an integer of 64 bits and prints the sum, atomically across
/// processes. A key that does not exist starts at 0; one that does keeps its
/// time to live.
#[derive(Args)]
struct IncrArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// Add N, which may be negative
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    by: i64,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = IncrArgs::from_arg_matches(matches)?;
    let (value, version) = context.create()?.write(|tx| tx.incr(&args.group, &args.key, args.by))?;
    let mut out = Out::default();
    if context.settings.json {
        out.json(&serde_json::json!({ "value": value, "version": version }))?;
    } else {
        out.line(&value.to_string())?;
    }
    out.finish()?;
    Ok(Exit::Success)
}
