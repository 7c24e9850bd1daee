//! Consumers: named positions in the change log.

use crate::clock::Timestamp;

/// A named position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Name, as the scope names it.
    pub name: String,
    /// Sequence number of the last change that was handled.
    pub position: i64,
    /// When the position last moved.
    pub updated_at: Timestamp,
    /// Who reads as this consumer, or last did.
    pub holder: String,
}
