//! One process, one operation: what a shell script pays.

use std::process::Command;

use crate::Row;
use crate::lab::{Lab, Result, bare, ms, race, ratio, succeed};

/// Sets of the run whose syncs are counted.
const COUNTED_SETS: usize = 256;

pub fn rows(lab: &Lab) -> Result<Vec<Row>> {
    let original = lab.path("hundred.db");
    for n in 0..100 {
        succeed(&mut lab.larder(&original, &["set", "g", &format!("key{n}"), "value"]))?;
    }
    let [mine, floors, shells] = ["mine.db", "floors.db", "shells.db"].map(|name| lab.copy(&original, name));
    let (mine, floors, shells) = (mine?, floors?, shells?);

    let has_shell = Command::new("sqlite3").arg("-version").output().is_ok();
    let mut gets = vec![lab.larder(&mine, &["get", "g", "key7"]), lab.floor(&floors, &["get", "g", "key7"])];
    let mut sets = vec![
        lab.larder(&mine, &["set", "g", "key7", "another"]),
        lab.floor(&floors, &["set", "g", "key7", "another"]),
    ];
    if has_shell {
        let key = "group_name='g'AND entry_key='key7'";
        gets.push(Lab::shell(&shells, &format!("SELECT entry_value FROM entries WHERE {key}")));
        sets.push(Lab::shell(&shells, &format!("UPDATE entries SET entry_value='another'WHERE {key}")));
    }
    let gets = race(lab.rounds, &mut gets)?;
    let sets = race(lab.rounds, &mut sets)?;

    let mut rows = Vec::new();
    for (what, times, limit) in [("get", gets, 1.3), ("set", sets, 1.25)] {
        let (larder, floor) = (times[0], times[1]);
        rows.push(Row::at_most(
            limit,
            &format!("{what}: times a minimal C program"),
            ratio(larder, floor),
            format!("{} / {}", ms(larder), ms(floor)),
        ));
        if let Some(&shell) = times.get(2) {
            rows.push(Row::at_least(
                1.6,
                &format!("{what}: times as fast as the sqlite3 shell"),
                ratio(shell, larder),
                format!("{} / {}", ms(shell), ms(larder)),
            ));
        }
    }
    if let Ok(syncs) = syncs(lab) {
        rows.push(Row::at_most(2.0, "set: syncs, on average", syncs, format!("over {COUNTED_SETS} sets")));
    }
    Ok(rows)
}

/// Syncs a set, counted by strace over a run of them on a store that exists.
fn syncs(lab: &Lab) -> Result<f64> {
    let (store, log) = (lab.copy(&lab.path("hundred.db"), "synced.db")?, lab.path("syncs"));
    let mut syncs = 0;
    for n in 0..COUNTED_SETS {
        let set = lab.larder(&store, &["set", "g", &format!("key{}", n % 100), &n.to_string()]);
        succeed(
            bare("strace".as_ref())
                .args(["-qq", "-f", "-e", "trace=fsync,fdatasync,sync_file_range", "-o"])
                .arg(&log)
                .arg(set.get_program())
                .args(set.get_args()),
        )?;
        syncs += std::fs::read_to_string(&log)?.lines().filter(|line| line.contains("sync")).count();
    }
    Ok(syncs as f64 / COUNTED_SETS as f64)
}
