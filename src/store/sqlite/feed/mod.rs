//! Following the change log of one file: what is heard of it, whether it is
//! still the same, and the removal of what has expired, so that the log reports
//! it.
//!
//! * `bell`, `wal`, `hearing`: what other writers do, as the kernel tells it;

//! * `expirer`: hears of new entries, and removes expired entries in small steps;
//! * `source`: the log read on from a position, by whoever chooses the changes.

mod bell;
mod expirer;
mod hearing;
mod source;
mod wal;

pub use hearing::Hearing;
pub(in crate::store) use source::Source;
