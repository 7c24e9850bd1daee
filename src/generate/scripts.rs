//! Completion scripts. Those of bash, zsh and fish ask larder for what may come
//! next; those of other shells carry the commands and options themselves.

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

/// The script of one shell.
#[must_use]
pub fn script(shell: Shell, parser: Command) -> Vec<u8> {
    if let Some(live) = live(shell) {
        return live.to_vec();
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut hinted(parser), "larder", &mut script);
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

/// The script that makes bash, zsh or fish ask; `None` for shells that cannot.
fn live(shell: Shell) -> Option<&'static [u8]> {
    Some(match shell {
        Shell::Bash => include_bytes!("complete/larder.bash"),
        Shell::Zsh => include_bytes!("complete/larder.zsh"),
        Shell::Fish => include_bytes!("complete/larder.fish"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_has_a_script() {
        let parser = crate::cli::full_command;
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell, parser())).unwrap();
            assert!(script.contains("larder"), "{shell}");
            // Those that cannot ask carry the commands themselves.
            let knows_all = || parser().get_subcommands().all(|sub| script.contains(sub.get_name()));
            assert!(live(*shell).is_some() || knows_all(), "{shell}");
        }
    }
}
