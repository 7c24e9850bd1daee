//! Groups, and which names of a listing are wanted.

use crate::model::{Glob, Name};

/// A group with at least one live key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name as stored: with the namespace's prefix.
    pub name: Name<'static>,
    /// Live keys.
    pub keys: i64,
    /// Bytes of their keys and values.
    pub bytes: i64,
}

/// Which names of a listing are wanted.
#[derive(Clone, Debug, Default)]
pub struct Keys<'a> {
    /// Only names that match.
    pub glob: Option<&'a Glob>,
    /// Only names after this one, in byte order.
    pub after: Option<&'a str>,
}

impl Keys<'_> {
    pub(crate) fn wants(&self, name: &Name<'_>) -> bool {
        self.glob.is_none_or(|glob| glob.matches(name)) && self.after.is_none_or(|after| *name > *after)
    }

    /// The least name that can be wanted.
    pub(crate) fn low(&self) -> String {
        let prefix = self.glob.map(Glob::literal_prefix).unwrap_or_default();
        self.after.map_or("", |after| after).max(&prefix).to_owned()
    }

    /// A name past all that can be wanted: the prefix with its last character
    /// made the next one.
    pub(crate) fn high(&self) -> Option<String> {
        let mut prefix = self.glob?.literal_prefix();
        while let Some(last) = prefix.pop() {
            if let Some(next) = (last..=char::MAX).nth(1) {
                prefix.push(next);
                return Some(prefix);
            }
        }
        None
    }
}
