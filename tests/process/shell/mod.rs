//! Locks, memoised commands and history, from outside.

mod edit;
mod env;
mod history;
mod jobs;
mod lock;
mod memo;
mod wait;
