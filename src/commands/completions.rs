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
/// options. It needs no store.
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
    fn every_shell_has_a_script_with_every_command() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for spec in super::super::ALL {
                assert!(script.contains(spec.name), "{shell}: {}", spec.name);
            }
        }
    }
}
