//! Commands that larder runs: finding them, waiting for them, ending them.
//!
//! A command gets a process group of its own, so that it can be ended with
//! everything it started, and no shell in between.

mod child;
mod exec;
mod foreground;
mod moment;
mod program;
mod signals;
mod supervise;
mod threads;

pub use child::{Child, exit_code};
pub use exec::become_program;
pub use foreground::run_in_foreground;
pub use moment::Moment;
pub use program::{find_program, find_program_in};
pub use signals::Signals;
pub use supervise::Supervised;
pub use threads::spawn;
