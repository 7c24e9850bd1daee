//! The changes of late, kept once for all clients.
//!
//! Each client has a position of its own and takes what lies after it. The
//! oldest changes make room for new ones whether or not everyone has taken
//! them, so publishing never waits; who falls behind finds out by position.

use std::collections::VecDeque;
use std::sync::Arc;

use super::protocol::Event;

/// How much a client takes at once, in bytes.
const BATCH: usize = 64 * 1024;

/// What lies after a position.
#[derive(Debug)]
pub enum Next {
    /// These, oldest first.
    Events(Vec<Arc<Event>>),
    /// Nothing yet.
    Nothing,
    /// Some of it is no longer here.
    Behind,
}

/// A bounded run of changes without a gap.
#[derive(Debug)]
pub struct Backlog {
    events: VecDeque<Arc<Event>>,
    weight: usize,
    capacity: usize,
    /// Every change after this position, up to `newest`, is here.
    floor: i64,
    newest: i64,
}

impl Backlog {
    /// Empty; the next change is the first after position `start`.
    #[must_use]
    pub fn new(start: i64, capacity: usize) -> Self {
        Self { events: VecDeque::new(), weight: 0, capacity, floor: start, newest: start }
    }

    /// Appends a change; one that is not newer than the last is there already.
    pub fn push(&mut self, event: Event) {
        if event.seq <= self.newest {
            return;
        }
        self.newest = event.seq;
        self.weight += event.weight();
        self.events.push_back(Arc::new(event));
        while self.weight > self.capacity
            && let Some(oldest) = self.events.pop_front()
        {
            self.weight -= oldest.weight();
            self.floor = oldest.seq;
        }
    }

    /// Position of the newest change.
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// Whether every change after `position` is still here.
    #[must_use]
    pub fn reaches_back_to(&self, position: i64) -> bool {
        position >= self.floor
    }

    /// A batch of what lies after `position`.
    #[must_use]
    pub fn after(&self, position: i64) -> Next {
        if !self.reaches_back_to(position) {
            return Next::Behind;
        }
        let first = self.events.partition_point(|event| event.seq <= position);
        let mut weight = 0;
        let batch: Vec<_> = self
            .events
            .range(first..)
            .take_while(|event| {
                let room = weight < BATCH;
                weight += event.weight();
                room
            })
            .cloned()
            .collect();
        if batch.is_empty() { Next::Nothing } else { Next::Events(batch) }
    }
}

/// Collects a batch of the same size from elsewhere.
#[derive(Debug, Default)]
pub struct Batch {
    /// What was collected.
    pub events: Vec<Arc<Event>>,
    weight: usize,
}

impl Batch {
    /// Adds an event; says whether there is room for another.
    pub fn push(&mut self, event: Event) -> bool {
        self.weight += event.weight();
        self.events.push(Arc::new(event));
        self.weight < BATCH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::{Change, ChangeKind, Scope};

    fn event(seq: i64) -> Event {
        let change = Change {
            seq,
            at: Timestamp(0),
            kind: ChangeKind::Set,
            group: "g".into(),
            key: Some("k".into()),
            value: None,
            expires_at: None,
            bytes: 1,
            by: None,
        };
        Event::new(&change, &Scope(None), Timestamp(0))
    }

    fn seqs(next: &Next) -> Vec<i64> {
        match next {
            Next::Events(events) => events.iter().map(|e| e.seq).collect(),
            Next::Nothing => vec![],
            Next::Behind => panic!("behind"),
        }
    }

    #[test]
    fn positions_between_changes_are_positions_too() {
        let mut log = Backlog::new(10, 1 << 20);
        assert!(matches!(log.after(10), Next::Nothing));
        assert!(matches!(log.after(9), Next::Behind));
        for seq in [12, 15, 15, 14, 20] {
            log.push(event(seq));
        }
        assert_eq!(log.newest(), 20);
        for (position, left) in
            [(10, vec![12, 15, 20]), (12, vec![15, 20]), (13, vec![15, 20]), (20, vec![]), (99, vec![])]
        {
            assert_eq!(seqs(&log.after(position)), left);
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let weight = event(1).weight();
        let mut log = Backlog::new(0, 3 * weight);
        for seq in 1..=5 {
            log.push(event(seq));
        }
        assert!(matches!(log.after(1), Next::Behind));
        assert_eq!(seqs(&log.after(2)), [3, 4, 5]);
    }

    #[test]
    fn batches_are_bounded() {
        let mut log = Backlog::new(0, 1 << 20);
        for seq in 1..=1000 {
            log.push(event(seq));
        }
        let first = seqs(&log.after(0));
        assert!(first.len() > 10 && first.len() < 400);
        assert_eq!(seqs(&log.after(*first.last().unwrap()))[0], *first.last().unwrap() + 1);
    }
}
