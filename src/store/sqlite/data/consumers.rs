//! Consumers: named positions in the change log.
//!
//! A consumer's row says how far it has come. That only one process reads as
//! it is not a matter of the row, which would outlive a killed holder, but of
//! a [`Claim`](crate::store::Claim).

use rusqlite::{OptionalExtension, params};

use crate::clock::Timestamp;
use crate::model::{Consumer, Error, Level, LogMark, Result};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::transaction::{Snapshot, Transaction};
use crate::text::quote;

/// The most bytes a consumer's name can have.
const LONGEST_NAME: usize = 255;

/// The most consumers of one scope that a user without write access to all of
/// it can make: each holds back the change log for everyone.
const MOST_OF_A_READER: i64 = 16;

/// The user id of who made a consumer, if that is known.
struct Owner(Option<i64>);

impl Snapshot<'_> {
    /// Allows running as a consumer that is there: with write access to the
    /// whole scope, or for the user who made it. Anybody else could pass over
    /// changes that its reader has yet to see.
    fn permit_consumer(&self, name: &str, owner: &Owner) -> Result<()> {
        self.permit_some(Level::Read)?;
        if owner.0 == Some(i64::from(self.uid)) {
            return Ok(());
        }
        match self.permit_scope(Level::Write) {
            Err(Error::Denied(_)) => Err(Error::Denied(format!(
                "consumer {} belongs to another user; this requires write access to the whole namespace",
                quote(name)
            ))),
            other => other,
        }
    }

    /// Allows moving or deleting a consumer that nobody runs as: for who made
    /// it, or with write access to the whole scope. What is denied is denied in
    /// the same words whether or not it exists.
    pub fn permit_consumer_change(&self, name: &str) -> Result<()> {
        self.permit_some(Level::Read)?;
        match self.consumer_owner(name)? {
            Some(Owner(Some(owner))) if owner == i64::from(self.uid) => Ok(()),
            _ => self.permit_scope(Level::Write),
        }
    }

    /// Allows one more consumer.
    fn permit_new_consumer(&self) -> Result<()> {
        self.permit_some(Level::Read)?;
        match self.permit_scope(Level::Write) {
            Err(Error::Denied(_)) => {}
            other => return other,
        }
        let (first, past) = self.scope.range();
        let made: i64 = self.conn.query_row(
            "SELECT count(*)FROM larder_consumers WHERE owner=?1 AND name>=?2 AND(?3 IS NULL OR name<?3)",
            params![self.uid, first, past],
            |row| row.get(0),
        )?;
        if made >= MOST_OF_A_READER {
            return Err(Error::BadData(format!(
                "you have {made} consumers here, the maximum without write access to the whole namespace; delete one first"
            )));
        }
        Ok(())
    }

    /// Who made a consumer; `None` if there is none.
    fn consumer_owner(&self, name: &str) -> Result<Option<Owner>> {
        let mut query = self.conn.prepare_cached("SELECT owner FROM larder_consumers WHERE name=?1")?;
        Ok(query.query_row([self.scope.stored(name)], |row| row.get(0).map(Owner)).optional()?)
    }

    /// The consumer called `name`, if there is one.
    pub fn consumer(&self, name: &str) -> Result<Option<Consumer>> {
        self.permit_some(Level::Read)?;
        let found = self
            .conn
            .prepare_cached("SELECT position,updated_at,holder FROM larder_consumers WHERE name=?1")?
            .query_row([self.scope.stored(name)], |row| {
                Ok(Consumer {
                    name: name.to_owned(),
                    position: row.get(0)?,
                    updated_at: Timestamp(row.get(1)?),
                    holder: row.get(2)?,
                })
            })
            .optional()?;
        Ok(found)
    }

    /// All consumers of the scope, by name; for who may not read all groups,
    /// those they made.
    pub fn consumers(&self) -> Result<Vec<Consumer>> {
        self.permit_some(Level::Read)?;
        let only = (!self.sees_all()?).then_some(self.uid);
        let (first, past) = self.scope.range();
        let mut query = self.conn.prepare(
            "SELECT name,position,updated_at,holder FROM larder_consumers WHERE name>=?1 AND(?2 IS NULL OR name<?2)AND(?3 IS NULL OR owner=?3)ORDER BY name",
        )?;
        let consumers = query.query_map(params![first, past, only], |row| {
            let name: String = row.get(0)?;
            Ok(Consumer {
                name: self.scope.named(&name).to_owned(),
                position: row.get(1)?,
                updated_at: Timestamp(row.get(2)?),
                holder: row.get(3)?,
            })
        })?;
        Ok(consumers.collect::<rusqlite::Result<_>>()?)
    }
}

impl Transaction<'_> {
    /// Makes a consumer, which is then the caller's own, or moves one to a
    /// position and a holder.
    ///
    /// # Errors
    /// [`Error::Usage`] if the name is too long; [`Error::BadData`] if a reader
    /// has made too many.
    pub fn put_consumer(&self, name: &str, position: i64, holder: &str) -> Result<()> {
        match self.consumer_owner(name)? {
            Some(owner) => self.permit_consumer(name, &owner)?,
            None if name.len() > LONGEST_NAME => {
                self.permit_some(Level::Read)?;
                return Err(Error::Usage(format!(
                    "the name of a consumer has {} bytes; the maximum is {LONGEST_NAME}",
                    name.len()
                )));
            }
            None => self.permit_new_consumer()?,
        }
        self.conn.execute(
            "INSERT INTO larder_consumers(name,position,updated_at,holder,owner)VALUES(?1,?2,?3,?4,?5)ON CONFLICT(name)DO UPDATE SET position=excluded.position,updated_at=excluded.updated_at,holder=excluded.holder",
            params![self.scope.stored(name), position, self.now.0, holder, self.uid],
        )?;
        Ok(())
    }

    /// Moves a consumer that may be somebody else's.
    ///
    /// # Errors
    /// [`Error::Usage`] or [`Error::Trimmed`] if the log does not have that
    /// position yet, or any more.
    pub fn reset_consumer(&self, name: &str, position: i64) -> Result<()> {
        self.permit_consumer_change(name)?;
        let span = self.log_span()?;
        if position > span.newest {
            let newest = span.newest;
            return Err(Error::Usage(format!("position {position} is past the newest change, {newest}")));
        }
        if !span.reaches_back_to(position) {
            return Err(Error::Trimmed { after: position, oldest: span.oldest });
        }
        self.conn.execute(
            "UPDATE larder_consumers SET position=?2,updated_at=?3 WHERE name=?1",
            params![self.scope.stored(name), position, self.now.0],
        )?;
        Ok(())
    }

    /// Forgets a consumer; `false` if there was none.
    pub fn delete_consumer(&self, name: &str) -> Result<bool> {
        self.permit_consumer_change(name)?;
        let gone =
            self.conn.execute("DELETE FROM larder_consumers WHERE name=?1", [self.scope.stored(name)])?;
        Ok(gone > 0)
    }
}

impl Store {
    /// Moves a consumer on, to where `mark` stood when it was read. Quietly: no
    /// entry changed, so no watcher is woken.
    ///
    /// # Errors
    /// [`Error::Absent`] if the consumer is gone; [`Error::Trimmed`] if the log
    /// was set back.
    pub fn move_consumer(&self, name: &str, position: i64, mark: Option<LogMark>) -> Result<()> {
        self.write_quietly(|tx| {
            match tx.consumer_owner(name)? {
                Some(owner) => tx.permit_consumer(name, &owner)?,
                None => tx.permit_some(Level::Read)?,
            }
            // Set back meanwhile: kept, the position would pass over changes
            // that are yet to come.
            tx.check_mark(position, mark)?;
            let moved = tx
                .conn
                .prepare_cached("UPDATE larder_consumers SET position=?2,updated_at=?3 WHERE name=?1")?
                .execute(params![tx.scope.stored(name), position, tx.now.0])?;
            if moved == 0 {
                return Err(Error::Absent(format!("consumer {} is gone", quote(name))));
            }
            Ok(())
        })
    }
}
