use crate::common::Test;

#[test]
fn keys_are_variables_and_values_stay_what_they_are() {
    let t = Test::new();
    t.run(["set", "g", "A", "one"]).ok("");
    t.run(["set", "g", "_b2", ""]).ok("");
    t.run(["set", "g", "RAW", "-"]).stdin(&b"\xff\n \x1b'\"$x`\n"[..]).ok("");
    t.run(["env", "g", "--", "/usr/bin/env", "-0", "--", "printenv", "A", "_b2"]).output();
    t.run(["env", "g", "--", "/usr/bin/printenv", "A", "_b2"]).ok("one\n\n");
    t.run(["env", "g", "--", "/usr/bin/printenv", "-0", "RAW"]).ok(&b"\xff\n \x1b'\"$x`\n\0"[..]);
    // The caller's own are there too, and nothing else is.
    let home = t.home().display().to_string();
    t.run(["env", "g", "--glob", "A", "--", "/usr/bin/env"]).ok(format!("HOME={home}\nA=one\n"));
    t.run(["env", "g", "--glob", "[A_]*", "--prefix", "APP_", "--", "/usr/bin/env"])
        .ok(format!("HOME={home}\nAPP_A=one\nAPP__b2=\n"));
    t.run(["set", "g", "due", "x", "--ttl", "1h"]).ok("");
    t.make_due("g", "due");
    t.run(["env", "g", "--glob", "due", "--", "/usr/bin/env"]).ok(format!("HOME={home}\n"));
    // In a namespace the group is its own.
    t.run(["-n", "a", "set", "g", "A", "of a"]).ok("");
    t.run(["-n", "a", "env", "g", "--", "/usr/bin/printenv", "A"]).ok("of a\n");
    t.run(["env", "a:g", "--", "/usr/bin/printenv", "A"]).ok("of a\n");
}

#[test]
fn later_groups_count_more() {
    let t = Test::new();
    for (group, key) in [("base", "A"), ("base", "B"), ("base", "C"), ("site", "B"), ("site", "C")] {
        t.run(["set", group, key, group]).ok("");
    }
    let print = ["--", "/usr/bin/printenv", "A", "B", "C"];
    let run = |words: &[&'static str]| t.run([&["env"], words, &print[..]].concat()).env("C", "caller");
    run(&["base", "site"]).ok("base\nsite\nsite\n");
    run(&["site", "base"]).ok("base\nbase\nbase\n");
    run(&["base", "site", "--keep"]).ok("base\nsite\ncaller\n");
    // What is set is set, be it to nothing.
    run(&["base", "site", "--keep"]).env("A", "").ok("\nsite\ncaller\n");
    run(&["nothing", "base"]).ok("base\nbase\nbase\n");
}

#[test]
fn a_name_that_no_shell_takes() {
    let t = Test::new();
    t.run(["set", "g", "db-host", "h"]).ok("");
    let touch = ["--", "/usr/bin/touch", "ran"];
    t.run([&["env", "g"], &touch[..]].concat()).fails(
        8,
        "larder: env: key \"db-host\" in group \"g\" is not a valid variable name: letters, digits and _, not a digit first\nhint: --upper would make it DB_HOST; --glob can exclude it\n",
    );
    assert!(!t.path("ran").exists());
    t.run(["env", "g", "--upper", "--", "/usr/bin/printenv", "DB_HOST"]).ok("h\n");
    t.run(["env", "g", "--upper", "--prefix", "app-", "--", "/usr/bin/printenv", "APP_DB_HOST"]).ok("h\n");
    t.run(["set", "g", "9é", "nine"]).ok("");
    t.run(["env", "g", "--upper", "--", "/usr/bin/printenv", "_9_"]).ok("nine\n");
    t.run(["env", "g", "--glob", "9*", "--prefix", "1", "--", "/usr/bin/true"])
        .fails_with(8, "key \"9é\" in group \"g\", as \"19é\" is not a valid variable name");
    // Two of one group: which of them counts would be chance.
    t.run(["set", "g", "DB.host", "other"]).ok("");
    t.run(["env", "g", "--upper", "--", "/usr/bin/true"]).fails(
        8,
        "larder: env: keys \"DB.host\" and \"db-host\" in group \"g\" would both be DB_HOST\nhint: rename one of them, or exclude it with --glob\n",
    );
    t.run(["set", "later", "db_host", "later"]).ok("");
    t.run(["env", "g", "later", "--upper", "--glob", "d*", "--", "/usr/bin/printenv", "DB_HOST"])
        .ok("later\n");
    t.run(["set", "e", "", "v"]).ok("");
    t.run(["env", "e", "--upper", "--", "/usr/bin/true"]).fails_with(8, "key \"\" in group \"e\"");
    t.run(["set", "n", "NUL", "-"]).stdin(&b"a\0b"[..]).ok("");
    let why = "env: the value of key \"NUL\" in group \"n\" holds a NUL byte, which no variable can hold";
    t.run(["env", "n", "--", "/usr/bin/true"])
        .fails(8, format!("larder: {why}\nhint: exclude it with --glob\n"));
    let error = t.run(["--json", "env", "n", "--", "/usr/bin/true"]).json_error(8, "bad_data");
    assert_eq!(error["message"], why);
}

#[test]
fn the_command_is_this_process() {
    let t = Test::new();
    t.run(["set", "g", "SECRET", "hunter2"]).ok("");
    t.sh("echo $$; exec larder env g -- sh -c 'echo $$'").output();
    let output = t.sh("echo $$; exec larder env g -- sh -c 'echo $$'").output();
    let pids = String::from_utf8(output.stdout).unwrap();
    let pids: Vec<&str> = pids.lines().collect();
    assert_eq!(pids[0], pids[1]);
    // A signal that ends the command ends larder: there is nothing else.
    t.sh("larder env g -- sh -c 'exit 7'").exits(7, "", "");
    t.run(["env", "g", "--", "/bin/sh", "-c", "kill -TERM $$"]).exits(-15, "", "");
    t.run(["env", "g", "--", "/bin/cat"]).stdin("typed").ok("typed");
    // Nobody sees the value in the command line.
    t.run(["env", "g", "--", "/bin/cat", "/proc/self/cmdline"]).ok("/bin/cat\0/proc/self/cmdline\0");
    t.sh("larder env g -- yes | head -n 1").exits(0, "y\n", "");
}

/// Rust's ignored SIGPIPE would have been handed on: a command that relies on
/// dying of a closed pipe would have run for ever. And who ignored it on
/// purpose would have got it back.
#[test]
fn signals_are_as_the_caller_left_them() {
    let t = Test::new();
    t.run(["set", "g", "A", "1"]).ok("");
    for trap in ["", "trap '' PIPE XFSZ; ", "trap '' INT; "] {
        let script = |before: &str| format!("{trap}{before}grep '^Sig[IB]' /proc/self/status");
        let plain = t.sh(&script("")).output().stdout;
        t.sh(&script("larder env g -- ")).ok(plain);
    }
}

#[test]
fn what_cannot_be_run() {
    let t = Test::new();
    t.run(["env", "g", "--", "nosuch"]).fails(127, "larder: env: there is no command \"nosuch\"\n");
    t.write("plain", "text");
    t.run(["env", "g", "--", "./plain"])
        .fails(126, "larder: env: the command \"./plain\" is not executable\n");
    t.sh("printf '#!/no/such\\n' > script; chmod +x script; larder env g -- ./script")
        .fails(127, "larder: env: the interpreter of \"./script\" does not exist\n");
    t.sh("printf 'echo by sh\\n' > script; chmod +x script; larder env g -- ./script").ok("by sh\n");
    assert!(!t.db().exists(), "it made a store");
    // The command's own PATH is the one to look along, as env(1) does.
    t.sh("mkdir bin; cp script bin/mine; larder set g PATH \"$PWD/bin:/bin\"; larder env g -- mine")
        .ok("by sh\n");
    t.run(["env", "g"]).fails_with(2, "<CMD>");
    t.run(["env", "--", "/bin/true"]).fails_with(2, "<GROUP>");
    t.write("broken.db", "no store at all, but some text that is long enough");
    t.run(["--db", "broken.db", "env", "g", "--", "/bin/true"]).fails_with(125, "broken.db");
    t.run(["--must-exist", "--db", "none.db", "env", "g", "--", "/bin/true"])
        .fails_with(125, "there is no store");
}

#[test]
fn too_much_for_an_environment() {
    let t = Test::new();
    t.run(["set", "g", "BIG", "-"]).stdin(vec![b'x'; 140_000]).ok("");
    t.run(["env", "g", "--", "/bin/true"]).fails(
        8,
        "larder: env: the value of key \"BIG\" in group \"g\" is too long for an environment: 140000 bytes, and under this name the system takes 131067\nhint: exclude keys with --glob, or pass values in a file\n",
    );
    t.run(["set", "g", "BIG", "-"]).stdin(vec![b'x'; 131_067]).ok("");
    t.run(["env", "g", "--", "/bin/true"]).ok("");
    let value = "x".repeat(120_000);
    let line = |n| format!("{{\"group\":\"many\",\"key\":\"K{n}\",\"value\":\"{value}\"}}\n");
    let lines: Vec<String> = (0..60).map(line).collect();
    t.run(["import", "-"]).stdin(lines.concat()).ok("");
    t.run(["env", "many", "--", "/bin/true"])
        .fails_with(8, "the environment and the arguments are too long together");
}
