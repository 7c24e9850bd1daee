//! The hub as a sink, beside another one.

use std::sync::Arc;

use super::Hub;
use crate::store::Change;
use crate::watch::{Control, Delivery, Sink};

/// Publishes each change, and gives it to the other sink: that one decides
/// when a change is handled.
pub struct Broadcast {
    hub: Arc<Hub>,
    other: Box<dyn Sink>,
}

impl Broadcast {
    /// Publishes on `hub` what `other` gets.
    #[must_use]
    pub fn new(hub: Arc<Hub>, other: Box<dyn Sink>) -> Self {
        Self { hub, other }
    }
}

impl Sink for Broadcast {
    fn wants_values(&self) -> bool {
        true
    }

    /// Published first: clients need not wait for a slow command.
    fn deliver(&mut self, change: &Change, control: &Control) -> anyhow::Result<Delivery> {
        self.hub.publish(change);
        self.other.deliver(change, control)
    }

    fn settle(&mut self, control: &Control) -> anyhow::Result<Delivery> {
        self.other.settle(control)
    }

    fn settles_each(&self) -> bool {
        self.other.settles_each()
    }
}
