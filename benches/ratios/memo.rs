//! What a memoised command costs once its output is known: next to reading the
//! same value, and next to bkt where it is installed (`cargo install bkt`).

use std::process::Command;

use crate::Row;
use crate::lab::{Lab, Result, bare, ms, race, ratio, succeed};

/// The command that is memoised.
const SLOW: [&str; 3] = ["--", "echo", "a line of output"];

pub fn rows(lab: &Lab) -> Result<Vec<Row>> {
    let store = lab.path("memo.db");
    let memo = || lab.larder(&store, &[&["memo", "bench", "hit", "--ttl", "1d"], &SLOW[..]].concat());
    let bkt = || {
        let mut command = bare("bkt".as_ref());
        command.arg("--cache-dir").arg(lab.path("bkt")).args(["--ttl", "1d"]).args(SLOW);
        command
    };
    let has_bkt = Command::new("bkt").arg("--version").output().is_ok();
    succeed(&mut memo())?;
    let mut contenders = vec![memo(), lab.larder(&store, &["get", "bench", "hit"])];
    if has_bkt {
        succeed(&mut bkt())?;
        contenders.push(bkt());
    }
    let times = race(lab.rounds, &mut contenders)?;
    let mut rows = vec![Row::at_most(
        1.15,
        "memo: a hit, times a get",
        ratio(times[0], times[1]),
        format!("{} / {}", ms(times[0]), ms(times[1])),
    )];
    if let Some(&bkt) = times.get(2) {
        rows.push(Row::at_least(
            1.0,
            "memo: times as fast as bkt's hit",
            ratio(bkt, times[0]),
            format!("{} / {}", ms(bkt), ms(times[0])),
        ));
    }
    Ok(rows)
}
