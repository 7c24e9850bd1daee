//! Connections that have not shown the token yet. They are bounded, and when
//! there are too many the oldest makes room: who connects and says nothing
//! keeps nobody out.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use super::{busy, lock};

/// The connections of one listener, oldest first.
#[derive(Debug)]
pub struct Pending {
    most: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    /// A handle to each, with which it can be closed.
    waiting: VecDeque<(u64, TcpStream)>,
}

/// A place among them, given up when dropped.
#[derive(Debug)]
pub struct Ticket {
    pending: Arc<Pending>,
    number: u64,
}

impl Pending {
    /// At most so many, and one at least.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), queue: Mutex::default() })
    }

    /// Lets a connection in, for which the oldest may have to go.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn admit(self: &Arc<Self>, stream: &TcpStream) -> std::io::Result<Ticket> {
        let handle = stream.try_clone()?;
        let mut queue = lock(&self.queue);
        while queue.waiting.len() >= self.most
            && let Some((_, mut oldest)) = queue.waiting.pop_front()
        {
            busy().send_now(&mut oldest);
            // Its thread reads the end of it, and ends.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        let number = queue.next;
        queue.next += 1;
        queue.waiting.push_back((number, handle));
        Ok(Ticket { pending: Arc::clone(self), number })
    }
}

impl Ticket {
    /// Leaves the queue; `false` if the connection had to make room already.
    #[must_use]
    pub fn redeem(&self) -> bool {
        let mut queue = lock(&self.pending.queue);
        let found = queue.waiting.iter().position(|(number, _)| *number == self.number);
        found.is_some_and(|at| queue.waiting.remove(at).is_some())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let _ = self.redeem();
    }
}
