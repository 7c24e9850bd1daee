use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::Test;

pub fn filled() -> Test {
    let t = Test::new();
    t.run(["set", "app", "host", "<a&b>"]).ok("");
    t.run(["set", "app", "port", "80"]).ok("");
    t.run(["set", "app", "log.level", "info"]).ok("");
    t.write("conf.hbs", "host={{host}}\nport={{port}}\nlevel={{[log.level]}}\n");
    t
}

const TEXT: &str = "host=<a&b>\nport=80\nlevel=info\n";

pub const LENIENT: &str = "hint: --lenient renders them empty; in the template, (exists \"name\") tests and {{default name \"x\"}} sets a default\n";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn to_standard_output() {
    let t = filled();
    t.run(["render", "app", "conf.hbs"]).ok(TEXT);
    t.run(["render", "app", "-"]).stdin("{{port}}").ok("80");
    t.run(["--json", "render", "app", "-"]).stdin("{{port}}\n").ok("{\"text\":\"80\\n\"}\n");
    t.run(["-n", "t", "set", "app", "port", "81"]).ok("");
    t.run(["-n", "t", "render", "app", "-"]).stdin("{{port}}").ok("81");
    t.run(["render", "t:app", "-"]).stdin("{{port}}").ok("81");
    t.run(["set", "app", "port", "\u{1b}[31m8\t0"]).ok("");
    let shown = t.run(["render", "app", "-"]).stdin("{{port}}").on_terminal(80);
    assert_eq!(shown, (0, "\\x1b[31m8\t0\n".into(), String::new()));
}

#[test]
fn all_missing_names_are_listed_sorted() {
    let t = filled();
    let template = "{{zeta}}{{port}}{{#if alpha}}{{/if}}{{lookup this \"m.n\"}}{{upper [a b]}}{{zeta}}";
    let error =
        "larder: render: the template: no value for \"a b\", \"alpha\", \"m.n\", \"zeta\" in group \"app\"\n";
    t.run(["render", "app", "-"]).stdin(template).fails(8, format!("{error}{LENIENT}"));
    let json = t.run(["--json", "render", "app", "-"]).stdin(template).json_error(8, "bad_data");
    assert_eq!(json["message"], error.trim_end().trim_start_matches("larder: "));
    t.run(["render", "app", "-", "--lenient"]).stdin(template).ok("80");
    t.run(["render", "app", "-"]).stdin("{{log.level}}").fails(
        8,
        "larder: render: the template: no value for \"log.level\" in group \"app\"\n\
         hint: a key with a dot or slash is written {{[log.level]}}\n",
    );
    t.run(["render", "app", "-"]).stdin("{{#if (exists \"a\")}}{{a}}{{else}}no{{/if}}").ok("no");
}

#[test]
fn without_a_store_every_name_is_missing() {
    let t = Test::new();
    t.run(["render", "g", "-"]).stdin("plain\n").ok("plain\n");
    t.run(["render", "g", "-"]).stdin("{{#each this}}{{@key}}{{else}}none{{/each}}").ok("none");
    t.run(["render", "g", "-"])
        .stdin("{{a}}")
        .fails(8, format!("larder: render: the template: no value for \"a\" in group \"g\"\n{LENIENT}"));
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn due_entries_are_missing() {
    let t = filled();
    t.make_due("app", "port");
    t.run(["render", "app", "conf.hbs"])
        .fails(8, format!("larder: render: \"conf.hbs\": no value for \"port\" in group \"app\"\n{LENIENT}"));
}

#[test]
fn keys_in_byte_order() {
    let t = Test::new();
    for key in ["b", "é", "B", "a\tb", ""] {
        t.run(["set", "g", key, "v"]).ok("");
    }
    t.run(["render", "g", "-"]).stdin("{{#each this}}[{{@key}}]{{/each}}").ok("[][B][a\tb][b][é]");
}

#[test]
fn values_that_are_not_text() {
    let t = filled();
    t.run(["set", "app", "logo", "-"]).stdin(b"\xff\x00").ok("");
    t.run(["render", "app", "conf.hbs"]).ok(TEXT);
    t.run(["render", "app", "-"]).stdin("{{logo}}{{port}}").fails(
        8,
        "larder: render: the template: not UTF-8 text, so it cannot be rendered: the value of \"logo\"\n",
    );
}

#[test]
fn wrong_templates() {
    let t = filled();
    t.run(["render", "app", "absent.hbs"])
        .fails(10, "larder: render: \"absent.hbs\": No such file or directory\n");
    t.run(["render", "app", "."]).fails(10, "larder: render: \".\": Is a directory\n");
    t.run(["render", "app", "-"]).stdin(b"\xff").fails(8, "larder: render: the template is not UTF-8 text\n");
    t.run(["render", "app", "-"]).stdin("x\n{{port 1}}").fails(
        8,
        "larder: render: the template: line 2, column 1: there is no helper \"port\"\n\
             hint: a key with a space in it is written {{[the key]}}\n",
    );
    t.run(["render", "app", "-"]).stdin("{{#if port}}").fails_with(8, "the template: line 1");
    t.run(["render", "app", "-"])
        .stdin("{{#if port}}".repeat(40_000))
        .fails(8, "larder: render: the template: line 1, column 1: nests deeper than 64 levels\n");
    t.run(["render", "app", "-"])
        .stdin("{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}")
        .fails_with(8, "partials include each other deeper than 32 levels");
    t.run(["render", "app", "-"])
        .stdin(" ".repeat((1 << 20) + 1))
        .fails(8, "larder: render: the template is larger than 1024 KiB, the maximum for a template\n");
}

#[test]
fn usage() {
    let t = filled();
    for flag in ["--check=true", "--exec=true", "--mode=600", "--in-place", "--diff", "--watch"] {
        t.run(["render", "app", "conf.hbs", flag]).fails_with(2, "--output <FILE>");
    }
    for mode in ["", "8", "10000", "u+w", "-1", "0000644"] {
        t.run(["render", "app", "conf.hbs", "-o", "f", &format!("--mode={mode}")])
            .fails_with(2, "is not a mode in octal");
    }
    t.run(["render", "app", "conf.hbs", "-o", "f", "--debounce", "1s"]).fails_with(2, "--watch");
    t.run(["render", "app", "conf.hbs", "-o", "f", "--watch", "--debounce", "0s"]).fails_with(2, "duration");
    let ever = "--exec-timeout=300000000000y";
    t.run(["render", "app", "conf.hbs", "-o", "g", "--exec", "true", ever, "--busy-timeout=300000000000y"])
        .ok("");
    t.run(["render", "app", "conf.hbs", "-o", "conf.hbs"])
        .fails(2, "larder: render: \"conf.hbs\" is the template itself\n");
    assert!(!t.path("f").exists());
}

#[test]
fn a_file_is_replaced_and_keeps_its_mode() {
    let t = filled();
    let out = t.path("app.conf");
    t.run(["render", "app", "conf.hbs", "-o", "app.conf"]).ok("");
    assert_eq!(t.read("app.conf"), TEXT.as_bytes());
    t.sh("umask 027; larder render app conf.hbs -o masked").ok("");
    assert_eq!(mode(&t.path("masked")), 0o640);
    fs::set_permissions(&out, fs::Permissions::from_mode(0o604)).unwrap();
    let old = fs::metadata(&out).unwrap();
    t.run(["set", "app", "port", "81"]).ok("");
    t.run(["render", "app", "conf.hbs", "-o", "app.conf"]).ok("");
    let new = fs::metadata(&out).unwrap();
    assert_eq!((new.mode(), new.uid(), new.gid()), (old.mode(), old.uid(), old.gid()));
    assert_ne!(new.ino(), old.ino(), "replaced, not rewritten");
    assert!(t.files().iter().all(|name| !name.contains(".larder-")), "{:?}", t.files());
}

#[test]
fn an_owner_is_kept() {
    let t = filled();
    let out = t.write("app.conf", "old");
    // Only root can give files away.
    if std::os::unix::fs::chown(&out, Some(1), Some(2)).is_err() {
        return;
    }
    fs::set_permissions(&out, fs::Permissions::from_mode(0o4755)).unwrap();
    t.run(["render", "app", "conf.hbs", "-o", "app.conf"]).ok("");
    let meta = fs::metadata(&out).unwrap();
    assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (1, 2, 0o4755));
}

#[test]
fn a_file_of_somebody_else_is_not_taken_over() {
    let t = filled();
    let out = t.write("app.conf", "old");
    // Only root can become somebody else.
    if std::os::unix::fs::chown(&out, Some(0), Some(0)).is_err() {
        return;
    }
    let anybody = fs::Permissions::from_mode(0o777);
    for path in ["", "app.conf", ".local", ".local/share", ".local/share/larder"] {
        fs::set_permissions(t.path(path), anybody.clone()).unwrap();
    }
    for file in fs::read_dir(t.path(".local/share/larder")).unwrap() {
        fs::set_permissions(file.unwrap().path(), anybody.clone()).unwrap();
    }
    let as_nobody =
        "setpriv --reuid=65534 --regid=65534 --clear-groups larder render app conf.hbs -o app.conf";
    t.sh(as_nobody).fails(
        10,
        "larder: render: \"app.conf\": a new file cannot be given the owner 0:0\n\
         hint: --in-place writes into the file that is there\n",
    );
    assert_eq!(t.read("app.conf"), b"old");
    t.sh(&format!("{as_nobody} --in-place")).ok("");
    assert_eq!(t.read("app.conf"), TEXT.as_bytes());
    assert_eq!(fs::metadata(&out).unwrap().uid(), 0);
}

#[test]
fn the_same_text_leaves_the_file_alone() {
    let t = filled();
    let out = t.write("app.conf", TEXT);
    let before = fs::metadata(&out).unwrap();
    t.run(["render", "app", "conf.hbs", "-o", "app.conf", "--check", "exit 1", "--exec", "touch ran"]).ok("");
    let after = fs::metadata(&out).unwrap();
    let facts = |m: &fs::Metadata| (m.ino(), m.mtime(), m.mtime_nsec(), m.ctime_nsec());
    assert_eq!(facts(&before), facts(&after));
    assert!(!t.path("ran").exists());
    t.run(["--json", "render", "app", "conf.hbs", "-o", "app.conf"])
        .ok(format!("{{\"bytes\":{},\"changed\":false,\"output\":\"app.conf\"}}\n", TEXT.len()));
    t.run(["render", "app", "conf.hbs", "-o", "app.conf", "--mode", "0600"]).ok("");
    let after = fs::metadata(&out).unwrap();
    assert_eq!((after.ino(), after.mode() & 0o7777), (before.ino(), 0o600));
}

#[test]
fn a_failure_leaves_the_file_alone() {
    let t = filled();
    t.write("app.conf", "old");
    t.run(["delete", "app", "port"]).ok("");
    t.run(["render", "app", "conf.hbs", "-o", "app.conf"]).fails_with(8, "no value for \"port\"");
    t.run(["render", "app", "-", "-o", "app.conf"]).stdin("{{#if").fails_with(8, "line 1");
    t.run(["render", "app", "conf.hbs", "-o", "app.conf", "--lenient", "--check", "exit 3"])
        .fails(8, "larder: render: the check failed with status 3; \"app.conf\" is unchanged\n");
    assert_eq!(t.read("app.conf"), b"old");
    t.run(["render", "app", "-", "-o", "none/app.conf"])
        .stdin("x")
        .fails(10, "larder: render: \"none/app.conf\": No such file or directory\n");
    t.run(["render", "app", "-", "-o", "."]).stdin("x").fails(10, "larder: render: \".\": Is a directory\n");
    let names: Vec<_> = t.files().into_iter().filter(|name| !name.starts_with(".local/")).collect();
    assert_eq!(names, ["app.conf", "conf.hbs"]);
}

#[test]
fn a_full_disk_leaves_the_file_alone() {
    let t = filled();
    t.write("app.conf", "old");
    t.write("big.hbs", "x".repeat(200_000));
    t.sh("trap '' XFSZ; ulimit -f 200; larder render app big.hbs -o app.conf").fails_with(10, "\"app.conf\"");
    t.sh("trap '' XFSZ; ulimit -f 200; larder render app big.hbs -o app.conf --in-place")
        .fails_with(10, "\"app.conf\"");
    assert_eq!(t.read("app.conf"), b"old");
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let t = filled();
    fs::create_dir(t.path("real")).unwrap();
    t.write("real/app.conf", "old");
    symlink("real/app.conf", t.path("one")).unwrap();
    symlink("one", t.path("two")).unwrap();
    t.run(["render", "app", "conf.hbs", "-o", "two"]).ok("");
    assert_eq!(fs::read_link(t.path("two")).unwrap(), Path::new("one"));
    assert_eq!(fs::read_link(t.path("one")).unwrap(), Path::new("real/app.conf"));
    assert_eq!(t.read("real/app.conf"), TEXT.as_bytes());
    symlink("real/new.conf", t.path("dangling")).unwrap();
    t.run(["render", "app", "conf.hbs", "-o", "dangling"]).ok("");
    assert_eq!(t.read("real/new.conf"), TEXT.as_bytes());
    symlink("loop", t.path("loop")).unwrap();
    t.run(["render", "app", "conf.hbs", "-o", "loop"]).fails_with(10, "\"loop\": Too many levels");
}

#[test]
fn devices_and_fifos_are_written_to() {
    let t = filled();
    t.run(["render", "app", "conf.hbs", "-o", "/dev/null"]).ok("");
    t.sh("larder render app conf.hbs -o /dev/stdout | cat").ok(TEXT);
    t.sh("mkfifo pipe; larder render app conf.hbs -o pipe")
        .fails_with(10, "\"pipe\": No such device or address");
    t.sh("cat pipe >got & until larder render app conf.hbs -o pipe 2>/dev/null; do sleep 0.01; done; wait; test -p pipe && cat got").ok(TEXT);
}

#[test]
fn in_place() {
    let t = filled();
    let out = t.write("app.conf", "a longer text than what will be rendered in its place, by far");
    fs::hard_link(&out, t.path("other")).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o660)).unwrap();
    let before = fs::metadata(&out).unwrap();
    t.run([
        "render",
        "app",
        "conf.hbs",
        "-o",
        "app.conf",
        "--in-place",
        "--check",
        "cmp -s \"$LARDER_CANDIDATE\" app.conf",
    ])
    .fails_with(8, "the check failed with status 1");
    t.run(["render", "app", "conf.hbs", "-o", "app.conf", "--in-place"]).ok("");
    let after = fs::metadata(&out).unwrap();
    assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
    assert_eq!(t.read("other"), TEXT.as_bytes());
    t.run(["render", "app", "conf.hbs", "-o", "new.conf", "--in-place"]).ok("");
    assert_eq!(t.read("new.conf"), TEXT.as_bytes());
}

#[test]
fn diff_changes_nothing() {
    let t = filled();
    t.write("app.conf", "host=<a&b>\nport=79\nlevel=info\n");
    let diff = "--- app.conf\n+++ app.conf (rendered)\n@@ -1,3 +1,3 @@\n host=<a&b>\n-port=79\n+port=80\n level=info\n";
    t.run([
        "render",
        "app",
        "conf.hbs",
        "-o",
        "app.conf",
        "--diff",
        "--exec",
        "touch ran",
        "--check",
        "touch ran",
    ])
    .ok(diff);
    let json = t.run(["--json", "render", "app", "conf.hbs", "-o", "app.conf", "--diff"]).json();
    assert_eq!(json, serde_json::json!({"output": "app.conf", "changed": true, "diff": diff}));
    assert_eq!(t.read("app.conf"), b"host=<a&b>\nport=79\nlevel=info\n");
    assert!(!t.path("ran").exists());
    t.run(["render", "app", "-", "-o", "new", "--diff"])
        .stdin("a\nb")
        .ok("--- new\n+++ new (rendered)\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n");
    assert!(!t.path("new").exists());
    t.run(["render", "app", "conf.hbs", "-o", "app.conf"]).ok("");
    t.run(["render", "app", "conf.hbs", "-o", "app.conf", "--diff"]).ok("");
}

#[test]
fn the_check_sees_the_candidate_and_exec_the_target() {
    let t = filled();
    t.write("app.conf", "old");
    t.run(["-n", "", "render", "app", "conf.hbs", "-o", "app.conf"])
        .fails_with(2, "--namespace is set but empty");
    t.run([
        "render",
        "app",
        "conf.hbs",
        "-o",
        "app.conf",
        "--check",
        "cat \"$LARDER_CANDIDATE\" \"$LARDER_TARGET\"; ls -A $(dirname \"$LARDER_CANDIDATE\") | grep -c larder-",
        "--exec",
        "cat \"$LARDER_TARGET\"; larder get app port; echo \" ${LARDER_CANDIDATE-none} $(/usr/bin/ls -l /proc/self/fd | grep -c larder.db)\"",
    ])
    .env("PATH", format!("{}:/usr/bin:/bin", Path::new(crate::common::LARDER).parent().unwrap().display()))
    .ok(format!("{TEXT}old1\n{TEXT}80 none 0\n"));
}

#[test]
fn a_failing_command_after_the_replacement() {
    let t = filled();
    t.run(["render", "app", "conf.hbs", "-o", "app.conf", "--exec", "exit 42"]).fails(
        42,
        "larder: render: \"app.conf\" is replaced, but the command after it failed with status 42\n",
    );
    assert_eq!(t.read("app.conf"), TEXT.as_bytes());
    t.run(["set", "app", "port", "81"]).ok("");
    let error =
        t.run(["--json", "render", "app", "conf.hbs", "-o", "app.conf", "--exec", "kill -9 $$"]).output();
    assert_eq!(error.status.code(), Some(137));
    assert!(String::from_utf8_lossy(&error.stderr).contains("\"error\":\"io\""));
}

#[test]
fn a_slow_command_is_ended_with_all_it_started() {
    let t = filled();
    t.run([
        "render",
        "app",
        "conf.hbs",
        "-o",
        "app.conf",
        "--check",
        "sleep 600 & echo $! >pid; wait",
        "--exec-timeout",
        "1s",
    ])
    .fails(8, "larder: render: the check took longer than --exec-timeout; \"app.conf\" is unchanged\n");
    assert!(!t.path("app.conf").exists());
    t.run(["render", "app", "conf.hbs", "-o", "app.conf", "--exec", "sleep 600 & echo $! >>pid; wait", "--exec-timeout", "1s"])
        .fails(6, "larder: render: \"app.conf\" is replaced, but the command after it took longer than --exec-timeout\n");
    for pid in String::from_utf8(t.read("pid")).unwrap().lines() {
        // Gone, or dead and waiting for init to notice.
        let gone = || {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z ")
        };
        let patience = Instant::now() + Duration::from_secs(30);
        while !gone() {
            assert!(Instant::now() < patience, "{pid} lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A text that is checked has a name meanwhile. A signal takes it away; what a
/// kill left stayed for ever, and goes with the next text for the same file.
#[test]
fn a_check_that_is_ended_leaves_nothing() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.write("t.hbs", "{{k}}");
    t.write("out", "as before");
    let before = t.files();
    let check = |command: &str| t.run(["render", "g", "t.hbs", "-o", "out", "--check", command]);
    for signal in ["INT", "TERM", "HUP"] {
        check(&format!("kill -{signal} $PPID; sleep 60")).output();
        assert_eq!(t.files(), before, "{signal}");
    }
    check("kill -KILL $PPID").output();
    assert_eq!(t.files().len(), before.len() + 1, "{:?}", t.files());
    assert_eq!(t.read("out"), b"as before");
    check("! true").fails_with(8, "the check");
    assert_eq!(t.files(), before);
    check("true").ok("");
    assert_eq!(t.read("out"), b"v");
}

/// Bad data, it said, where the operating system had no thread to render in.
#[test]
fn no_thread_to_render_in_is_no_fault_of_the_template() {
    use std::os::unix::fs::{PermissionsExt, chown};

    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let t = Test::new();
    std::fs::copy(crate::common::LARDER, t.path("larder")).expect("copy larder");
    std::fs::set_permissions(t.home(), std::fs::Permissions::from_mode(0o755)).expect("open the home");
    std::fs::create_dir(t.path("own")).expect("a directory");
    // A user of no other test: the limit counts all that a user runs.
    let user = 7_700_033;
    chown(t.path("own"), Some(user), None).expect("give it away");
    let script = format!(
        "cd own; echo text | setpriv --reuid {user} --clear-groups prlimit --nproc=1 ../larder --db s.db render g -"
    );
    t.sh(&script).fails(10, "larder: render: no thread to render in: Resource temporarily unavailable\n");
}
