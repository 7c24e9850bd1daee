//! The broadcast, over real sockets, with tungstenite as the client.

mod admission;
mod delivery;
mod ending;
mod fixture;
mod resuming;
