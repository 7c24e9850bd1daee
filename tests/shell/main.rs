//! Locks, memoised commands and history, from outside.

#[path = "../cli/harness.rs"]
mod harness;

mod env;
mod history;
mod lock;
mod memo;
mod wait;
