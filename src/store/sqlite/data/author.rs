//! Who writes: what larder's own changes carry in the log's column `by`.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::store::sqlite::transaction::Snapshot;
use crate::users;

/// `user:NAME@HOST` for a user of this host. The name is what /etc/passwd says,
/// as everywhere in larder, else the number. Reads that file once a process.
pub(in crate::store::sqlite) fn author(uid: u32) -> Cow<'static, str> {
    // A process writes as one user.
    static AUTHOR: OnceLock<(u32, String)> = OnceLock::new();
    let make = || {
        let name = users::name_of_user(uid).unwrap_or_else(|| uid.to_string());
        format!("user:{name}@{}", users::host())
    };
    match AUTHOR.get_or_init(|| (uid, make())) {
        (of, author) if *of == uid => author.into(),
        _ => make().into(),
    }
}

impl Snapshot<'_> {
    /// What this transaction's changes carry as `by`.
    pub(in crate::store::sqlite) fn author(&self) -> Cow<'static, str> {
        author(self.uid)
    }
}
