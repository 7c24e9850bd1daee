//! The changes of a burst, and how many they may be.

use std::collections::VecDeque;

use crate::model::{Change, Scope};
use crate::output::json::ChangeRecord;
use crate::watch::handler::{Facts, change_in_words};

/// Most changes, and about the most bytes of names and values, that a burst
/// grows to before it is handed over: what bounds memory, and how long a steady
/// stream keeps its command waiting.
const MOST_CHANGES: usize = 4096;
const MOST_BYTES: usize = 4 << 20;

/// Changes that were read and not handled yet, oldest first. The first of them
/// may be with a command already; the others are news.
#[derive(Debug, Default)]
pub struct Burst {
    changes: VecDeque<Change>,
    bytes: usize,
    /// How many of the first the command under way has, or had when it failed.
    given: usize,
    given_bytes: usize,
    /// How many of the first a command had that was ended for the next one.
    superseded: usize,
}

impl Burst {
    /// Adds the next change.
    pub fn push(&mut self, change: Change) {
        self.bytes += size(&change);
        self.changes.push_back(change);
    }

    /// Whether everything was handled.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether there are changes that no command under way has.
    pub fn has_news(&self) -> bool {
        self.given < self.changes.len()
    }

    /// Whether it has grown as far as it may: all of it, or the news alone.
    pub fn is_full(&self, news_alone: bool) -> bool {
        let (given, bytes) = if news_alone { (self.given, self.given_bytes) } else { (0, 0) };
        self.changes.len() - given >= MOST_CHANGES || self.bytes - bytes >= MOST_BYTES
    }

    /// All of it goes to a command.
    pub fn give(&mut self) {
        (self.given, self.given_bytes) = (self.changes.len(), self.bytes);
    }

    /// The command that had the first changes was ended before it handled them.
    pub fn take_back(&mut self) {
        self.superseded = self.superseded.max(self.given);
        (self.given, self.given_bytes) = (0, 0);
    }

    /// The command has handled what it was given; the last of that.
    pub fn handled(&mut self) -> Option<Change> {
        let last = self.changes.drain(..self.given).next_back();
        self.bytes -= self.given_bytes;
        (self.given, self.given_bytes, self.superseded) = (0, 0, 0);
        last
    }

    /// Drops the oldest of the changes that a command had already and that are
    /// with none now, until the rest is no more than a burst may have.
    pub fn trim(&mut self) {
        while self.superseded > 0 && self.is_full(false) {
            if let Some(change) = self.changes.pop_front() {
                self.bytes -= size(&change);
            }
            self.superseded -= 1;
        }
    }

    /// What is told in the environment; `None` if there is no change.
    pub fn facts(&self) -> Option<Facts<'_>> {
        Facts::common(self.changes.iter())
    }

    /// The changes as JSON, a line each.
    pub fn lines(&self, scope: &Scope) -> serde_json::Result<Vec<u8>> {
        let mut lines = Vec::new();
        for change in &self.changes {
            serde_json::to_writer(&mut lines, &ChangeRecord::new(change.clone(), scope))?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// What it is, for a message.
    pub fn describe(&self, scope: &Scope) -> String {
        let seqs = || self.changes.iter().take(self.given).map(|change| change.seq);
        match (self.changes.front(), seqs().min(), seqs().max()) {
            (Some(change), ..) if self.given == 1 => change_in_words(change, scope),
            (_, Some(first), Some(last)) => format!("{} changes ({first} to {last})", self.given),
            _ => String::new(),
        }
    }
}

fn size(change: &Change) -> usize {
    let key = change.key.as_ref().map_or(0, |key| key.as_bytes().len());
    change.group.as_bytes().len() + key + change.value.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::ChangeKind;

    fn change(seq: i64, bytes: usize) -> Change {
        Change {
            seq,
            at: Timestamp(0),
            kind: ChangeKind::Set,
            group: "g".into(),
            key: Some("k".into()),
            value: Some(vec![b'v'; bytes]),
            expires_at: None,
            bytes: 0,
            by: None,
        }
    }

    #[test]
    fn a_burst_is_full_of_changes_or_of_bytes() {
        let mut burst = Burst::default();
        burst.push(change(1, MOST_BYTES));
        assert!(burst.is_full(false) && burst.is_full(true));
        burst.give();
        assert!(burst.is_full(false) && !burst.is_full(true));
        assert_eq!(burst.handled().map(|change| change.seq), Some(1));
        assert!(burst.is_empty());
        for seq in 1..=4096 {
            assert!(!burst.is_full(false));
            burst.push(change(seq, 1));
        }
        assert!(burst.is_full(false));
    }

    #[test]
    fn only_what_a_command_had_is_ever_dropped() {
        let mut burst = Burst::default();
        for seq in 1..=10 {
            burst.push(change(seq, MOST_BYTES / 2));
        }
        burst.trim();
        assert_eq!(burst.changes.len(), 10);
        burst.give();
        burst.trim();
        assert_eq!(burst.changes.len(), 10);
        burst.take_back();
        burst.push(change(11, 1));
        burst.push(change(12, MOST_BYTES));
        burst.trim();
        let seqs: Vec<_> = burst.changes.iter().map(|change| change.seq).collect();
        assert_eq!(seqs, [11, 12]);
        assert_eq!(burst.bytes, burst.changes.iter().map(size).sum::<usize>());
    }
}
