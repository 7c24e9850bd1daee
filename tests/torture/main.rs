//! Torture: kills, power cuts, crowds, full disks, damaged and hostile files,
//! odd places, odd clocks.
//!
//! Every test draws from one seed and prints it; `LARDER_TORTURE_SEED=N` runs
//! the same again. `LARDER_TORTURE=N` makes each of them N times as large, and
//! `LARDER_FAULTS=all` fails every system call of every command that writes.

#[path = "../common/skip.rs"]
mod skip;

mod clock;
mod damage;
mod descriptors;
mod faults;
mod full;
mod harness;
mod histories;
mod hostile;
mod jobs;
mod kill;
mod places;
mod power;
mod rescue;
mod storm;
