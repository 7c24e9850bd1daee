//! Completion in bash: the words of a line as bash reads them, and names quoted
//! for the place they are put into.
//!
//! bash puts a completion into the line as it is given, in place of what stands
//! behind the last word break. So a name from a store must come quoted, or the
//! shell would run what is in it; and of a name with a colon, which is a word
//! break, only the part behind the last colon typed is asked for.

use std::ffi::OsString;
use std::io::{Error, Result, Write};
use std::path::Path;

use clap::Command;
use clap_complete::engine;
use clap_complete::env::EnvCompleter;

/// The line up to the cursor, in the environment of a question.
const LINE: &str = "LARDER_COMPLETE_LINE";

/// Characters at which bash breaks words, COMP_WORDBREAKS.
const BREAKS: &str = "LARDER_COMPLETE_BREAKS";

/// Completion in bash.
pub struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == self.name()
    }

    fn write_registration(&self, _: &str, _: &str, _: &str, _: &str, out: &mut dyn Write) -> Result<()> {
        out.write_all(include_bytes!("larder.bash"))
    }

    /// One answer a line: `word:TEXT` to complete with, or `open:TEXT` where
    /// more may follow without a blank.
    fn write_complete(
        &self,
        command: &mut Command,
        _: Vec<OsString>,
        current_dir: Option<&Path>,
        out: &mut dyn Write,
    ) -> Result<()> {
        let line = line().ok_or_else(|| Error::other("there is no line to complete"))?;
        let words = line.words.iter().map(OsString::from).collect();
        for candidate in engine::complete(command, words, line.words.len() - 1, current_dir)? {
            let Some(name) = candidate.get_value().to_str() else { continue };
            let Some(rest) = line.rest_of(name) else { continue };
            let kind = if name.ends_with(['=', '/', ':']) { "open" } else { "word" };
            writeln!(out, "{kind}:{rest}")?;
        }
        Ok(())
    }
}

/// The words of the line, the last one to be completed.
pub fn words() -> Option<Vec<OsString>> {
    Some(line()?.words.into_iter().map(OsString::from).collect())
}

fn line() -> Option<Line> {
    let line = std::env::var(LINE).ok()?;
    let breaks = std::env::var(BREAKS).unwrap_or_else(|_| " \t\n\"'@><=;|&(:".to_owned());
    Some(Line::parse(&line, &breaks))
}

/// How the text at some place in a line is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// A command line up to the cursor.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// Its words without their quoting; the last one is to be completed.
    words: Vec<String>,
    /// Bytes of the last word that stand before what bash replaces.
    kept: usize,
    /// The quote that is open at the cursor.
    quote: Quote,
}

impl Line {
    fn parse(text: &str, breaks: &str) -> Self {
        let mut line = Self { words: Vec::new(), kept: 0, quote: Quote::None };
        let mut word: Option<String> = None;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let so_far = word.as_ref().map_or(0, String::len);
            match (line.quote, c) {
                (Quote::None, ' ' | '\t' | '\n') => {
                    line.words.extend(word.take());
                    line.kept = 0;
                }
                (Quote::None, '\'' | '"') => {
                    line.quote = if c == '"' { Quote::Double } else { Quote::Single };
                    // Behind a quote bash begins to replace.
                    line.kept = so_far;
                    word.get_or_insert_default();
                }
                (Quote::Single, '\'') | (Quote::Double, '"') => {
                    line.quote = Quote::None;
                    line.kept = so_far;
                }
                (Quote::None, '\\') => word.get_or_insert_default().extend(chars.next()),
                (Quote::Double, '\\') => {
                    let next = chars.next();
                    let escapes = next.is_none_or(|next| matches!(next, '"' | '\\' | '$' | '`'));
                    let word = word.get_or_insert_default();
                    if !escapes {
                        word.push('\\');
                    }
                    word.extend(next);
                }
                (quote, c) => {
                    let word = word.get_or_insert_default();
                    word.push(c);
                    if quote == Quote::None && breaks.contains(c) {
                        line.kept = word.len();
                    }
                }
            }
        }
        line.words.push(word.unwrap_or_default());
        line
    }

    fn last(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }

    /// What bash is to put in place of the end of the line, so that the word
    /// becomes `name`; `None` if that word does not begin like the name.
    fn rest_of(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix(self.last().get(..self.kept)?)?;
        Some(quoted(rest, self.quote))
    }
}

/// `text` for a place where `quote` is open; bash closes it.
fn quoted(text: &str, quote: Quote) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match quote {
            Quote::Single if c == '\'' => out.push_str("'\\''"),
            // History is expanded within double quotes, and a backslash before
            // it would stay.
            Quote::Double if c == '!' => out.push_str("\"'!'\""),
            Quote::Double if matches!(c, '"' | '\\' | '$' | '`') => out.extend(['\\', c]),
            Quote::None if !is_plain(c) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// Whether a character means nothing to bash, wherever it stands.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() && !c.is_whitespace() || "_-.,/:@%+=".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAK: &str = " \t\n\"'@><=;|&(:";

    fn line(text: &str) -> Line {
        Line::parse(text, BREAK)
    }

    #[test]
    fn a_line_is_split_as_bash_splits_it() {
        let words = |text: &str| line(text).words;
        assert_eq!(words("larder get "), ["larder", "get", ""]);
        assert_eq!(words("larder get 'my group' wi"), ["larder", "get", "my group", "wi"]);
        assert_eq!(words(r#"larder get my\ group "a\$b\c"#), ["larder", "get", "my group", r"a$b\c"]);
        assert_eq!(words("larder set g '' ''"), ["larder", "set", "g", "", ""]);
    }

    #[test]
    fn what_is_put_in_is_quoted_for_its_place() {
        for (text, name, rest) in [
            ("larder get g co", "co$(touch x)", Some(r"co\$\(touch\ x\)")),
            ("larder get g 'co", "co$(x)'y", Some(r"co$(x)'\''y")),
            ("larder get g \"co", "co$(x)\"!y", Some(r#"co\$(x)\""'!'"y"#)),
            ("larder get tenant-a:j", "tenant-a:jobs", Some("jobs")),
            ("larder get ten", "tenant-a:jobs", Some("tenant-a:jobs")),
            ("larder get tenant-a\\:j", "tenant-a:jobs", Some("tenant-a:jobs")),
            ("larder get 'tenant-a:j", "tenant-a:jobs", Some("tenant-a:jobs")),
            ("larder get a:'b", "a:b c", Some("b c")),
            ("larder --color=al", "--color=always", Some("always")),
            ("larder get a:b", "other", None),
            ("larder get g x", "x;y|z&", Some(r"x\;y\|z\&")),
        ] {
            assert_eq!(line(text).rest_of(name).as_deref(), rest, "{text} -> {name}");
        }
    }
}
