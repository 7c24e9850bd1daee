use crate::common::Test;

const TWO: &str =
    "{\"group\":\"g\",\"key\":\"a\",\"value\":\"1\"}\n{\"group\":\"g\",\"key\":\"b\",\"value\":\"2\"}\n";

#[test]
fn takes_what_export_prints() {
    let t = Test::new();
    for (group, key, value) in [
        ("b", "k2", &b"two\nlines"[..]),
        ("b", "", b""),
        ("", "k", b"\0"),
        ("a:x", "\u{e9}\t\"\r\n", b"\"q\",\r\n"),
        ("a:x", "bin", b"\xff\x00\xfe"),
        (":odd", "k", b" "),
    ] {
        t.run(["set", group, key, "-"]).stdin(value).ok("");
    }
    t.run(["set", "b", "until", "v", "--expire-at", "2100-01-01T00:00:00Z"]).ok("");
    let rows = "SELECT group_concat(hex(group_name)||hex(entry_key)||hex(entry_value)||typeof(entry_value)||ifnull(expires_at,'')) FROM (SELECT * FROM entries ORDER BY 1,2)";
    let state = |t: &Test| t.sql().query_row(rows, [], |row| row.get::<_, String>(0)).unwrap();
    for (file, format) in [("f.jsonl", "jsonl"), ("f.json", "json"), ("f.csv", "csv")] {
        t.run(["export", "--format", format, "-o", file]).ok("");
        let other = Test::new();
        other.run(["import", t.path(file).to_str().unwrap()]).ok("");
        assert_eq!(state(&other), state(&t), "{format}");
        other
            .sh(&format!(
                "larder delete --groups '*' --yes; larder import - --format {format} <{}",
                t.path(file).display()
            ))
            .ok("");
        assert_eq!(state(&other), state(&t), "{format} by standard input");
    }
    // A namespace by itself, in and out.
    t.sh("larder -n a export | larder -n a import - --json").ok("{\"due\":0,\"imported\":2,\"skipped\":0}\n");
}

#[test]
fn assignments() {
    let t = Test::new();
    let file = t.write(".env", "# settings\nexport A=1\nB=\"two\nlines\"\n\nC='x y' # why\n");
    t.run(["import", file.to_str().unwrap(), "--group", "config"]).ok("");
    t.run(["list", "config", "--values"]).ok("A\t1\nB\ttwo\\nlines\nC\tx y\n");
    t.run(["import", file.to_str().unwrap()])
        .fails(2, "larder: import: env files have no group\nhint: name one with --group\n");
    t.run(["import", "-", "--format", "env", "--group", "config"])
        .stdin("A=9\nB='open\n")
        .fails(8, "larder: import: line 2: a quote is not closed\n");
    t.run(["get", "config", "A"]).ok("1");
}

#[test]
fn quotes_keep_every_byte() {
    let t = Test::new();
    t.run(["set", "g", "crlf", "-"]).stdin("a\r\nb\r\n").ok("");
    t.run(["set", "g", "blanks", "-"]).stdin("a \t\nb  \n").ok("");
    t.run(["export", "g", "--format", "env", "-o", "x.env"]).ok("");
    t.run(["import", "x.env", "--group", "h"]).ok("");
    t.run(["get", "h", "crlf"]).ok("a\r\nb\r\n");
    t.run(["get", "h", "blanks"]).ok("a \t\nb  \n");
    t.run(["import", "-", "--format", "env", "--group", "w"])
        .stdin("# made elsewhere\r\nA=1\r\nB='x\r\ny' \r\nC=\"\r\n\"\r\n\r\nD=\r\n")
        .ok("");
    for (key, value) in [("A", "1"), ("B", "x\r\ny"), ("C", "\r\n"), ("D", "")] {
        t.run(["get", "w", key]).ok(value);
    }
}

#[test]
fn a_table_by_its_header() {
    let t = Test::new();
    t.write("f.csv", "value,ignored,key\n\"a,b\",x,k1\n,y,k2\n");
    t.run(["import", "f.csv", "--group", "g"]).ok("");
    t.run(["list", "g", "--values"]).ok("k1\ta,b\nk2\t\n");
    t.run(["import", "f.csv"]).fails(8, "larder: import: line 2: no group given; name one with --group\n");
    for (table, message) in [
        ("group,name\n", "line 1: the header names no column value"),
        ("group,value\n", "line 1: the header names no column key"),
        ("group,key,value\ng,k,v\ng,k\n", "line 3: the row has 2 fields, the header 3"),
        (
            "group,key,value,value_b64\ng,\"k\nk\",,\ng,k,v,dg==\n",
            "line 4: it has both value and value_b64; give one of them",
        ),
        ("group,key,value,ttl_ms\ng,k,v,soon\n", "line 2: ttl_ms is not a whole number"),
    ] {
        t.run(["import", "-", "--format", "csv"])
            .stdin(table)
            .fails(8, format!("larder: import: {message}\n"));
    }
    t.run(["count"]).ok("2\n");
}

#[test]
fn a_row_is_named_by_the_line_it_begins_on() {
    let t = Test::new();
    for (table, message) in [
        ("group,key,value\r\ng,a,1\r\nbad\r\n", "line 3: the row has 1 fields, the header 3"),
        ("group,key,value\n\n\ng,a,1\n\nbad\n", "line 6: the row has 1 fields, the header 3"),
        ("\r\ngroup,key,value\r\n\r\ng,\"a\r\nb\",1\r\nbad", "line 6: the row has 1 fields, the header 3"),
        ("group,key,value,ttl_ms\r\n\r\ng,a,1,soon\r\n", "line 3: ttl_ms is not a whole number"),
        ("\n\ngroup,value\n", "line 3: the header names no column key"),
    ] {
        t.run(["import", "-", "--format", "csv"])
            .stdin(table)
            .fails(8, format!("larder: import: {message}\n"));
    }
    t.run(["import", "-", "--format", "csv"])
        .stdin(b"group,key,value\r\ng,a,1\r\n\r\ng,\xff,2\r\n")
        .fails(8, "larder: import: line 4: its key is not UTF-8\n");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn a_table_that_could_be_misread_is_refused() {
    let t = Test::new();
    for (table, message) in [
        ("group,key,value\ng,a,\"1\ng,b,2\ng,c,3\n", "line 2: a quote is not closed"),
        ("group,key,value\r\ng,a,1\r\n\r\ng,\"b,2\r\ng,c,3\r\n", "line 4: a quote is not closed"),
        ("group,key,value\ng,a,\"1\" tail\n", "line 2: text follows a closing quote"),
        ("group,key,value\ng,a,\"1\ng,b,\"2\"\n", "line 2: text follows a closing quote"),
        ("group,key,value,value\ng,a,1,2\n", "line 1: the header names the column value twice"),
        ("group,key, key ,value\ng,a,b,2\n", "line 1: the header names the column key twice"),
    ] {
        t.run(["import", "-", "--format", "csv"])
            .stdin(table)
            .fails(8, format!("larder: import: {message}\n"));
    }
    assert_eq!(t.files(), [""; 0]);
    // Columns that are passed over may have any name.
    t.run(["import", "-", "--format", "csv"]).stdin("key,,value,group,\nk,1,v,g,2\n").ok("");
    t.run(["list", "g", "--values"]).ok("k\tv\n");
}

#[test]
fn a_bad_line_undoes_all() {
    for (line, message) in [
        ("{", "EOF while parsing an object, at column 1"),
        ("[\"g\",\"k\",\"v\"]", "it is not a JSON object"),
        ("{\"group\":\"g\",\"value\":\"v\"}", "it has neither key nor key_b64"),
        ("{\"group\":\"g\",\"key\":\"k\"}", "it has neither value nor value_b64"),
        ("{\"key\":\"k\",\"value\":\"v\"}", "no group given; name one with --group"),
        (
            "{\"group\":\"g\",\"key\":\"k\",\"value\":\"v\",\"ttl_ms\":5,\"expires_at\":\"2100-01-01T00:00:00Z\"}",
            "it has both ttl_ms and expires_at; give one of them",
        ),
        (
            "{\"group\":\"g\",\"key\":\"k\",\"value\":\"v\",\"ttl_ms\":-1}",
            "ttl_ms is -1; it must be greater than 0",
        ),
        (
            "{\"namespace\":\"no such\",\"group\":\"g\",\"key\":\"k\",\"value\":\"v\"}",
            "\"no such\" is not a namespace: only A-Z, a-z, 0-9 and - are allowed",
        ),
    ] {
        let t = Test::new();
        let text = format!("{TWO}\n{line}\n");
        t.run(["import", "-"]).stdin(text.clone()).fails(8, format!("larder: import: line 4: {message}\n"));
        assert_eq!(t.files(), [""; 0], "no store is made for {line}");
        t.run(["set", "g", "a", "old"]).ok("");
        t.run(["import", "-"]).stdin(text).fails(8, format!("larder: import: line 4: {message}\n"));
        t.run(["list", "g", "--values"]).ok("a\told\n");
        assert_eq!(t.number("SELECT max(seq) FROM larder_changes"), 1);
    }
}

#[test]
fn not_text_at_all() {
    let t = Test::new();
    t.run(["import", "-"])
        .stdin(b"\xff\xfe\n".to_vec())
        .fails(8, "larder: import: line 1: it is not a JSON object\n");
    t.run(["import", "-"])
        .stdin(b"{\"group\":\"g\",\"key\":\"k\",\"value\":\"\xff\"}\n".to_vec())
        .fails_with(8, "line 1: ");
    t.run(["import", "absent"]).fails(10, "larder: import: \"absent\": No such file or directory\n");
    t.run(["import", "."]).fails_with(10, "directory");
    t.run(["import", "-"]).ok("");
}

#[test]
fn conflicts() {
    let t = Test::new();
    t.run(["set", "g", "a", "old"]).ok("");
    t.write("in", TWO);
    t.run(["import", "in", "--on-conflict", "fail"])
        .fails(3, "larder: import: line 1: key \"a\" in group \"g\" exists, at version 1\n");
    t.run(["import", "in", "--on-conflict", "skip", "--json"])
        .ok("{\"due\":0,\"imported\":1,\"skipped\":1}\n");
    t.run(["list", "g", "--values"]).ok("a\told\nb\t2\n");
    t.run(["import", "in", "--json"]).ok("{\"due\":0,\"imported\":2,\"skipped\":0}\n");
    t.run(["list", "g", "--values"]).ok("a\t1\nb\t2\n");
    t.make_due("g", "a");
    t.run(["delete", "g", "b"]).ok("");
    t.run(["import", "in", "--on-conflict", "fail"]).ok("");
    // The same key twice in one file is a conflict too.
    t.run(["import", "-", "--on-conflict", "fail"])
        .stdin("{\"group\":\"h\",\"key\":\"k\",\"value\":\"1\"}\n{\"group\":\"h\",\"key\":\"k\",\"value\":\"2\"}\n")
        .fails_with(3, "line 2: ");
    t.run(["count", "h"]).ok("0\n");
}

#[test]
fn due_entries_are_left_out() {
    let t = Test::new();
    t.run(["import", "-", "--json"])
        .stdin("{\"group\":\"g\",\"key\":\"a\",\"value\":\"1\",\"expires_at\":\"2000-01-01T00:00:00Z\"}\n{\"group\":\"g\",\"key\":\"b\",\"value\":\"1\",\"ttl_ms\":3600000}\n")
        .ok("{\"due\":1,\"imported\":1,\"skipped\":0}\n");
    t.run(["list", "g"]).ok("b\n");
    let left = t.run(["ttl", "g", "b", "--json"]).json()["ttl_ms"].as_i64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&left), "{left}");
}

#[test]
fn nothing_new_comes_in_past_the_last_year() {
    let t = Test::new();
    for (end, why) in [
        ("\"ttl_ms\":9223372036854775807", "ttl_ms is 9223372036854775807; it ends past the year 9999"),
        ("\"ttl_ms\":253402300799999", "ttl_ms is 253402300799999; it ends past the year 9999"),
        (
            "\"expires_at\":\"9999-12-31T23:59:59-14:00\"",
            "expires_at is \"9999-12-31T23:59:59-14:00\", past the year 9999",
        ),
    ] {
        let line = format!("{TWO}{{\"group\":\"g\",\"key\":\"k\",\"value\":\"v\",{end}}}\n");
        t.run(["import", "-"]).stdin(line).fails(8, format!("larder: import: line 3: {why}\n"));
    }
    t.run(["import", "-", "--format", "csv"])
        .stdin("group,key,value,ttl_ms\ng,k,v,9223372036854775807\n")
        .fails_with(8, "line 2: ttl_ms is 9223372036854775807; it ends past the year 9999");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn times_that_others_left_come_out_and_in_again() {
    let t = Test::new();
    for key in ["a", "b", "c"] {
        t.run(["set", "g", key, "v", "--ttl", "1h"]).ok("");
    }
    t.execute(
        "UPDATE entries SET expires_at=9223372036854775807 WHERE entry_key='a';
         UPDATE entries SET expires_at=253402300800000 WHERE entry_key='b'",
    );
    let times = "SELECT group_concat(entry_key||expires_at) FROM (SELECT * FROM entries ORDER BY entry_key)";
    let state = |t: &Test| t.sql().query_row(times, [], |row| row.get::<_, String>(0)).unwrap();
    for format in ["jsonl", "json", "csv"] {
        t.run(["export", "--format", format, "-o", "f"]).ok("");
        let other = Test::new();
        other.run(["import", t.path("f").to_str().unwrap(), "--format", format]).ok("");
        assert_eq!(state(&other), state(&t), "{format}");
    }
    t.sh("larder export | grep -o '\"expires_at\":\"[0-9]*-..-..T..:..:......Z' | head -n 2")
        .ok("\"expires_at\":\"292278994-08-17T07:12:55.807Z\n\"expires_at\":\"10000-01-01T00:00:00.000Z\n");
}

#[test]
fn a_rehearsal() {
    let t = Test::new();
    t.write("in", TWO);
    t.run(["import", "in", "--dry-run"]).ok("2\n");
    assert_eq!(t.files(), ["in"]);
    t.run(["set", "g", "a", "old"]).ok("");
    t.run(["import", "in", "--dry-run", "--on-conflict", "skip", "--json"])
        .ok("{\"dry_run\":true,\"due\":0,\"imported\":1,\"skipped\":1}\n");
    t.run(["import", "in", "--dry-run", "--on-conflict", "fail"]).fails_with(3, "line 1: ");
    assert_eq!(t.number("SELECT max(seq) FROM larder_changes"), 1);
}

#[test]
fn namespaces() {
    let t = Test::new();
    let line = "{\"namespace\":\"app\",\"group\":\"g\",\"key\":\"k\",\"value\":\"v\"}\n";
    t.run(["import", "-"]).stdin(line).ok("");
    t.run(["-n", "app", "list", "g"]).ok("k\n");
    t.run(["-n", "app", "import", "-"]).stdin(line).ok("");
    t.run(["-n", "other", "import", "-"])
        .stdin(line)
        .fails(8, "larder: import: line 1: its namespace is \"app\", but this command works in \"other\"\n");
    t.run(["-n", "other", "import", "-"]).stdin(TWO).ok("");
    t.run(["-n", "other", "import", "-", "--group", "x"]).stdin(TWO).ok("");
    t.run(["list"]).ok("app:g\nother:g\nother:x\n");
    t.run(["import", "-", "--group", "elsewhere"]).stdin(line).ok("");
    t.run(["list", "elsewhere"]).ok("k\n");
}

#[test]
fn quotas_hold() {
    let t = Test::new();
    t.run(["quota", "set", "app", "--max-keys", "1"]).ok("");
    t.run(["-n", "app", "import", "-"]).stdin(TWO).fails_with(4, "line 2: namespace app may hold 1 keys");
    t.run(["-n", "app", "count"]).ok("0\n");
    t.run(["-n", "app", "import", "-"]).stdin(TWO.lines().next().unwrap()).ok("");
    t.run(["-n", "app", "count"]).ok("1\n");
}

#[test]
fn a_large_file_through_a_pipe() {
    let t = Test::new();
    let lines: Vec<String> = (0..30_000)
        .map(|n| format!("{{\"group\":\"g{}\",\"key\":\"{n}\",\"value\":\"{}\"}}\n", n % 7, "v".repeat(60)))
        .collect();
    t.run(["import", "-", "--json"])
        .stdin(lines.concat())
        .ok("{\"due\":0,\"imported\":30000,\"skipped\":0}\n");
    t.run(["count"]).ok("30000\n");
    assert_eq!(t.number("SELECT sum(keys) FROM larder_groups"), 30_000);
    assert_eq!(t.number("SELECT max(seq) FROM larder_changes"), 30_000);
}

#[test]
fn people_are_told() {
    let t = Test::new();
    t.write("in", TWO);
    let (code, shown, stderr) = t.run(["import", "in"]).on_terminal(80);
    assert_eq!((code, shown.as_str()), (0, ""));
    assert_eq!(stderr, "larder: imported 2 entries, skipped 0, 0 already expired\n");
}

/// A number or an object for a value was refused, so what jq and other programs
/// print had to be turned into strings first. It is stored as it is written.
#[test]
fn values_that_are_no_strings_are_their_text() {
    let t = Test::new();
    let lines = "{\"group\":\"g\",\"key\":\"a\",\"value\":1.50}\n\
                 {\"group\":\"g\",\"key\":\"b\",\"value\":true}\n\
                 {\"group\":\"g\",\"key\":\"c\",\"value\": {\"x\": [1,null]} }\n\
                 {\"group\":\"g\",\"key\":\"d\",\"value\":18446744073709551616}\n";
    t.run(["import", "-"]).stdin(lines).ok("");
    t.run(["list", "g", "--values"]).ok("a\t1.50\nb\ttrue\nc\t{\"x\": [1,null]}\nd\t18446744073709551616\n");
    let op = "{\"op\":\"set\",\"group\":\"g\",\"key\":\"a\",\"value\":-1e3,\"if_value\":1.50}\n";
    t.run(["batch", "-"]).stdin(op).ok("");
    t.run(["batch", "-", "--stream"])
        .stdin(op.replace("1.50", "-1e3").replace("-1e3,", "[],"))
        .ok("{\"line\":1,\"ok\":true,\"version\":6}\n");
    t.run(["get", "g", "a"]).ok("[]");
    let why = "larder: import: line 1: its value is null, but every entry has a value; give a text, \"\" for instance\n";
    t.run(["import", "-"]).stdin("{\"group\":\"g\",\"key\":\"a\",\"value\":null}").fails(8, why);
    t.run(["get", "g", "a"]).ok("[]");
}

/// What jq prints by itself, an object over several lines, was "EOF while
/// parsing an object".
#[test]
fn objects_may_take_several_lines() {
    let t = Test::new();
    let pretty = "{\n  \"group\": \"g\",\n  \"key\": \"a\",\n  \"value\": \"}\\n{\"\n}\n\n{\n  \"group\": \"g\",\n  \"key\": \"b\",\n  \"value\": {\n    \"x\": 1\n  }\n}\n{\"group\":\"g\",\"key\":\"c\",\"value\":\"v\"}\n";
    t.run(["import", "-"]).stdin(pretty).ok("");
    t.run(["list", "g", "--values"]).ok("a\t}\\n{\nb\t{\\n    \"x\": 1\\n  }\nc\tv\n");
    t.run(["import", "-"]).stdin(format!("{pretty}{{\n  \"group\": \"g\",\n  \"key\": 5\n}}\n")).fails(
        8,
        "larder: import: line 15: invalid type: integer `5`, expected a string, at line 3 of it, column 10\n",
    );
    t.run(["import", "-"])
        .stdin("{\n\"group\":\"g\"\n")
        .fails(8, "larder: import: line 1: EOF while parsing an object, at line 2 of it, column 11\n");
    t.run(["batch", "-"])
        .stdin("{\n  \"op\": \"delete\",\n  \"group\": \"g\",\n  \"key\": \"a\"\n}\n")
        .ok("");
    t.run(["list", "g"]).ok("b\nc\n");
}

/// A file of variables under another name, or in a pipe, was "not a JSON
/// object", and nothing said what to do.
#[test]
fn a_format_to_be_named_is_named() {
    let t = Test::new();
    for (text, format) in [("# vars\nexport A=1\nB=2\n", "env"), ("group,key,value\ng,k,v\n", "csv")] {
        let why = |line| {
            format!(
                "larder: import: line {line}: it is not a JSON object\nhint: if this is not JSON, name the format: --format {format}\n"
            )
        };
        t.run(["import", "-", "--group", "g"]).stdin(text).fails(8, why(1));
        t.write("prod.env.bak", text);
        t.run(["import", "prod.env.bak"]).fails(8, why(1));
        t.run(["import", "prod.env.bak", "--format", format, "--group", "g"]).ok("");
    }
    t.run(["list", "g"]).ok("A\nB\nk\n");
    t.run(["import", "-"]).stdin("words\n").fails(8, "larder: import: line 1: it is not a JSON object\n");
}

#[test]
fn a_header_may_be_in_capitals_and_a_separator_is_named() {
    let t = Test::new();
    t.run(["import", "-", "--format", "csv"]).stdin("Group,Key,VALUE\ng,k,v\n").ok("");
    t.run(["get", "g", "k"]).ok("v");
    for (separator, name) in [(";", "semicolons"), ("\t", "tabs")] {
        t.run(["import", "-", "--format", "csv"])
            .stdin(format!("group{separator}key{separator}value\n"))
            .fails(
                8,
                format!(
                    "larder: import: line 1: the header separates its columns by {name}; only commas are supported\n"
                ),
            );
    }
    t.run(["import", "-", "--format", "csv"])
        .stdin("key\nk\n")
        .fails(8, "larder: import: line 1: the header names no column value\n");
    t.run(["import", "-", "--format", "csv"])
        .stdin("key,Key,value\n")
        .fails(8, "larder: import: line 1: the header names the column key twice\n");
}

/// A pipe was copied to its end before its first line was looked at: one without
/// an end filled the directory of temporary files.
#[test]
fn what_never_ends_is_refused_at_its_first_bad_line() {
    let t = Test::new();
    for command in ["import", "batch"] {
        let script =
            format!("yes | larder {command} -; echo $?; yes A=1 | larder {command} - 2>&1 | head -n 1");
        let output = t.sh(&script).output();
        let told = format!("larder: {command}: line 1: it is not a JSON object\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("8\n{told}"));
        assert_eq!(String::from_utf8_lossy(&output.stderr), told);
    }
    // What is good and goes on is read to its end, and its lines are counted.
    let line = format!("{{\"group\":\"g\",\"key\":\"k\",\"value\":\"{}\"}}\n", "v".repeat(1000));
    t.run(["import", "-"]).stdin(line.repeat(3000)).ok("");
    t.run(["import", "-"]).stdin(line.repeat(3000) + "x").fails_with(8, "line 3001: it is not a JSON object");
}
