//! Text: escapes that keep lines whole and terminals safe.

use std::borrow::Cow;

/// A name or value as a field of a TAB-separated line: tabs, newlines and
/// backslashes as `\t`, `\n`, `\\`.
#[must_use]
pub fn field(text: &str) -> Cow<'_, str> {
    if !text.contains(['\t', '\n', '\\']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n"))
}

/// Text from the store as a terminal may safely show it: control characters,
/// C1 included, and characters that reorder what follows them become escapes.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if is_unsafe(c) && u32::from(c) < 0x100 => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_unsafe(c) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A whole value on a terminal: like [`safe`], but its own line breaks and
/// tabs stay.
#[must_use]
pub fn safe_lines(text: &str) -> String {
    text.split_inclusive(['\n', '\t'])
        .flat_map(|piece| {
            let (body, end) = match piece.strip_suffix(['\n', '\t']) {
                Some(body) => (body, &piece[body.len()..]),
                None => (piece, ""),
            };
            [safe(body), Cow::Borrowed(end)]
        })
        .collect()
}

/// Drops ANSI style sequences (`ESC [ … m`).
#[must_use]
pub fn without_styles(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..at]);
        rest = rest[at..].split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back() {
        assert_eq!(field("plain é"), "plain é");
        assert_eq!(field("a\tb\nc\\d"), "a\\tb\\nc\\\\d");
    }

    #[test]
    fn terminals_are_safe() {
        assert_eq!(safe("\u{1b}[31mred\u{9b}\u{202e}x"), "\\x1b[31mred\\x9b\\u{202e}x");
        assert_eq!(safe_lines("a\n\u{7}b\t."), "a\n\\x07b\t.");
    }
}
