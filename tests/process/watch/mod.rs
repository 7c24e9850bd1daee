//! The watch, from outside: real processes that write, follow, stop and die.

mod bursts;
mod consumers;
mod exec;
mod expiry;
mod foreign;
mod many;
mod printing;
mod render;
mod restored;
