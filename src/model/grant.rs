//! Grants: what may be given, and to whom. What they come to is decided in
//! [`crate::store::access`].

/// What a grant allows. Each level includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// See entries and changes.
    Read,
    /// Change entries.
    Write,
    /// Change grants and quotas, delete the namespace.
    Admin,
}

impl Level {
    /// The name on the command line and in every output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn from_row(level: i64) -> Option<Self> {
        [Self::Read, Self::Write, Self::Admin].into_iter().find(|known| known.number() == level)
    }

    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 3,
        }
    }
}

/// The principal of the row that closes a namespace and grants nothing; its
/// level is 0.
pub(crate) const NOBODY: &str = "nobody";

/// Whom a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// The user with this id.
    User(u32),
    /// Members of the group with this id.
    Group(u32),
    /// Everyone who can open the store.
    Everyone,
}

impl Principal {
    /// Reads what [`Principal::to_string`] writes, and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "everyone" {
            return Some(Self::Everyone);
        }
        let (kind, id) = text.split_once(':')?;
        let number: u32 = id.parse().ok()?;
        // The largest number is the kernel's "no id".
        if number == u32::MAX || number.to_string() != id {
            return None;
        }
        match kind {
            "user" => Some(Self::User(number)),
            "group" => Some(Self::Group(number)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Group(id) => write!(f, "group:{id}"),
            Self::Everyone => f.write_str("everyone"),
        }
    }
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The namespace, as stored.
    pub namespace: String,
    /// Whom it is for, as stored: [`Principal::parse`] reads it if it makes
    /// sense.
    pub principal: String,
    /// What it allows; `None` if the row is invalid.
    pub level: Option<Level>,
    /// Which groups of the namespace it covers.
    pub groups: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_both_ways() {
        for principal in [Principal::User(0), Principal::Group(1000), Principal::Everyone] {
            assert_eq!(Principal::parse(&principal.to_string()), Some(principal));
        }
        for bad in [
            "",
            "user",
            "user:",
            "user:+1",
            "user:01",
            "user:-1",
            "user:4294967295",
            "user:alice",
            "User:1",
            "user:1 ",
            "everyone:1",
            "group:1:2",
        ] {
            assert_eq!(Principal::parse(bad), None, "{bad}");
        }
    }
}
