//! Locks, memoised commands and history, from outside.

#[path = "../cli/harness.rs"]
mod harness;

mod history;
mod lock;
mod memo;
