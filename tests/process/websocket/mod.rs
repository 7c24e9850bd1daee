//! The broadcast, over real sockets, with tungstenite as the client.

mod admission;
mod command;
mod delivery;
mod ending;
mod fixture;
mod resuming;
