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

/// Gives a key another name, over what is there; its time to live stays.
/// Without KEY it renames the group: all its keys go to the other one, where
/// keys that only that one has stay. All of it happens or nothing.
///
/// Nobody ever sees both names or neither, and no quota is asked to hold both.
/// The change log has a delete of the old name and a set of the new one; of a
/// group a set for each key, then one delete_group.
///
/// Status 1: there is no such key or group. 3: with --if-absent, the key to
/// write exists, or the group holds a key.
#[derive(Args)]
struct RenameArgs {
    #[command(flatten)]
    what: Names,
}
