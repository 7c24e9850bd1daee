//! The watch, from outside: real processes that write, follow, stop and die.

#[path = "../cli/harness.rs"]
mod harness;

mod consumers;
mod exec;
mod expiry;
mod foreign;
mod many;
mod printing;
mod render;
mod restored;
mod watcher;
