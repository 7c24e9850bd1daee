use std::ops::ControlFlow;

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, glob};
use crate::exit::Exit;
use crate::model::{Glob, Keys};
use crate::output::Out;

pub const SPEC: Spec = Spec {
    name: "count",
    aliases: &[],
    about: "Count the keys of a group, or of everything",
    build: |command| {
        CountArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder count session\n  \
             larder count session --glob 'user-*'\n  \
             larder -n tenant-a count",
        )
    },
    run,
};

/// Print the number of live keys: in a group, or in everything in scope.
#[derive(Args)]
struct CountArgs {
    /// The group; by default all groups in scope
    group: Option<String>,
    /// Only keys that match P (* ? [...]); without GROUP, only groups that do
    #[arg(long, value_name = "P", value_parser = glob)]
    glob: Option<Glob>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = CountArgs::from_arg_matches(matches)?;
    let wanted = Keys { glob: args.glob.as_ref(), after: None };
    let count = match context.existing()? {
        None => 0,
        Some(store) => store.read(|tx| {
            let mut count = 0;
            match (&args.group, &args.glob) {
                (Some(group), None) => return tx.count(group),
                (None, None) => return tx.count_all(),
                (Some(group), Some(_)) => tx.entries(group, &wanted, false, |_| {
                    count += 1;
                    Ok(ControlFlow::Continue(()))
                })?,
                (None, Some(_)) => tx.groups(&wanted, |group| {
                    count += group.keys;
                    Ok(ControlFlow::Continue(()))
                })?,
            }
            Ok(count)
        })?,
    };
    let mut out = Out::default();
    if context.settings.json {
        out.json(&serde_json::json!({ "count": count }))?;
    } else {
        out.line(&count.to_string())?;
    }
    out.finish()?;
    Ok(Exit::Success)
}
