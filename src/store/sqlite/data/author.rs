//! Who writes: what larder's own changes carry in the log's column `by`.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::OnceLock;

use nix::sys::utsname::uname;
use rusqlite::params;

use crate::model::Result;
use crate::store::sqlite::transaction::Transaction;

/// `user:NAME@HOST` for a user of this host. The name is what /etc/passwd says,
/// as everywhere in larder, else the number.
fn author(uid: u32) -> Cow<'static, str> {
    // A process writes as one user.
    static AUTHOR: OnceLock<(u32, String)> = OnceLock::new();
    let make = || {
        let host =
            uname().map_or_else(|_| "unknown".into(), |un| un.nodename().to_string_lossy().into_owned());
        format!("user:{}@{host}", name(uid).unwrap_or_else(|| uid.to_string()))
    };
    match AUTHOR.get_or_init(|| (uid, make())) {
        (of, author) if *of == uid => author.into(),
        _ => make().into(),
    }
}

fn name(uid: u32) -> Option<String> {
    let mut lines = BufReader::new(File::open("/etc/passwd").ok()?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).ok()? > 0 {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, number) = (fields.next(), fields.nth(1));
        let number = number.and_then(|number| std::str::from_utf8(number).ok()?.parse::<u32>().ok());
        if number == Some(uid) {
            return name.map(|name| String::from_utf8_lossy(name).into_owned());
        }
        line.clear();
    }
    None
}

impl Transaction<'_> {
    /// What this transaction's changes carry as `by`.
    pub(in crate::store::sqlite) fn author(&self) -> Cow<'static, str> {
        author(self.uid)
    }

    /// The number of the newest change.
    pub(in crate::store::sqlite) fn newest(&self) -> Result<i64> {
        let mut query = self.conn.prepare_cached("SELECT ifnull(max(seq),0)FROM larder_changes")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    /// Says of the changes that the triggers have appended since the log was
    /// signed last who made them. What appends changes by itself writes `by`
    /// with them, and says so with [`Transaction::signed_up_to`].
    pub(in crate::store::sqlite) fn sign(&self) -> Result<()> {
        let mut update = self.conn.prepare_cached("UPDATE larder_changes SET by=?1 WHERE seq>?2")?;
        update.execute(params![self.author(), self.signed.get()])?;
        Ok(())
    }

    /// Every change up to `seq` carries its author.
    pub(in crate::store::sqlite) fn signed_up_to(&self, seq: i64) {
        self.signed.set(seq);
    }
}
