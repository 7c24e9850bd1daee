//! The broadcast, over real sockets, with tungstenite as the client.

#[path = "../cli/harness.rs"]
mod harness;
#[allow(dead_code)]
#[path = "../watch/watcher.rs"]
mod watcher;

mod admission;
mod command;
mod delivery;
mod ending;
mod fixture;
mod resuming;
