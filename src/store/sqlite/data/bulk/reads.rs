//! What a bulk writer has written, and what was there, read back.

use std::ops::ControlFlow;

use super::Bulk;
use crate::model::{Entry, Group, Keys, Name, Result};

impl Bulk<'_> {
    /// [`Snapshot::get`](crate::store::Snapshot::get).
    pub fn get<'n>(&self, group: impl Into<Name<'n>>, key: impl Into<Name<'n>>) -> Result<Entry> {
        self.tx.get(group, key)
    }

    /// [`Snapshot::entries`](crate::store::Snapshot::entries), without
    /// their values.
    pub fn entries<'n>(
        &self,
        group: impl Into<Name<'n>>,
        keys: &Keys<'_>,
        each: impl FnMut(Entry) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.tx.entries(group, keys, false, each)
    }

    /// [`Snapshot::groups`](crate::store::Snapshot::groups).
    pub fn groups(
        &mut self,
        names: &Keys<'_>,
        each: impl FnMut(Group) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.flush()?;
        self.tx.groups(names, each)
    }

    /// The live keys of a group, or all in scope that may be read.
    pub fn count(&mut self, group: Option<&Name<'_>>) -> Result<i64> {
        self.flush()?;
        match group {
            Some(group) => self.tx.count(group),
            None => self.tx.count_all(),
        }
    }
}
