//! Scan: every live entry of a group or of the scope, streamed.

use std::borrow::Cow;
use std::ops::ControlFlow;

use rusqlite::params;
use rusqlite::types::ValueRef;

use crate::clock::Timestamp;
use crate::model::{EntryRef, Level, Name, Result};
use crate::store::sqlite::data::columns::{moment, value_bytes};
use crate::store::sqlite::transaction::Snapshot;

impl Snapshot<'_> {
    /// Streams the live entries of one group, or of all groups in scope that
    /// may be read, in byte order of groups and keys, until `each` breaks.
    pub fn scan(
        &self,
        group: Option<&str>,
        mut each: impl FnMut(EntryRef<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.permit_range(Level::Read, group)?;
        let mut hidden = None;
        let sees_all = group.is_some() || self.sees_all()?;
        let (first, past) = match group {
            Some(group) => (self.scope.stored(group).into_owned(), None),
            None => self.scope.range(),
        };
        let range = match (group, &past) {
            (Some(_), _) => "group_name=?1 AND ?2 IS NULL",
            (None, Some(_)) => "group_name>=?1 AND group_name<?2",
            (None, None) => "group_name>=?1 AND ?2 IS NULL",
        };
        let mut query = self.conn.prepare(&format!(
            "SELECT group_name,entry_key,entry_value,version,updated_at,expires_at FROM entries WHERE {range} AND(expires_at IS NULL OR expires_at>?3)ORDER BY group_name,entry_key"
        ))?;
        let mut rows = query.query(params![first, past, self.now.0])?;
        while let Some(row) = rows.next()? {
            let (group, key) = (Name::of(row.get_ref(0)?), Name::of(row.get_ref(1)?));
            if !sees_all {
                if hidden.as_ref().is_none_or(|(of, _)| *of != group) {
                    let may = self.may(Level::Read, &self.scope.name_of(&group))?;
                    hidden = Some((group.clone().into_owned(), !may));
                }
                if matches!(hidden, Some((_, true))) {
                    continue;
                }
            }
            let value = bytes(row.get_ref(2)?);
            let entry = EntryRef {
                group,
                key,
                value: &value,
                version: row.get(3)?,
                updated_at: Timestamp(row.get(4)?),
                expires_at: moment(row.get_ref(5)?),
            };
            if each(entry)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn bytes(value: ValueRef<'_>) -> Cow<'_, [u8]> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cow::Borrowed(bytes),
        other => Cow::Owned(value_bytes(other)),
    }
}
