//! Whether a command costs more for what it does not touch: instructions, as
//! valgrind counts them, beside expired entries of others over beside as many
//! that never expire.

use std::path::Path;
use std::process::Stdio;

use crate::Row;
use crate::lab::{Lab, Result, bare, name, succeed};

const COMMANDS: &[&[&str]] = &[
    &["namespace", "list"],
    &["-n", "tenant", "set", "g", "key", "value"],
    &["-n", "tenant", "count"],
    &["-n", "tenant", "purge", "--dry-run"],
    &["list", "tenant:g"],
    &["delete", "--groups", "tenant:none*", "--yes"],
];

pub fn rows(lab: &Lab) -> Result<Vec<Row>> {
    let prepared = |from: &Path, name: &str| -> Result<_> {
        let store = lab.copy(from, name)?;
        succeed(&mut lab.larder(&store, &["quota", "set", "tenant", "--max-keys", "1"]))?;
        succeed(&mut lab.larder(&store, &["-n", "tenant", "set", "g", "key", "value"]))?;
        Ok(store)
    };
    let live = prepared(&lab.store(lab.large)?, "cliff-live.db")?;
    let expired = prepared(&lab.store_of_due(lab.large)?, "cliff-expired.db")?;
    let row = |args: &&[&str]| {
        let [expired, live] = [&expired, &live].map(|store| instructions(lab, store, args));
        let (expired, live) = (expired?, live?);
        let what = format!("{}: beside expired", args.join(" "));
        Ok(Row::at_most(1.1, &what, expired / live, format!("{expired:.0} / {live:.0} instructions")))
    };
    COMMANDS.iter().map(row).collect()
}

fn instructions(lab: &Lab, store: &Path, args: &[&str]) -> Result<f64> {
    let run = lab.larder(store, args);
    let mut counted = bare(Path::new("valgrind"));
    counted.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    counted.arg(run.get_program()).args(run.get_args()).stderr(Stdio::piped());
    let output = counted.output().map_err(|e| format!("valgrind: {e}"))?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    let count = report.lines().find_map(|line| line.split("Collected :").nth(1));
    let count =
        count.filter(|_| output.status.success()).ok_or_else(|| format!("{}: {report}", name(&run)))?;
    Ok(count.trim().parse()?)
}
