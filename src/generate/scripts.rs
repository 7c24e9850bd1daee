//! Completion scripts. Those of bash, zsh and fish ask larder for what may come
//! next; those of other shells carry the commands and options themselves.

use clap::{Arg, Command, ValueEnum, ValueHint};
use clap_complete::{Generator, Shell as Known, generate};
use clap_complete_nushell::Nushell;

/// The shells that there is a script for.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[allow(missing_docs)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// The script of one shell.
#[must_use]
pub fn script(shell: Shell, parser: Command) -> Vec<u8> {
    match shell {
        Shell::Bash => include_bytes!("complete/larder.bash").to_vec(),
        Shell::Fish => include_bytes!("complete/larder.fish").to_vec(),
        Shell::Zsh => include_bytes!("complete/larder.zsh").to_vec(),
        Shell::Elvish => carrying(Known::Elvish, parser),
        Shell::PowerShell => carrying(Known::PowerShell, parser),
        Shell::Nushell => carrying(Nushell, parser),
    }
}

/// A script for a shell that cannot ask: it carries the parser.
fn carrying(generator: impl Generator, parser: Command) -> Vec<u8> {
    let mut script = Vec::new();
    generate(generator, &mut hinted(parser), "larder", &mut script);
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
    use super::*;

    #[test]
    fn every_shell_has_a_script() {
        let parser = crate::cli::full_command;
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell, parser())).unwrap();
            assert!(script.contains("larder"), "{shell:?}");
            // Those that cannot ask carry the commands themselves.
            let asks = matches!(shell, Shell::Bash | Shell::Fish | Shell::Zsh);
            let knows_all = || parser().get_subcommands().all(|sub| script.contains(sub.get_name()));
            assert!(asks || knows_all(), "{shell:?}");
        }
    }
}
