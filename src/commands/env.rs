use std::collections::{BTreeMap, HashMap};
use std::ffi::{CString, OsStr, OsString};
use std::ops::ControlFlow;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use clap::{ArgMatches, Args, FromArgMatches};
use nix::errno::Errno;
use nix::unistd::{SysconfVar, sysconf};

use super::{Context, Spec, glob, own_failure};
use crate::exit::{Exit, Failure};
use crate::model::{Glob, Keys, Name};
use crate::process::{become_program, find_program_in};
use crate::text::{is_variable_name, quote};

pub const SPEC: Spec = Spec {
    name: "env",
    aliases: &[],
    about: "Run a command with the keys of groups as its environment",
    build: |command| {
        EnvArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder env web -- ./server\n  \
             larder env defaults web --upper --prefix app_ -- ./server\n  \
             larder env web --keep -- printenv PORT\n  \
             larder env web --glob 'DB_*' -- sh -c 'psql \"$DB_URL\"'",
        )
    },
    run,
};

/// Replace larder with the command: the same process, with the same standard
/// streams and signals, and each key of the groups as an environment variable.
/// If groups share a name, the later group wins, and groups win over the
/// caller's environment, unless --keep is given. Values are passed byte for
/// byte, and never on the command line, which every user can see. A group
/// without keys adds none. All groups are read in one snapshot; the command
/// does not see later changes.
///
/// A key that is not a valid variable name (letters, digits and _, not starting
/// with a digit) is an error, status 8, and so is a value that holds a NUL byte
/// or is too long for an environment; then nothing is run. --upper makes a name
/// of any key but an empty one: letters become upper case, every character
/// other than a letter or digit becomes _, and a leading digit is preceded by
/// _. Two keys of one group with the same resulting name are an error too.
///
/// The command is looked up in the PATH of its own environment. Status 125:
/// larder itself failed. 126, 127: the command cannot be executed, or does not
/// exist. Otherwise the status is the command's own.
#[derive(Args)]
struct EnvArgs {
    /// The groups; later ones win
    #[arg(id = "group", value_name = "GROUP", required = true)]
    groups: Vec<String>,
    /// Only keys that match P: * any run, ? one character, [...] a set
    #[arg(long, value_name = "P", value_parser = glob)]
    glob: Option<Glob>,
    /// Put P before each name
    #[arg(long, value_name = "P", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    prefix: String,
    /// Convert keys to variable names: db-host to DB_HOST
    #[arg(long)]
    upper: bool,
    /// Keep the values of variables that are already set
    #[arg(long)]
    keep: bool,
    /// The command
    #[arg(last = true, value_name = "CMD", required = true)]
    command: Vec<OsString>,
}

/// A variable that comes out of the store.
struct Variable {
    value: Vec<u8>,
    /// What messages call it.
    origin: String,
}

type Variables = BTreeMap<Vec<u8>, Variable>;

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = EnvArgs::from_arg_matches(matches)?;
    Err(start(context, &args).map_or_else(own_failure, Into::into))
}

/// Becomes the command, or says why not.
fn start(context: &Context, args: &EnvArgs) -> anyhow::Result<Failure> {
    let variables = variables(context, args)?;
    let mut environment = Vec::new();
    let mut left: BTreeMap<&[u8], &Variable> =
        variables.iter().map(|(name, variable)| (&**name, variable)).collect();
    for (name, value) in std::env::vars_os() {
        let ours = left.remove(name.as_bytes()).filter(|_| !args.keep);
        // A name that came twice is ours no more the second time.
        let replaced = ours.is_none() && !args.keep && variables.contains_key(name.as_bytes());
        if !replaced {
            let value = ours.map_or(value.as_bytes(), |variable| &variable.value);
            environment.push([name.as_bytes(), b"=", value].concat());
        }
    }
    environment.extend(left.into_iter().map(|(name, variable)| [name, b"=", &variable.value].concat()));
    let path = environment.iter().find_map(|word| word.strip_prefix(b"PATH=")).map(OsStr::from_bytes);
    let program = find_program_in(&args.command[0], path)?;
    let bytes: usize = environment.iter().map(|word| word.len() + 1).sum();
    let environment = words(environment)?;
    let command = words(args.command.iter().map(|word| word.clone().into_vec()).collect())?;
    let failed = become_program(&program, &command, &environment);
    Ok(explain(failed, &program, &variables, bytes))
}

/// Strings as the kernel takes them.
fn words(words: Vec<Vec<u8>>) -> anyhow::Result<Vec<CString>> {
    Ok(words.into_iter().map(CString::new).collect::<Result<_, _>>()?)
}

/// What the groups make of the environment.
fn variables(context: &Context, args: &EnvArgs) -> anyhow::Result<Variables> {
    let Some(store) = context.existing_to_get()? else { return Ok(Variables::new()) };
    let wanted = Keys { glob: args.glob.as_ref(), after: None };
    let groups = store.read(|tx| {
        let mut groups = Vec::new();
        for group in &args.groups {
            let mut entries = Vec::new();
            tx.entries(group, &wanted, true, |entry| {
                entries.push((entry.key, entry.value.unwrap_or_default()));
                Ok(ControlFlow::Continue(()))
            })?;
            groups.push((group, entries));
        }
        Ok(groups)
    })?;
    let mut variables = Variables::new();
    for (group, entries) in groups {
        let mut names: HashMap<Vec<u8>, Name<'static>> = HashMap::new();
        for (key, value) in entries {
            let origin = format!("key {} in group {}", key.quoted(), quote(group));
            let name = name_of(&key, args, &origin)?;
            if let Some(other) = names.insert(name.clone(), key.clone()) {
                let (group, name) = (quote(group), String::from_utf8_lossy(&name).into_owned());
                let why = format!(
                    "keys {} and {} in group {group} would both be {name}",
                    other.quoted(),
                    key.quoted()
                );
                return Err(Failure::new(Exit::BadData, why)
                    .hint("rename one of them, or exclude it with --glob")
                    .into());
            }
            if value.contains(&0) {
                let why = format!("the value of {origin} holds a NUL byte, which no variable can hold");
                return Err(Failure::new(Exit::BadData, why).hint("exclude it with --glob").into());
            }
            variables.insert(name, Variable { value, origin });
        }
    }
    Ok(variables)
}

/// The name of the variable that a key becomes.
fn name_of(key: &Name<'_>, args: &EnvArgs, origin: &str) -> Result<Vec<u8>, Failure> {
    let plain = [args.prefix.as_bytes(), key.as_bytes()].concat();
    if !args.upper && is_variable_name(&plain) {
        return Ok(plain);
    }
    let upper = upper(&plain);
    if args.upper && !key.is_empty() {
        return Ok(upper.into_bytes());
    }
    let shown =
        if args.prefix.is_empty() { String::new() } else { format!(", as {}", Name::new(plain).quoted()) };
    let rule = "letters, digits and _, not a digit first";
    let failure =
        Failure::new(Exit::BadData, format!("{origin}{shown} is not a valid variable name: {rule}"));
    Err(if key.is_empty() {
        failure.hint("exclude it with --glob '?*'")
    } else {
        failure.hint(format!("--upper would make it {upper}; --glob can exclude it"))
    })
}

/// A name of a variable, whatever the letters are.
fn upper(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let made: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if made.starts_with(|c: char| c.is_ascii_digit()) { format!("_{made}") } else { made }
}

/// Why the kernel did not take the command.
fn explain(errno: Errno, program: &Path, variables: &Variables, bytes: usize) -> Failure {
    let shown = quote(&program.to_string_lossy());
    match errno {
        Errno::E2BIG => {
            let page =
                sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|page| usize::try_from(page).ok());
            // Name, equals sign, value and NUL together.
            let longest = 32 * page.unwrap_or(4096);
            let too_long =
                variables.iter().find(|(name, variable)| name.len() + variable.value.len() + 2 > longest);
            let why = match too_long {
                Some((name, variable)) => format!(
                    "the value of {} is too long for an environment: {} bytes, and under this name the system takes {}",
                    variable.origin,
                    variable.value.len(),
                    longest.saturating_sub(name.len() + 2)
                ),
                None => format!(
                    "the environment and the arguments are too long together: the environment has {bytes} bytes"
                ),
            };
            Failure::new(Exit::BadData, why).hint("exclude keys with --glob, or pass values in a file")
        }
        Errno::ENOENT => Failure::new(Exit::Child(127), format!("the interpreter of {shown} does not exist")),
        errno => Failure::new(Exit::Child(126), format!("{shown} cannot be executed: {}", errno.desc())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (key, name) in [
            ("db-host", "DB_HOST"),
            ("DB_HOST", "DB_HOST"),
            ("9lives", "_9LIVES"),
            ("a.b:c/d e", "A_B_C_D_E"),
            ("é=1", "__1"),
            ("_x", "_X"),
        ] {
            assert_eq!(upper(key.as_bytes()), name);
            assert!(is_variable_name(name.as_bytes()));
        }
        for bad in ["", "1a", "a-b", "é", "a=b", "a b"] {
            assert!(!is_variable_name(bad.as_bytes()));
        }
    }
}
