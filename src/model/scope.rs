//! Namespaces as names: the prefix that keeps tenants apart.

use std::borrow::Cow;

use crate::model::Name;

/// A tenant's name: one or more of `A-Z a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Namespace(String);

impl Namespace {
    /// `None` if `name` is not a legal namespace.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let legal = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        legal.then(|| Self(name.to_owned()))
    }

    /// The name, without the colon that joins it to a group.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// First stored group name of this namespace: the empty group.
    #[must_use]
    pub fn first_group(&self) -> String {
        format!("{}:", self.0)
    }

    /// The first stored name past this namespace. Ranges, not LIKE: LIKE
    /// ignores ASCII case and would give tenant `a` the groups of `A`.
    #[must_use]
    pub fn past_last_group(&self) -> String {
        format!("{};", self.0)
    }
}

/// What an operation can reach: one namespace, or the whole store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(pub Option<Namespace>);

impl Scope {
    /// The name under which a group of this scope is stored.
    #[must_use]
    pub fn stored<'a>(&self, group: &'a str) -> Cow<'a, str> {
        match &self.0 {
            None => Cow::Borrowed(group),
            Some(namespace) => Cow::Owned(format!("{}:{group}", namespace.as_str())),
        }
    }

    /// The same for any group.
    #[must_use]
    pub fn stored_name<'a>(&self, group: &'a Name<'_>) -> Name<'a> {
        match &self.0 {
            None => group.borrowed(),
            Some(namespace) => group.behind(&namespace.first_group()),
        }
    }

    /// A stored group as this scope names it.
    #[must_use]
    pub fn name_of<'a>(&self, stored: &'a Name<'_>) -> Name<'a> {
        let prefix = self.prefix_of(stored).unwrap_or_default();
        stored.past(prefix)
    }

    /// Bytes of the prefix with which a group of this scope is stored; `None`
    /// if the group is not in it.
    fn prefix_of(&self, stored: &Name<'_>) -> Option<usize> {
        let Some(namespace) = &self.0 else { return Some(0) };
        let rest = stored.as_bytes().strip_prefix(namespace.as_str().as_bytes())?;
        rest.starts_with(b":").then_some(namespace.as_str().len() + 1)
    }

    /// A name stored with this scope's prefix as the scope has it.
    #[must_use]
    pub fn named<'a>(&self, stored: &'a str) -> &'a str {
        match &self.0 {
            None => stored,
            Some(namespace) => stored
                .strip_prefix(namespace.as_str())
                .and_then(|rest| rest.strip_prefix(':'))
                .unwrap_or(stored),
        }
    }

    /// Whether a stored group name lies in this scope.
    #[must_use]
    pub fn holds(&self, stored: &Name<'_>) -> bool {
        self.prefix_of(stored).is_some()
    }

    /// The range of one group of this scope, from its own name to the next
    /// possible one, or of all of them.
    #[must_use]
    pub fn range_of(&self, group: Option<&str>) -> (String, Option<String>) {
        match group {
            None => self.range(),
            Some(group) => {
                let stored = self.stored(group).into_owned();
                let next = format!("{stored}\0");
                (stored, Some(next))
            }
        }
    }

    /// The stored group names of this scope: from the first, inclusive, to the
    /// second, exclusive; `None` is no upper bound.
    #[must_use]
    pub fn range(&self) -> (String, Option<String>) {
        match &self.0 {
            None => (String::new(), None),
            Some(namespace) => (namespace.first_group(), Some(namespace.past_last_group())),
        }
    }
}

/// The namespace of a stored group, if its name begins with one.
#[must_use]
pub fn namespace_of(stored: &Name<'_>) -> Option<Namespace> {
    let colon = stored.as_bytes().iter().position(|b| *b == b':')?;
    Namespace::new(std::str::from_utf8(&stored.as_bytes()[..colon]).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ranges() {
        let scope = Scope(Namespace::new("a"));
        assert_eq!(scope.stored("g"), "a:g");
        assert_eq!(scope.named("a:g:h"), "g:h");
        for inside in ["a:", "a:g", "a:\u{10ffff}"] {
            let (low, high) = scope.range();
            assert!(scope.holds(&inside.into()) && *inside >= *low && *inside < *high.unwrap());
        }
        for outside in ["a", "A:g", "ab:g", "a;", ":a"] {
            let (low, high) = scope.range();
            assert!(!(scope.holds(&outside.into()) || *outside >= *low && *outside < *high.unwrap()));
        }
        assert_eq!(namespace_of(&"a:b:c".into()), Namespace::new("a"));
        for plain in ["a", ":a", "é:a", "a b:c", "a\0:b"] {
            assert_eq!(namespace_of(&plain.into()), None);
        }
        let (odd, stored) = (Name::new(&b"g\xff"[..]), Name::new(&b"a:g\xff"[..]));
        assert_eq!((&scope.stored_name(&odd), &scope.name_of(&stored)), (&stored, &odd));
        assert_eq!(namespace_of(&stored), Namespace::new("a"));
        assert_eq!(namespace_of(&Name::new(&b"a\xff:g"[..])), None);
    }
}
