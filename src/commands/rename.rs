use clap::{Args, FromArgMatches};

use super::Spec;
use super::copy::{Names, Verb, run};

pub const SPEC: Spec = Spec {
    name: "rename",
    aliases: &["mv"],
    about: "Rename a key, or a whole group",
    build: |command| {
        RenameArgs::augment_args(command)
            .override_usage(
                "larder rename [OPTIONS] <GROUP> <KEY> <TO_KEY> [--to-group <G>]\n       \
             larder rename [OPTIONS] <GROUP> --to-group <G>",
            )
            .after_help(
                "Examples:\n  \
             larder rename config color colour\n  \
             larder rename config colour colour --to-group old-config\n  \
             larder rename config --to-group old-config --if-absent",
            )
    },
    run: |context, matches| {
        let RenameArgs { what } = RenameArgs::from_arg_matches(matches)?;
        run(context, &what, &Verb::RENAME)
    },
};

/// Rename a key, replacing any existing one of that name; its TTL stays.
/// Without KEY, rename the group: all its keys move to the target group, whose
/// other keys stay. Either everything is renamed or nothing.
///
/// No reader ever sees both names or neither, and no quota has to hold both.
/// The change log gets a delete of the old name and a set of the new one; for a
/// group a set for each key, then one delete_group.
///
/// Status 1: the key or group does not exist. 3: with --if-absent, the target
/// key exists, or the target group holds a key.
#[derive(Args)]
struct RenameArgs {
    #[command(flatten)]
    what: Names,
}
