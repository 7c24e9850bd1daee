//! Questions to a person, before something goes that cannot be brought back.

use std::io::{BufRead, IsTerminal, Write};

use crate::exit::Failure;
use crate::settings::Settings;
use crate::text;

/// Makes sure that somebody means it: by `--yes`, or by an answer, if there is
/// a person to ask. There is one where standard input and standard error are a
/// terminal, and nobody wants JSON.
///
/// # Errors
/// `missing` if there is nobody to ask; a usage error if the answer is no.
pub(super) fn confirm(
    settings: &Settings,
    yes: bool,
    question: impl FnOnce() -> anyhow::Result<String>,
    missing: Failure,
) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    if settings.json || !stdin.is_terminal() || !stderr.is_terminal() {
        return Err(missing.into());
    }
    let asked = format!("{} [y/N] ", text::safe(&question()?));
    stderr.write_all(asked.as_bytes()).map_err(|e| Failure::io("standard error", e))?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(|e| Failure::io("standard input", e))?;
    if answer.is_empty() {
        // The end of input leaves the cursor behind the question.
        let _ = stderr.write_all(b"\n");
    }
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::usage("not confirmed; nothing was changed").hint("answer y, or add --yes").into()),
    }
}

/// A number of things, in words.
pub(super) fn count(number: i64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}
