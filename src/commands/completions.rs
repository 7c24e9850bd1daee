use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec};
use crate::exit::Exit;
use crate::generate::scripts::{Shell, script};
use crate::output::Out;

pub const SPEC: Spec = Spec {
    name: "completions",
    aliases: &[],
    about: "Print a completion script for a shell",
    build: |command| {
        CompletionsArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder completions bash > ~/.local/share/bash-completion/completions/larder\n  \
             larder completions zsh > ~/.zfunc/_larder\n  \
             larder completions fish > ~/.config/fish/completions/larder.fish\n  \
             larder completions nushell > ~/.config/nushell/autoload/larder.nu",
        )
    },
    run,
};

/// Print a script for completion of larder's commands and options in a shell,
/// and in bash, zsh and fish also of groups, keys, namespaces and consumers,
/// which are read from the store at each press of the key. It creates and
/// changes no file; without a store it offers no names.
#[derive(Args)]
struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = CompletionsArgs::from_arg_matches(matches)?;
    let mut out = Out::default();
    out.write(&script(args.shell, (context.parser)()))?;
    out.finish()?;
    Ok(Exit::Success)
}
