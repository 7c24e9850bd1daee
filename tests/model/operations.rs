//! Random operations, and how the store runs them.

use larder::clock::Timestamp;
use larder::store::{Bulk, Condition, Expiry, Result, Scope, Transaction};

use crate::map::Model;

/// splitmix64: small, and good enough to pick among operations.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }
}

/// Stored names. Only `a` and `b` are namespaces with quotas; the others are
/// there to be mistaken for them.
pub const GROUPS: &[&str] =
    &["", "g", "a:", "a:x", "a:y", "a:é", "A:x", "b:x", "b:y:z", "a\0:x", ":x", "a b:x", "ab"];
pub const KEYS: &[&str] = &["", "k", "K", "k\0z", "ü", "12"];
pub const VALUES: &[&[u8]] =
    &[b"", b"v", b"41", b"-7", b"a longer value", b"\xff\x00\xfe", b"nul\0inside", "é".as_bytes()];

/// An operation of larder on an entry. Groups are named as stored.
#[derive(Clone, Debug)]
pub enum Op {
    Set(String, String, Vec<u8>, Expiry, Condition),
    Get(String, String),
    Delete(String, String, Condition),
    DeleteGroup(String),
    Expire(String, String, Expiry),
    Incr(String, String, i64),
}

pub fn random_op(random: &mut Random, model: &Model) -> Op {
    let (group, key) = (random.pick(GROUPS).to_owned(), random.pick(KEYS).to_owned());
    let value = random.pick(VALUES).to_vec();
    let expiry = match random.below(6) {
        0..=2 => Expiry::Never,
        3 | 4 => Expiry::At(Timestamp(model.now + 1 + i64::try_from(random.below(50)).unwrap())),
        _ => Expiry::Keep,
    };
    let row = model.rows.get(&(group.clone(), key.clone()));
    let condition = match random.below(10) {
        0 => Condition::Absent,
        1 => Condition::Present,
        2 => Condition::Version(row.map_or(7, |row| row.version)),
        3 => Condition::Version(model.seq),
        4 => Condition::Value(row.map_or(Vec::new(), |row| row.value.clone())),
        _ => Condition::Any,
    };
    match random.below(20) {
        0..=8 => Op::Set(group, key, value, expiry, condition),
        9..=11 => Op::Get(group, key),
        12..=14 => Op::Delete(group, key, condition),
        15 => Op::DeleteGroup(group),
        16 | 17 => Op::Expire(group, key, expiry),
        18 => Op::Incr(group, key, random.pick(&[1, -3, i64::MAX])),
        _ => Op::Incr(group, "counter".into(), 1),
    }
}

/// Runs an operation in the store; the text says all that came out of it.
pub fn run_in_store(tx: &Transaction<'_>, op: &Op) -> Result<String> {
    let named = |stored: &str| tx.scope.named(stored).to_owned();
    Ok(match op {
        Op::Set(g, k, value, expiry, condition) => {
            format!("{}", tx.set(named(g), k, value, *expiry, condition)?.version)
        }
        Op::Get(g, k) => {
            let entry = tx.get(named(g), k)?;
            assert_eq!(entry.group, g.as_str());
            format!(
                "{:?} {} {:?} {}",
                entry.value,
                entry.version,
                entry.expires_at.map(|t| t.0),
                entry.updated_at.0
            )
        }
        Op::Delete(g, k, condition) => format!("{}", tx.delete(named(g), k, condition)?),
        Op::DeleteGroup(g) => format!("{}", tx.delete_group(named(g))?),
        Op::Expire(g, k, expiry) => format!("{}", tx.expire(named(g), k, *expiry, &Condition::Any)?.version),
        Op::Incr(g, k, by) => format!("{:?}", tx.incr(named(g), k, *by)?),
    })
}

/// As [`run_in_store`], by the bulk writer.
pub fn run_in_bulk(bulk: &mut Bulk<'_>, scope: &Scope, op: &Op) -> Result<String> {
    Ok(match op {
        Op::Set(g, k, value, expiry, condition) => {
            format!("{}", bulk.set(scope.named(g), k, value, *expiry, condition)?)
        }
        Op::Delete(g, k, condition) => format!("{}", bulk.delete(scope.named(g), k, condition)?),
        Op::Expire(g, k, expiry) => {
            format!("{}", bulk.expire(scope.named(g), k, *expiry, &Condition::Any)?)
        }
        Op::Incr(g, k, by) => format!("{:?}", bulk.incr(scope.named(g), k, *by)?),
        Op::Get(..) | Op::DeleteGroup(_) => unreachable!("not an operation of the bulk writer"),
    })
}
