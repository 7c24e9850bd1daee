//! Many entries in one process: speed, and memory that does not grow.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::Row;
use crate::lab::{Lab, Result, median, ms, peak, ratio, succeed};

pub fn rows(lab: &Lab) -> Result<Vec<Row>> {
    let mut rows = vec![stream(lab)?];
    rows.extend(import(lab)?);

    let huge = lab.store(lab.huge)?;
    let mut memory = |what: &str, args: &[&str]| -> Result<()> {
        let (time, mib) = peak(&lab.larder(&huge, args))?;
        rows.push(Row::at_most(16.0, &format!("{what} of {} rows: MiB", lab.huge), mib, ms(time)));
        Ok(())
    };
    memory("list", &["list", "big"])?;
    memory("list --values", &["list", "big", "--values"])?;
    memory("export", &["export"])?;
    let due = lab.store_of_due(lab.huge)?;
    let (time, mib) = peak(&lab.larder(&due, &["purge"]))?;
    rows.push(Row::at_most(16.0, &format!("purge of {} rows: MiB", lab.huge), mib, ms(time)));
    Ok(rows)
}

/// Sets acknowledged as durable, a second, through one process and its pipes.
fn stream(lab: &Lab) -> Result<Row> {
    let sets = lab.large;
    let store = lab.path("stream.db");
    let mut child = lab
        .larder(&store, &["batch", "-", "--stream"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take().ok_or("no pipe to the child")?;
    let stdout = child.stdout.take().ok_or("no pipe from the child")?;
    let start = Instant::now();
    let writer = std::thread::spawn(move || -> std::io::Result<()> {
        let mut stdin = BufWriter::new(stdin);
        for n in 0..sets {
            writeln!(stdin, r#"{{"op":"set","group":"stream","key":"key-{n:08}","value":"value-{n:034}"}}"#)?;
        }
        stdin.flush()
    });
    let acknowledged = BufReader::new(stdout)
        .lines()
        .map_while(std::io::Result::ok)
        .filter(|l| l.contains("\"ok\":true"))
        .count();
    let time = start.elapsed();
    let written = writer.join().map_err(|_| "the writer panicked")?;
    if !child.wait()?.success() || acknowledged != sets {
        return Err(format!("batch --stream acknowledged {acknowledged} of {sets} ({written:?})").into());
    }
    let rate = acknowledged as f64 / time.as_secs_f64();
    Ok(Row::at_least(50_000.0, "batch --stream: sets a second", rate, format!("{sets} in {}", ms(time))))
}

/// larder's import against the sqlite3 shell's, which keeps no log and no
/// counters.
fn import(lab: &Lab) -> Result<Vec<Row>> {
    let csv = lab.csv(lab.large)?;
    let (mine, theirs) = (lab.path("import.db"), lab.path("shell-import.db"));
    let table = "CREATE TABLE entries(group_name TEXT NOT NULL,entry_key TEXT NOT NULL,entry_value TEXT NOT NULL,PRIMARY KEY(group_name,entry_key))";
    let (mut ours, mut shells, mut most) = (Vec::new(), Vec::new(), 0.0f64);
    for _ in 0..3 {
        for store in [&mine, &theirs] {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", store.display()));
            }
        }
        let (time, mib) = peak(lab.larder(&mine, &["import"]).arg(&csv))?;
        ours.push(time);
        most = most.max(mib);
        succeed(&mut Lab::shell(&theirs, table))?;
        let start = Instant::now();
        succeed(&mut Lab::shell(&theirs, &format!(".import --csv --skip 1 {} entries", csv.display())))?;
        shells.push(start.elapsed());
    }
    let (ours, shells): (Duration, Duration) = (median(&mut ours), median(&mut shells));
    Ok(vec![
        Row::at_most(
            1.5,
            &format!("import of {} rows: times .import", lab.large),
            ratio(ours, shells),
            format!("{} / {}", ms(ours), ms(shells)),
        ),
        Row::at_most(32.0, &format!("import of {} rows: MiB", lab.large), most, String::new()),
    ])
}
