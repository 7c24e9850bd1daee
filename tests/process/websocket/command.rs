//! `larder watch --listen` as a process.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;

use crate::common::watcher::{Watcher, until};
use crate::common::{LARDER, Test};
use crate::websocket::fixture::Client;

/// A watch that listens on a free port.
struct Listening {
    watcher: Watcher,
    address: String,
    token: String,
}

impl Listening {
    fn start(t: &Test, args: &[&str]) -> Self {
        let mut all = vec!["--listen", ":0", "--token-file", "token"];
        all.extend(args);
        let watcher = Watcher::start(t, &all);
        until("listening", || watcher.errors().ends_with('\n'));
        let note = watcher.errors();
        let address = note.strip_prefix("larder: watch: listening on http://").expect(&note);
        let address = address.strip_suffix("/, token in \"token\"\n").expect(&note).to_owned();
        let token = String::from_utf8(t.read("token")).unwrap().trim_end().to_owned();
        Self { watcher, address, token }
    }

    fn connect(&self, more: &str) -> Client {
        let request =
            format!("ws://{}/?token={}{more}", self.address, self.token).into_client_request().unwrap();
        let stream = TcpStream::connect(&self.address).unwrap();
        Client(tungstenite::client(request, stream).unwrap().0)
    }
}

fn names(change: &Value) -> (i64, &str, &str, &str) {
    let text = |name: &str| change[name].as_str().unwrap_or_default();
    (change["seq"].as_i64().unwrap(), text("type"), text("group"), text("key"))
}

#[test]
fn the_same_changes_are_printed_and_broadcast() {
    let t = Test::new();
    t.run(["set", "g", "old", "1"]).ok("");
    let mut listening = Listening::start(&t, &["--json"]);
    let mut live = listening.connect("");
    live.subscribe("store-events");
    live.ping();
    let mut resumed = listening.connect("&after=0");
    resumed.subscribe("group.g");
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["set", "h", "k", "v"]).ok("");
    t.run(["delete", "g", "--all"]).ok("");
    let printed: Vec<Value> =
        listening.watcher.take(3).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for change in &printed {
        let event = live.next();
        assert_eq!((&event["channel"], &event["data"]), (&json!("store-events"), change));
    }
    let got: Vec<Value> = (0..3).map(|_| resumed.next()["data"].take()).collect();
    assert_eq!(names(&got[0]), (1, "set", "g", "old"));
    assert_eq!(got[0]["value"], "1");
    assert_eq!(got[1..], [printed[0].clone(), printed[2].clone()]);

    listening.watcher.signal(Signal::SIGTERM);
    assert_eq!(live.rest(), (vec![], Some(1001)));
    assert_eq!(resumed.rest(), (vec![], Some(1001)));
    assert_eq!(listening.watcher.end().0.code(), Some(0));
}

/// The page shows figures on the connection that it has; go-ws clients, which
/// never ask for them, must see nothing new.
#[test]
fn figures_come_to_who_asks_for_them() {
    let t = Test::new();
    t.run(["-n", "ns", "set", "g", "k", "v"]).ok("");
    t.run(["quota", "set", "ns", "--max-keys", "5"]).ok("");
    t.run(["set", "g", "k", "value"]).ok("");
    let listening = Listening::start(&t, &[]);
    let (mut page, mut other) = (listening.connect(""), listening.connect(""));
    page.subscribe("store-stats");
    other.subscribe("store-events");
    let mut stats = page.next();
    assert!(stats["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&stats["type"], &stats["channel"]), (&json!("stats"), &json!("store-stats")));
    let mut data = stats["data"].take();
    for row in data["namespaces"].as_array_mut().unwrap() {
        // Of the last ten seconds, and this may be slow.
        assert!(row["changes"].take().as_i64() <= Some(1));
    }
    assert_eq!((&data["seq"], &data["keys"], &data["bytes"]), (&json!(2), &json!(2), &json!(8)));
    assert_eq!(
        data["namespaces"],
        json!([
            { "namespace": null, "keys": 1, "bytes": 6, "groups": 1, "max_keys": null, "max_bytes": null,
              "max_groups": null, "changes": null, "expiring": 0 },
            { "namespace": "ns", "keys": 1, "bytes": 2, "groups": 1, "max_keys": 5, "max_bytes": null,
              "max_groups": null, "changes": null, "expiring": 0 },
        ])
    );
    assert_eq!(data["per_second"].as_array().unwrap().len(), 300);
    // Again and again, and with what has happened meanwhile.
    t.run(["watch", "--consumer", "late", "--after", "0", "--count", "0"]).ok("");
    while page.next()["data"]["consumers"][0]["name"] != "late" {}
    page.send(&json!({ "type": "unsubscribe", "channel": "store-stats" }));
    t.run(["delete", "g", "k"]).ok("");
    let event = other.next();
    assert_eq!((&event["type"], &event["data"]["type"]), (&json!("event"), &json!("delete")));
    listening.watcher.signal(Signal::SIGTERM);
    assert_eq!(other.rest(), (vec![], Some(1001)));
}

#[test]
fn figures_end_where_the_watch_does() {
    let t = Test::new();
    t.run(["-n", "a", "set", "g", "k", "v"]).ok("");
    t.run(["-n", "b", "set", "secret", "k", "v"]).ok("");
    // A watch of one group: its clients are told of that group alone.
    let listening = Listening::start(&t, &["a:g"]);
    let mut client = listening.connect("");
    client.subscribe("store-stats");
    assert_eq!(
        client.next(),
        json!({ "type": "error", "data": "store-stats: this watch covers only part of the store" })
    );
    drop((client, listening));
    // One of a namespace: no number is of another one.
    let listening = Listening::start(&t, &["-n", "a"]);
    let mut client = listening.connect("");
    client.subscribe("store-stats");
    let data = client.next()["data"].take();
    assert_eq!((&data["keys"], &data["groups"]), (&json!(1), &json!(1)));
    let names: Vec<_> = data["namespaces"].as_array().unwrap().iter().map(|row| &row["namespace"]).collect();
    assert_eq!(names, ["a"]);
    let counted: i64 = data["per_second"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).sum();
    assert!(counted <= 1, "{data}");
}

#[test]
fn a_scope_and_a_selection_hold_for_what_is_replayed_too() {
    let t = Test::new();
    for (namespace, group) in [("a", "jobs"), ("b", "jobs"), ("a", "other")] {
        t.run(["-n", namespace, "set", group, "k", "v"]).ok("");
    }
    let listening = Listening::start(&t, &["-n", "a", "jobs"]);
    let mut client = listening.connect("&after=0");
    client.subscribe("store-events");
    client.subscribe("group.jobs");
    let first = client.next();
    assert_eq!(names(&first["data"]), (1, "set", "jobs", "k"));
    assert_eq!(first["data"]["namespace"], "a");
    assert_eq!(client.next()["channel"], "group.jobs");
    t.run(["-n", "b", "set", "jobs", "k", "v"]).ok("");
    t.run(["-n", "a", "set", "other", "k", "v"]).ok("");
    t.run(["-n", "a", "set", "jobs", "k", "v"]).ok("");
    assert_eq!(client.next()["data"]["seq"], 6);
}

#[test]
fn a_trimmed_position_is_told() {
    let t = Test::new();
    for n in 0..10 {
        t.run(["set", "g", "k", &n.to_string()]).ok("");
    }
    let log = t.run(["--json", "purge", "--keep-changes", "3"]).output();
    assert!(log.status.success());
    let oldest = t.number("SELECT min(seq) FROM larder_changes");
    assert!(oldest > 3);
    let listening = Listening::start(&t, &[]);
    let mut client = listening.connect("&after=1");
    let error = client.next();
    assert_eq!(error["type"], "error");
    assert!(error["data"].as_str().unwrap().contains(&format!("oldest retained: {oldest}")), "{error}");
    client.subscribe("store-events");
    let (first, last) = (client.next(), t.number("SELECT max(seq) FROM larder_changes"));
    assert_eq!(first["data"]["seq"], oldest.max(2));
    for seq in oldest + 1..=last {
        assert_eq!(client.next()["data"]["seq"], seq);
    }
}

#[test]
fn a_store_that_appears_later() {
    let t = Test::new();
    let listening = Listening::start(&t, &[]);
    let mut client = listening.connect("");
    client.subscribe("store-events");
    client.ping();
    t.run(["set", "g", "k", "v"]).ok("");
    assert_eq!(names(&client.next()["data"]), (1, "set", "g", "k"));
    drop(listening);
    // A snapshot is printed, and not broadcast: clients ask for a position.
    let listening = Listening::start(&t, &["--snapshot"]);
    assert_eq!(listening.watcher.line(), "1\tset\tg\tk");
    let mut client = listening.connect("");
    client.subscribe("store-events");
    assert_eq!(client.ping()["seq"], 1);
}

#[test]
fn a_command_may_be_slow() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let mut listening = Listening::start(&t, &["--", "sh", "-c", "while ! [ -e go ]; do sleep 0.01; done"]);
    let mut client = listening.connect("");
    client.subscribe("store-events");
    client.ping();
    t.run(["set", "g", "k", "w"]).ok("");
    assert_eq!(client.next()["data"]["value"], "w");
    t.write("go", "");
    listening.watcher.signal(Signal::SIGTERM);
    assert_eq!(client.rest().1, Some(1001));
    assert_eq!(listening.watcher.end().0.code(), Some(0));
}

/// Clients got what the standard output had taken, and one event for each
/// command that had ended: a pager that was paused, or a slow command, kept
/// everybody waiting.
#[test]
fn clients_wait_for_no_reader_and_for_no_command() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let value = "x".repeat(4000);
    let lines = |from: usize| {
        let line = |n| format!("{{\"op\":\"set\",\"group\":\"g\",\"key\":\"{n}\",\"value\":\"{value}\"}}\n");
        (from..from + 50).map(line).collect::<String>()
    };
    let blocked = ["--json", "watch", "--listen", ":0", "--token-file", "token"];
    let command = ["sh", "-c", "while ! [ -e go ]; do sleep 0.01; done"];
    for command in [&[][..], &command[..]] {
        // Nobody reads what it prints, and no pipe holds so much.
        let mut watch = Command::new(LARDER);
        watch.args(blocked).args(command.first().map(|_| "--")).args(command).env_clear();
        watch.env("HOME", t.home()).env("PATH", "/usr/bin:/bin").current_dir(t.home());
        watch.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut watch = watch.spawn().unwrap();
        let mut note = String::new();
        BufReader::new(watch.stderr.take().unwrap()).read_line(&mut note).unwrap();
        let address = note.split(['/', ',']).nth(2).expect(&note).to_owned();
        let token = String::from_utf8(t.read("token")).unwrap();
        let request = format!("ws://{address}/?token={}", token.trim_end()).into_client_request().unwrap();
        let stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_mins(1))).unwrap();
        let mut client = Client(tungstenite::client(request, stream).unwrap().0);
        client.subscribe("store-events");
        let mut seq = client.ping()["seq"].as_i64().unwrap();
        for lot in 0..4 {
            t.run(["batch", "-"]).stdin(lines(lot * 50)).ok("");
            let expected: Vec<i64> = (seq + 1..=seq + 50).collect();
            assert_eq!(client.seqs("store-events", 50), expected);
            seq += 50;
        }
        t.write("go", "");
        let pid = nix::unistd::Pid::from_raw(i32::try_from(watch.id()).unwrap());
        nix::sys::signal::kill(pid, Signal::SIGTERM).unwrap();
        assert_eq!(client.rest(), (vec![], Some(1001)));
        watch.wait().unwrap();
        std::fs::remove_file(t.path("go")).unwrap();
    }
}

/// What --count ends is broadcast to its end, and no further.
#[test]
fn a_count_holds_for_clients_too() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    for snapshot in [false, true] {
        let mut args = vec!["--count", if snapshot { "4" } else { "3" }];
        args.extend(snapshot.then_some("--snapshot"));
        let mut listening = Listening::start(&t, &args);
        if snapshot {
            listening.watcher.line();
        }
        let mut client = listening.connect("");
        client.subscribe("store-events");
        let seq = client.ping()["seq"].as_i64().unwrap();
        let line = "{\"op\":\"set\",\"group\":\"g\",\"key\":\"k\",\"value\":\"v\"}\n";
        t.run(["batch", "-"]).stdin(line.repeat(5)).ok("");
        assert_eq!(client.seqs("store-events", 3), [seq + 1, seq + 2, seq + 3]);
        assert_eq!(client.rest(), (vec![], Some(1001)));
        assert_eq!(listening.watcher.end().0.code(), Some(0));
    }
}

#[test]
fn what_cannot_be_listened_on() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["watch", "--listen", "example.org:80"]).fails_with(2, "is not an address such as 8080");
    t.run(["watch", "--listen", ":0", "--allow-origin", "*"]).fails_with(2, "is not an origin");
    t.run(["watch", "--token-file", "x"]).fails_with(2, "--listen");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    t.run(["watch", "--listen", &address])
        .fails(10, format!("larder: watch: listen on {address}: Address already in use\n"));
    // The token was made on first use, for its owner alone.
    let token = t.path(".local/share/larder/watch.token");
    assert_eq!(token.metadata().unwrap().permissions().mode() & 0o7777, 0o600);

    let open = t.write("open", "secret\n");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    t.run(["watch", "--listen", ":0", "--token-file", "open"])
        .fails_with(10, "token file \"open\": others can read it (mode 0644)");
    t.run(["watch", "--listen", ":0", "--token-file", "/proc/token"])
        .fails_with(10, "token file \"/proc/token\"");
    let empty = t.write("empty", "");
    std::fs::set_permissions(&empty, std::fs::Permissions::from_mode(0o600)).unwrap();
    t.run(["watch", "--listen", ":0", "--token-file", "empty"]).fails_with(8, "token file \"empty\"");
    t.run(["--db", "x", "watch", "--listen", ":0"])
        .no_env("HOME")
        .fails_with(2, "cannot choose a token file");
}

/// A FIFO in the place of the token kept the start waiting for a writer, with
/// the signals blocked, and root took the token of anybody.
#[test]
fn a_token_is_a_file_of_the_callers_own() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    nix::unistd::mkfifo(&t.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let refused = |file: &str, why: &str| {
        t.run(["watch", "--listen", ":0", "--token-file", file])
            .fails(10, format!("larder: watch: token file \"{file}\": {why}\n"));
    };
    refused("fifo", "not a regular file");
    refused("/dev/null", "not a regular file");
    if nix::unistd::geteuid().is_root() {
        let others = t.write("others", "secret\n");
        std::fs::set_permissions(&others, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&others, Some(7_700_001), None).unwrap();
        refused("others", "it belongs to another user");
    }
}
