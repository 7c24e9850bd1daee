//! Due entries and locks of others: what a watch does while it waits.

use std::io::Read;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::common::watcher::{Watcher, unread, until};
use crate::common::{LARDER, Test};

fn is_logged(t: &Test, key: &str) -> bool {
    t.number(&format!("SELECT count(*) FROM larder_changes WHERE type='expire' AND entry_key='{key}'")) == 1
}

/// The only watcher's command was at work, and an entry that became due
/// meanwhile stood in the log only once the command had ended: every other
/// reader of the log heard of it late.
#[test]
fn an_entry_expires_on_time_while_the_command_runs() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let mut command = Command::new(LARDER);
    command.args(["watch", "--after", "0", "--", "/bin/sh", "-c"]);
    command.arg("echo $LARDER_TYPE $LARDER_KEY; while [ ! -e go ]; do sleep 0.01; done");
    let mut w = Watcher::spawn(&t, command);
    assert_eq!(w.line(), "set k");
    t.run(["set", "g", "soon", "v", "--ttl", "1ms"]).ok("");
    until("the expiry", || is_logged(&t, "soon"));
    // Before anybody had to ask: the command still runs.
    assert_eq!(w.try_line(), None);
    t.write("go", "");
    assert_eq!(w.take(2), ["set soon", "expire soon"]);
    w.finish();
}

/// The same with a reader that reads no more.
#[test]
fn an_entry_expires_on_time_while_the_pipe_is_full() {
    let t = Test::new();
    t.run(["set", "g", "k", "-"]).stdin("x".repeat(1 << 20)).ok("");
    let (mut child, mut stdout) = unread(&t, &["--json", "--after", "0"]);
    let mut byte = [0];
    stdout.read_exact(&mut byte).expect("the beginning of a line");
    t.run(["set", "g", "soon", "v", "--ttl", "1ms"]).ok("");
    until("the expiry", || is_logged(&t, "soon"));
    child.kill().expect("kill the watch");
    child.wait().expect("its end");
}

/// With an entry due and the write lock taken, by an import or by another
/// program, each batch of a backlog waited for the lock until --busy-timeout
/// was over, and so did SIGTERM: for an hour, if need be.
#[test]
fn a_lock_of_somebody_elses_delays_neither_reading_nor_a_signal() {
    let t = Test::new();
    t.run(["set", "g", "due", "v"]).ok("");
    let line = r#"{"op":"set","group":"g","key":"N","value":"v"}"#;
    let many: Vec<String> = (0..1000).map(|n| line.replace('N', &n.to_string())).collect();
    t.run(["batch", "-"]).stdin(many.join("\n")).ok("");
    t.make_due("g", "due");
    let writer = t.sql();
    writer.execute_batch("BEGIN IMMEDIATE").expect("lock the store");
    let mut command = Command::new(LARDER);
    command.args(["--busy-timeout", "1h", "watch", "--after", "0"]);
    let mut w = Watcher::spawn(&t, command);
    assert_eq!(w.take(1001).last().map(String::as_str), Some("1001\tset\tg\t999"));
    w.finish();
    // Nor does the position of a consumer, which needs the lock.
    let mut command = Command::new(LARDER);
    command.args(["--busy-timeout", "1h", "watch", "--consumer", "c", "--after", "0", "--timeout", "300ms"]);
    let mut w = Watcher::spawn(&t, command);
    let (status, _) = w.end();
    assert_eq!(status.code(), Some(6));
    t.write("t.hbs", "{{[1]}}\n");
    command = Command::new(LARDER);
    command.args([
        "render",
        "g",
        "t.hbs",
        "-o",
        "out",
        "--watch",
        "--busy-timeout",
        "1h",
        "--exec",
        "cat out",
    ]);
    let mut w = Watcher::spawn(&t, command);
    assert_eq!(w.line(), "v");
    w.signal(Signal::SIGTERM);
    assert_eq!(w.end().0.code(), Some(0));
    writer.execute_batch("ROLLBACK").expect("unlock the store");
}
