//! Namespaces as names: the prefix that keeps tenants apart.

use std::borrow::Cow;

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

    /// A stored group name as this scope names it.
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
    pub fn holds(&self, stored: &str) -> bool {
        match &self.0 {
            None => true,
            Some(namespace) => {
                stored.strip_prefix(namespace.as_str()).is_some_and(|rest| rest.starts_with(':'))
            }
        }
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

/// Splits a stored group name into namespace and group.
#[must_use]
pub fn split_stored(stored: &str) -> (Option<Namespace>, &str) {
    if let Some((prefix, group)) = stored.split_once(':')
        && let Some(namespace) = Namespace::new(prefix)
    {
        return (Some(namespace), group);
    }
    (None, stored)
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
            assert!(scope.holds(inside) && *inside >= *low && *inside < *high.unwrap());
        }
        for outside in ["a", "A:g", "ab:g", "a;", ":a"] {
            let (low, high) = scope.range();
            assert!(!(scope.holds(outside) || *outside >= *low && *outside < *high.unwrap()));
        }
        assert_eq!(split_stored("a:b:c"), (Namespace::new("a"), "b:c"));
        for plain in ["a", ":a", "é:a", "a b:c", "a\0:b"] {
            assert_eq!(split_stored(plain), (None, plain));
        }
    }
}
