//! Users and groups by name, and this machine's name.
//!
//! Looked up in `/etc/passwd` and `/etc/group` alone: a static binary cannot
//! load the modules of the name service switch.

use std::fs::File;
use std::io::{BufRead, BufReader};

/// Where the names of users are.
pub const PASSWD: &str = "/etc/passwd";
/// Where the names of groups are.
pub const GROUP: &str = "/etc/group";

/// The name of a user; `None` if the file does not know the number.
#[must_use]
pub fn name_of_user(id: u32) -> Option<String> {
    name_in(PASSWD, id)
}

/// The name of a group; `None` if the file does not know the number.
#[must_use]
pub fn name_of_group(id: u32) -> Option<String> {
    name_in(GROUP, id)
}

/// The number that goes with a name in [`PASSWD`] or [`GROUP`].
#[must_use]
pub fn id_in(file: &str, name: &str) -> Option<u32> {
    look_up(file, |found, id| (found == name.as_bytes()).then_some(id))
}

/// This machine's name.
#[must_use]
pub fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn name_in(file: &str, id: u32) -> Option<String> {
    look_up(file, |name, found| (found == id).then(|| String::from_utf8_lossy(name).into_owned()))
}

/// What `wanted` makes of the first line that it wants. In both files the
/// first field is the name and the third the number.
fn look_up<T>(file: &str, wanted: impl Fn(&[u8], u32) -> Option<T>) -> Option<T> {
    let mut lines = BufReader::new(File::open(file).ok()?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).ok()? > 0 {
        let mut fields = line.trim_ascii_end().split(|byte| *byte == b':');
        if let (Some(name), Some(id)) = (fields.next(), fields.nth(1))
            && let Some(id) = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok())
            && let Some(found) = wanted(name, id)
        {
            return Some(found);
        }
        line.clear();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found() {
        assert_eq!((name_of_user(0).as_deref(), id_in(PASSWD, "root")), (Some("root"), Some(0)));
        assert_eq!((name_of_group(0).as_deref(), id_in(GROUP, "root")), (Some("root"), Some(0)));
        assert_eq!((name_of_user(4_294_967_000), id_in(PASSWD, "")), (None, None));
    }
}
