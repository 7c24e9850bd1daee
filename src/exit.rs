//! The only table of exit codes, and how an error becomes a line and a status.

use std::fmt;

use crate::store;
use crate::text::{io_reason, one_line};

/// How a run ends. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; an empty list is done.
    Success,
    /// Not found, or expired.
    NotFound,
    /// Invalid usage.
    Usage,
    /// A condition (`--if-…`) did not hold.
    ConditionFailed,
    /// A namespace's quota is exceeded.
    QuotaExceeded,
    /// A grant is missing.
    AccessDenied,
    /// Something stayed locked too long, or a `--timeout` ran out.
    Busy,
    /// Not a store, corrupt, or a newer schema.
    UnusableStore,
    /// A template, a line of input or a value is not what it should be.
    BadData,
    /// The watch position is no longer in the change log.
    PositionTrimmed,
    /// The operating system refused.
    Io,
    /// The status of a command that larder ran; 125, 126 and 127 are larder's
    /// own: it failed itself, not executable, not found.
    Child(u8),
}

impl Exit {
    /// Every exit of larder's own, in the order of the codes.
    pub const ALL: &[Self] = &[
        Self::Success,
        Self::NotFound,
        Self::Usage,
        Self::ConditionFailed,
        Self::QuotaExceeded,
        Self::AccessDenied,
        Self::Busy,
        Self::UnusableStore,
        Self::BadData,
        Self::PositionTrimmed,
        Self::Io,
    ];

    /// What it means, for the manual.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "Done. An empty list is done, and so is deleting a missing key.",
            Self::NotFound => "Not found, or expired.",
            Self::Usage => "Invalid usage.",
            Self::ConditionFailed => "A condition (--if-...) did not hold.",
            Self::QuotaExceeded => "The quota of the namespace would be exceeded.",
            Self::AccessDenied => "Access denied: a grant is missing.",
            Self::Busy => "Busy: the store or a lock stayed locked, or a timeout expired.",
            Self::UnusableStore => "The store cannot be used: not a store, corrupt, or of a newer larder.",
            Self::BadData => {
                "Bad data: a template, a line of input (its number is named), or a value that is not an integer."
            }
            Self::PositionTrimmed => {
                "The watch position has been trimmed off the change log; the message names the oldest retained one."
            }
            Self::Io => "Input or output failed: disk full, permission, missing file.",
            Self::Child(_) => "The status of the command that larder ran.",
        }
    }

    /// The process's exit status.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::NotFound => 1,
            Self::Usage => 2,
            Self::ConditionFailed => 3,
            Self::QuotaExceeded => 4,
            Self::AccessDenied => 5,
            Self::Busy => 6,
            Self::UnusableStore => 7,
            Self::BadData => 8,
            Self::PositionTrimmed => 9,
            Self::Io => 10,
            Self::Child(status) => status,
        }
    }

    /// The `error` field of the JSON line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::NotFound => "not_found",
            Self::Usage => "usage",
            Self::ConditionFailed => "condition_failed",
            Self::QuotaExceeded => "quota_exceeded",
            Self::AccessDenied => "access_denied",
            Self::Busy => "busy",
            Self::UnusableStore => "unusable_store",
            Self::BadData => "bad_data",
            Self::PositionTrimmed => "position_trimmed",
            // The list of names is closed; a status that is not larder's has none.
            Self::Io | Self::Child(_) => "io",
        }
    }
}

/// An error that already knows its exit: what commands raise themselves.
#[derive(Debug)]
pub struct Failure {
    /// How the run ends.
    pub exit: Exit,
    /// What failed and why, one line.
    pub message: String,
    /// What to try, if there is a known way out.
    pub hint: Option<String>,
}

impl Failure {
    /// An error with this exit.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// A usage error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The operating system refused while doing `what`. A closed pipe stays
    /// recognisable: it ends a run quietly.
    #[must_use]
    pub fn io(what: &str, error: std::io::Error) -> anyhow::Error {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return error.into();
        }
        Self::new(Exit::Io, format!("{what}: {}", io_reason(&error))).into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// What is reported about an error: its exit, its line and its hint.
#[derive(Debug)]
pub struct Report {
    /// How the run ends.
    pub exit: Exit,
    /// One line, without `larder:` before it.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

/// Finds the outcome in an error's chain. `None`: the reader of our output has
/// gone, which is a success ("larder list | head" has done what was asked).
#[must_use]
pub fn report(error: &anyhow::Error) -> Option<Report> {
    // No further down than the outcome: a store's error says its cause itself.
    let mut message = String::new();
    for cause in error.chain() {
        if !message.is_empty() {
            message.push_str(": ");
        }
        message.push_str(&one_line(&cause.to_string()));
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Some(Report { exit: failure.exit, message, hint: failure.hint.clone() });
        }
        if let Some(error) = cause.downcast_ref::<store::Error>() {
            let (exit, standing) = classify(error);
            let hint = match error {
                store::Error::Altered { remedy, .. } => Some(one_line(remedy)),
                _ => standing.map(str::to_owned),
            };
            return Some(Report { exit, message, hint });
        }
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                return None;
            }
            return Some(Report { exit: Exit::Io, message, hint: None });
        }
    }
    Some(Report { exit: Exit::Io, message, hint: None })
}

/// Exit and standing hint of each outcome of the store.
#[must_use]
pub fn classify(error: &store::Error) -> (Exit, Option<&'static str>) {
    use store::Error;
    match error {
        Error::NotFound { .. } | Error::Absent(_) => (Exit::NotFound, None),
        Error::Condition(_) => (Exit::ConditionFailed, None),
        Error::Quota { .. } => {
            (Exit::QuotaExceeded, Some("delete something, or raise the limit with 'larder quota set'"))
        }
        Error::Denied(_) => (Exit::AccessDenied, None),
        Error::Busy(_) => (Exit::Busy, Some("try again, or wait longer with --busy-timeout")),
        Error::Unusable { .. } | Error::Altered { .. } | Error::Newer { .. } | Error::Engine(_) => {
            (Exit::UnusableStore, None)
        }
        Error::Companion { .. } => (
            Exit::UnusableStore,
            Some(
                "if it belongs to the store, give it the database's owner and mode; otherwise its owner or root can remove it",
            ),
        ),
        Error::BadData(_) => (Exit::BadData, None),
        Error::Usage(_) => (Exit::Usage, None),
        Error::Trimmed { .. } => {
            (Exit::PositionTrimmed, Some("start with --snapshot to begin with the current entries"))
        }
        Error::Io { what, source }
            if source.kind() == std::io::ErrorKind::StorageFull && what.starts_with("store ") =>
        {
            (Exit::Io, Some("free disk space; in the store, with 'larder delete' and 'larder purge'"))
        }
        Error::Io { .. } | Error::Interrupted => (Exit::Io, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_listed_in_order() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, (0..=10).collect::<Vec<_>>());
    }

    #[test]
    fn outcomes_are_found_below_context() {
        let error = anyhow::Error::from(store::Error::Condition("no".into())).context("set a b");
        let report = report(&error).unwrap();
        assert_eq!((report.exit.code(), report.message.as_str()), (3, "set a b: no"));
    }

    #[test]
    fn a_cause_is_told_once() {
        let absent = std::io::Error::from_raw_os_error(nix::libc::ENOENT);
        let error = Failure::io("\"x\"", absent).context("get");
        assert_eq!(report(&error).unwrap().message, "get: \"x\": No such file or directory");
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let closed = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert!(report(&Failure::io("standard output", closed)).is_none());
    }
}
