//! Locks within locks.

/// The locks this process runs in, as those it holds tell what they run: each
/// is device and inode of the store, and the token, which no other lock of that
/// store has or had.
pub struct Chain(String);

impl Chain {
    pub const VARIABLE: &str = "LARDER_LOCKS";

    pub fn from_environment() -> Self {
        Self(std::env::var(Self::VARIABLE).unwrap_or_default())
    }

    fn word((device, inode): (u64, u64), token: i64) -> String {
        format!("{device}:{inode}:{token}")
    }

    pub fn holds(&self, store: (u64, u64), token: i64) -> bool {
        let word = Self::word(store, token);
        self.0.split(' ').any(|held| held == word)
    }

    /// What the command in this lock is passed.
    pub fn and_this(&self, store: (u64, u64), token: i64) -> String {
        format!("{} {}", self.0, Self::word(store, token)).trim_start().to_owned()
    }
}
