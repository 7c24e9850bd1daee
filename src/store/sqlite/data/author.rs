//! Who writes: what larder's own changes carry in the log's column `by`.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::OnceLock;

use nix::sys::utsname::uname;

use crate::store::sqlite::transaction::Snapshot;

/// `user:NAME@HOST` for a user of this host. The name is what /etc/passwd says,
/// as everywhere in larder, else the number. Reads that file once a process.
pub(in crate::store::sqlite) fn author(uid: u32) -> Cow<'static, str> {
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

impl Snapshot<'_> {
    /// What this transaction's changes carry as `by`.
    pub(in crate::store::sqlite) fn author(&self) -> Cow<'static, str> {
        author(self.uid)
    }
}
