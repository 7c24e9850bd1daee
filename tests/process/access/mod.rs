//! Access between users: grants, and the hard mode with two real users against
//! a setgid copy of the program. Where the machine cannot play other users the
//! tests say so and pass.

mod commands;
mod doors;
mod listen;
mod places;
mod quotas;
mod rescue;
mod setup;
mod vault;
