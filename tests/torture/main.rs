//! Torture: kills, power cuts, crowds, full disks, damaged and hostile files,
//! odd places, odd clocks.
//!
//! Every test draws from one seed and prints it; `LARDER_TORTURE_SEED=N` runs
//! the same again. `LARDER_TORTURE=N` makes each of them N times as large.

mod clock;
mod full;
mod harness;
mod kill;
mod power;
mod rescue;
mod storm;
