use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, ValueHint};
use clap_complete::Shell;

use super::{Context, Spec};
use crate::exit::Exit;
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
             larder completions fish > ~/.config/fish/completions/larder.fish",
        )
    },
    run,
};

/// Prints a script that teaches a shell to complete larder's commands and
/// options, and in bash, zsh and fish also groups, keys, namespaces and
/// consumers, read from the store at each press of the key. It makes and
/// changes no file; where there is no store, there is nothing to offer.
#[derive(Args)]
struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

fn run(_context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = CompletionsArgs::from_arg_matches(matches)?;
    let mut out = Out::default();
    out.write(&script(args.shell))?;
    out.finish()?;
    Ok(Exit::Success)
}

/// The script of one shell.
fn script(shell: Shell) -> Vec<u8> {
    if let Some(live) = super::complete::script(shell) {
        return live.to_vec();
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut hinted(crate::cli::full_command()), "larder", &mut script);
    script
}

/// The parser, told what its arguments are: shells offer files for what they
/// know nothing about, and a key is no file.
fn hinted(command: Command) -> Command {
    let hint = |arg: Arg| {
        let name = arg.get_value_names().and_then(|names| names.first()).map(|name| name.to_string());
        let hint = match name.as_deref() {
            _ if !arg.get_action().takes_values() || arg.get_value_hint() != ValueHint::Unknown => {
                return arg;
            }
            Some("FILE" | "PATH" | "TEMPLATE" | "DIR") => ValueHint::AnyPath,
            Some("CMD") => ValueHint::CommandName,
            _ => ValueHint::Other,
        };
        arg.value_hint(hint)
    };
    command.mut_args(hint).mut_subcommands(hinted)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_has_a_script() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            assert!(script.contains("larder"), "{shell}");
            // Those that cannot ask carry the commands themselves.
            let live = super::super::complete::script(*shell).is_some();
            assert!(live || super::super::ALL.iter().all(|spec| script.contains(spec.name)), "{shell}");
        }
    }
}
