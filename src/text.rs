//! Text: escapes that keep lines whole and terminals safe.

use std::borrow::Cow;

/// A name in quotes, control characters escaped, cut after 60 characters.
#[must_use]
pub fn quote(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((cut, _)) => format!("{:?}…", &name[..cut]),
        None => format!("{name:?}"),
    }
}

/// The reason alone: Rust appends "(os error 28)", which helps nobody.
#[must_use]
pub fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Line breaks and other control characters shown as escapes.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// A name or value as a field of a TAB-separated line: tabs, newlines and
/// backslashes as `\t`, `\n`, `\\`.
#[must_use]
pub fn field(text: &str) -> Cow<'_, str> {
    if !text.contains(['\t', '\n', '\\']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n"))
}

/// The same for bytes that may be no text.
#[must_use]
pub fn field_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return match field(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
    }
    let mut escaped = Vec::with_capacity(bytes.len() + 8);
    for byte in bytes {
        match byte {
            b'\t' => escaped.extend(b"\\t"),
            b'\n' => escaped.extend(b"\\n"),
            b'\\' => escaped.extend(b"\\\\"),
            _ => escaped.push(*byte),
        }
    }
    Cow::Owned(escaped)
}

/// Text from the store as a terminal may safely show it: control characters,
/// C1 included, and characters that are invisible or reorder what follows them
/// become escapes. The joiner inside an emoji stays.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            JOINER if before.is_some_and(is_of_emoji) && chars.peek().copied().is_some_and(is_of_emoji) => {
                shown.push(c);
            }
            c if is_unsafe(c) && u32::from(c) < 0x100 => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_unsafe(c) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
        before = Some(c);
    }
    Cow::Owned(shown)
}

/// JSON as a terminal may safely show it: what [`safe`] escapes is `\uXXXX`. It
/// means the same, because such characters can only stand in strings.
#[must_use]
pub fn safe_json(json: &str) -> Cow<'_, str> {
    // JSON itself escapes what lies below a blank.
    let is_unsafe = |c: char| c >= '\u{7f}' && is_unsafe(c);
    if !json.contains(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_unsafe(c) {
            shown.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A name as a terminal may safely show it: like [`safe`], and bytes that are no
/// UTF-8 as `\xNN`.
#[must_use]
pub fn safe_name(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(name) {
        return safe(text);
    }
    let mut shown = String::with_capacity(name.len() + 8);
    for chunk in name.utf8_chunks() {
        shown.push_str(&safe(chunk.valid()));
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(shown)
}

/// Makes one emoji of two.
pub const JOINER: char = '\u{200d}';

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Pictographs, the arrows and signs that emoji are made with, skin tones, and
/// the selector that follows some: none of them in any script's words.
fn is_of_emoji(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
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

/// Whether shells take this for the name of a variable.
#[must_use]
pub fn is_variable_name(name: impl AsRef<[u8]>) -> bool {
    let name = name.as_ref();
    name.first().is_some_and(|first| !first.is_ascii_digit())
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
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
        assert_eq!(safe("\u{61c}x"), "\\u{61c}x");
        assert_eq!(safe_name(b"a\xff\n\xc3\xa9"), "a\\xff\\né");
        assert_eq!(
            safe_json("{\"\u{7f}é\\n\u{9b}\u{202e}\":\"🚀\"}\n"),
            "{\"\\u007fé\\n\\u009b\\u202e\":\"🚀\"}\n"
        );
        assert_eq!(safe_lines("a\n\u{7}b\t."), "a\n\\x07b\t.");
    }

    #[test]
    fn emoji_stay_whole() {
        for emoji in [
            "👩🏽\u{200d}🚀",
            "❤\u{fe0f}\u{200d}🔥",
            "👨\u{200d}👩\u{200d}👧",
            "🏃\u{200d}♀\u{fe0f}\u{200d}➡\u{fe0f}",
        ] {
            assert_eq!(safe(emoji), emoji);
        }
        assert_eq!(safe("a\u{200d}b"), "a\\u{200d}b");
        assert_eq!(safe("\u{200d}🚀\u{200d}"), "\\u{200d}🚀\\u{200d}");
        assert_eq!(safe("👩\u{200d}\u{200d}🚀"), "👩\\u{200d}\\u{200d}🚀");
        assert_eq!(safe("👩\u{200d}\u{202e}🚀"), "👩\\u{200d}\\u{202e}🚀");
    }
}
