//! Patterns over names, by SQLite's GLOB rules.
//!
//! Matched here and not by SQLite because SQLite's matcher stops at a NUL
//! byte, and because the watch matches names that are in no table.

/// A pattern: `*` any run, `?` one character, `[…]` one of a set (`a-z`
/// ranges, `^` first negates, `]` first is itself); everything else is itself.
/// Case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Run,
    One,
    Literal(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// `Err` says what is wrong with the pattern.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            tokens.push(match c {
                '*' => {
                    if tokens.last() == Some(&Token::Run) {
                        continue;
                    }
                    Token::Run
                }
                '?' => Token::One,
                '[' => {
                    let negated = rest.next_if_eq(&'^').is_some();
                    let mut ranges = Vec::new();
                    loop {
                        let low = match rest.next() {
                            Some(']') if !ranges.is_empty() => break,
                            Some(low) => low,
                            None => return Err(format!("the set in pattern {pattern:?} has no closing ]")),
                        };
                        let mut ahead = rest.clone();
                        if ahead.next() == Some('-')
                            && let Some(high) = ahead.next()
                            && high != ']'
                        {
                            rest = ahead;
                            ranges.push((low, high));
                        } else {
                            ranges.push((low, low));
                        }
                    }
                    Token::Set { negated, ranges }
                }
                literal => Token::Literal(literal),
            });
        }
        Ok(Self { tokens })
    }

    /// The pattern of all names that begin with `text`, in which nothing is
    /// special.
    #[must_use]
    pub fn prefix(text: &str) -> Self {
        Self { tokens: text.chars().map(Token::Literal).chain([Token::Run]).collect() }
    }

    /// Whether the whole of `name` fits. A byte that is no UTF-8 counts as one
    /// character, unlike any that can be in a pattern. Linear in pattern times
    /// name: after a mismatch only the last `*` is tried again.
    #[must_use]
    pub fn matches(&self, name: impl AsRef<[u8]>) -> bool {
        let mut at = 0;
        let mut rest = Characters(name.as_ref());
        let mut retry: Option<(usize, Characters<'_>)> = None;
        loop {
            if let Some(Token::Run) = self.tokens.get(at) {
                at += 1;
                retry = Some((at, rest.clone()));
                continue;
            }
            let mut ahead = rest.clone();
            let fits = match (self.tokens.get(at), ahead.next()) {
                (None, None) => return true,
                (Some(token), Some(c)) => token.fits(c),
                _ => false,
            };
            if fits {
                at += 1;
                rest = ahead;
                continue;
            }
            let Some((after_run, mut from)) = retry else { return false };
            if from.next().is_none() {
                return false;
            }
            at = after_run;
            rest = from.clone();
            retry = Some((after_run, from));
        }
    }

    /// The text every match starts with, to narrow a search.
    #[must_use]
    pub fn literal_prefix(&self) -> String {
        self.tokens
            .iter()
            .map_while(|token| if let Token::Literal(c) = token { Some(*c) } else { None })
            .collect()
    }
}

/// The characters of a name; `None` for a byte that is no part of one.
#[derive(Clone)]
struct Characters<'a>(&'a [u8]);

impl Iterator for Characters<'_> {
    type Item = Option<char>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = *self.0.first()?;
        let length = match first {
            0..0x80 => 1,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0.. => 4,
            _ => 0,
        };
        let text = self.0.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let c = text.and_then(|text| text.chars().next());
        self.0 = &self.0[if c.is_some() { length } else { 1 }..];
        Some(c)
    }
}

impl Token {
    fn fits(&self, c: Option<char>) -> bool {
        match self {
            Self::Run | Self::One => true,
            Self::Literal(literal) => Some(*literal) == c,
            Self::Set { negated, ranges } => {
                c.is_some_and(|c| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c))) != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_sqlite() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        let patterns = [
            "", "*", "?", "a*", "*a", "a?c", "[abc]", "[^abc]*", "[a-c]x", "[]]", "[]-]", "[^]]", "a*b*c",
            "**", "é?", "[à-ü]", "*.conf", "[a-]", "a[", "?*?",
        ];
        let names = [
            "", "a", "b", "abc", "axc", "]", "-", "cx", "aXbYc", "éx", "ü", "x.conf", "A", "aa", "*", "[",
            "a[",
        ];
        for pattern in patterns {
            let Ok(glob) = Glob::new(pattern) else {
                assert_eq!(pattern, "a[");
                continue;
            };
            for name in names {
                let expected: bool =
                    conn.query_row("SELECT ?2 GLOB ?1", [pattern, name], |row| row.get(0)).unwrap();
                assert_eq!(glob.matches(name), expected, "{name:?} GLOB {pattern:?}");
            }
        }
    }

    #[test]
    fn a_pattern_of_many_stars_stays_quick() {
        let glob = Glob::new(&"*a".repeat(200)).unwrap();
        assert!(!glob.matches("a".repeat(199)));
        assert!(glob.matches("a".repeat(100_000)));
    }

    #[test]
    fn bytes_that_are_no_text_are_characters_too() {
        let matches = |pattern: &str, name: &[u8]| Glob::new(pattern).unwrap().matches(name);
        for (pattern, name) in [
            ("*", &b"\xff"[..]),
            ("?", b"\xff"),
            ("a?b", b"a\xc3b"),
            ("[^a]*é", b"\x80x\xc3\xa9"),
            ("a*", b"a\xe2\x82"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name:?}");
        }
        assert!(
            !matches("?", b"\xff\xff") && !matches("[a-\u{ffff}]", b"\xff") && !matches("\u{fffd}", b"\xff")
        );
    }

    #[test]
    fn nul_is_a_character() {
        assert!(!Glob::new("a").unwrap().matches("a\0b"));
        assert!(Glob::new("a?b").unwrap().matches("a\0b"));
        assert_eq!(Glob::new("ab*c").unwrap().literal_prefix(), "ab");
    }
}
