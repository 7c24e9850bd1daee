//! Parsers and protocols against random input: no panic, no hang, and what is
//! written is read back. `PROPTEST_CASES=N` makes every test as large as
//! wanted; a failure is shrunk and its seed kept in `fuzz.proptest-regressions`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use larder::clock::Timestamp;
use larder::render::{Template, Values};
use larder::store::{Glob, Name, Namespace, Scope};
use larder::text;
use larder::units;
use larder::watch::websocket::parse_address;
use proptest::prelude::*;

const LARDER: &str = env!("CARGO_BIN_EXE_larder");

/// Text in which the characters that parsers care about are frequent.
fn tricky() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            4 => "[-+0-9.:TtZzsmhdkMGiB]",
            2 => "[*?\\[\\]^!a-c\\\\]",
            2 => "[{}#/@.|\"'= ]",
            1 => "\\PC",
            1 => any::<char>().prop_map(String::from),
        ],
        0..24,
    )
    .prop_map(|parts| parts.concat())
}

fn larder(home: &std::path::Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(LARDER)
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

proptest! {
    #[test]
    fn durations_times_and_sizes(text in tricky()) {
        if let Ok(duration) = units::duration(&text) {
            prop_assert!(duration >= Duration::from_millis(1));
            let _ = Timestamp(0).after(duration);
        }
        if let Ok(size) = units::size(&text) {
            prop_assert!(size >= 0);
            prop_assert_eq!(units::size(&size.to_string()), Ok(size));
        }
        if let Ok(time) = units::time(&text) {
            prop_assert_eq!(units::time(&time.to_string()), Ok(time));
        }
        if let Ok(count) = units::count(&text) {
            prop_assert!(count >= 0);
        }
        let _ = parse_address(&text);
    }

    #[test]
    fn a_shown_time_is_read_back(millis in 0i64..253_402_300_800_000) {
        prop_assert_eq!(Timestamp::parse_rfc3339(&Timestamp(millis).to_string()), Some(Timestamp(millis)));
    }

    #[test]
    fn any_time_and_any_amount_can_be_shown(millis in any::<i64>()) {
        prop_assert!(Timestamp(millis).to_string().ends_with('Z'));
        prop_assert!(!units::human_span(millis).is_empty() && !units::human_bytes(millis).is_empty());
    }

    #[test]
    fn sizes_have_units(n in 0i64..1_000_000, unit in prop_oneof![
        Just(("", 1)), Just(("k", 1000)), Just(("M", 1_000_000)), Just(("G", 1_000_000_000)),
        Just(("KiB", 1 << 10)), Just(("MiB", 1 << 20)), Just(("GiB", 1i64 << 30))
    ]) {
        prop_assert_eq!(units::size(&format!("{n}{}", unit.0)), Ok(n * unit.1));
    }

    /// A glob means what SQLite's GLOB means: another client of the file must
    /// find the same keys.
    #[test]
    fn globs_match_as_in_sqlite(
        pattern in "[a-cA é*?\\[\\]^!-]{0,8}",
        names in proptest::collection::vec("[a-cA é*?\\[\\]^!-]{0,6}", 1..8),
    ) {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        if let Ok(glob) = Glob::new(&pattern) {
            for name in names {
                let expected: bool =
                    conn.query_row("SELECT ?1 GLOB ?2", [&name, &pattern], |row| row.get(0)).unwrap();
                prop_assert_eq!(glob.matches(&name), expected, "{:?} GLOB {:?}", name, pattern);
                if expected {
                    prop_assert!(name.starts_with(&glob.literal_prefix()));
                }
            }
        }
    }

    #[test]
    fn globs_of_anything(pattern in tricky(), name in tricky()) {
        if let Ok(glob) = Glob::new(&pattern) {
            let _ = glob.matches(&name);
            let _ = glob.literal_prefix();
        }
    }

    #[test]
    fn names_split_and_join(namespace in "[A-Za-z0-9-]{1,8}", group in any::<String>()) {
        let scope = Scope(Namespace::new(&namespace));
        let stored = scope.stored(&group).into_owned();
        prop_assert_eq!(scope.named(&stored), group.as_str());
        let stored = Name::from(&stored);
        prop_assert!(scope.holds(&stored));
        prop_assert_eq!(&scope.name_of(&stored), group.as_str());
        let named = Name::from(&group);
        prop_assert_eq!(&scope.stored_name(&named), &stored);
    }

    #[test]
    fn a_terminal_sees_no_control_character(input in any::<String>()) {
        prop_assert!(!text::safe(&input).chars().any(char::is_control));
        prop_assert!(!text::safe_lines(&input).chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        let field = text::field(&input);
        prop_assert!(!field.contains(['\t', '\n']));
        let back = field.replace("\\\\", "\0back\0").replace("\\t", "\t").replace("\\n", "\n").replace("\0back\0", "\\");
        prop_assert!(input.contains('\0') || back == input);
        let _ = text::without_styles(&input);
    }

    #[test]
    fn templates_of_anything(
        template in proptest::collection::vec(prop_oneof![
            4 => tricky(),
            2 => Just("{{a}}".to_owned()), 2 => Just("{{#if a}}".to_owned()), 1 => Just("{{else}}".to_owned()),
            2 => Just("{{/if}}".to_owned()), 1 => Just("{{#each this}}".to_owned()), 1 => Just("{{/each}}".to_owned()),
            1 => Just("{{lookup this \"a.b\"}}".to_owned()), 1 => Just("{{!-- -->".to_owned()),
            1 => Just("{{{{raw}}}}".to_owned()), 1 => Just("{{> a}}".to_owned()), 1 => Just("{{[a-b]}}".to_owned()),
        ], 0..12),
        lenient in any::<bool>(),
    ) {
        let start = Instant::now();
        if let Ok(template) = Template::parse(&template.concat()) {
            let mut values = Values::default();
            for (key, value) in [("a", "1"), ("b", ""), ("a.b", "2"), ("a-b", "\u{202e}{{b}}")] {
                values.insert(key.into(), value.into()).unwrap();
            }
            let _ = template.render(values, lenient);
        }
        prop_assert!(start.elapsed() < Duration::from_secs(20));
    }

    /// What no template can be: text without braces comes out as it went in.
    #[test]
    fn plain_text_is_its_own_rendering(text in "[^{}\\\\]{0,60}") {
        let template = Template::parse(&text).unwrap();
        prop_assert_eq!(template.render(Values::default(), false).unwrap(), text);
    }
}

/// A JSON value of any sort, but mostly of the sorts a line of import has.
fn field() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("group"),
        Just("key"),
        Just("value"),
        Just("value_b64"),
        Just("expires_at"),
        Just("ttl_ms"),
        Just("namespace"),
        Just("version"),
        Just("op"),
        Just("if_version"),
        Just("if_absent"),
        Just("bytes"),
    ];
    let value = prop_oneof![
        4 => any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => any::<f64>().prop_map(|n| serde_json::Value::from(n).to_string()),
        1 => Just("null".to_owned()), 1 => Just("true".to_owned()), 1 => Just("[1,[2]]".to_owned()),
        1 => Just("{\"a\":{}}".to_owned()), 1 => Just("\"set\"".to_owned()), 1 => Just("\"\\ud800\"".to_owned()),
        1 => Just("\"2030-01-01T00:00:00Z\"".to_owned()), 1 => Just("1e999".to_owned()),
    ];
    (name, value).prop_map(|(name, value)| format!("\"{name}\":{value}"))
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => proptest::collection::vec(field(), 0..7).prop_map(|f| format!("{{{}}}", f.join(",")).into_bytes()),
        1 => tricky().prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..30),
        1 => (1usize..3000).prop_map(|deep| "[".repeat(deep).into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Bad input is status 8 and changes nothing; never a panic.
    #[test]
    fn import_and_batch_of_anything(lines in proptest::collection::vec(line(), 1..4)) {
        let home = tempfile::tempdir().unwrap();
        let input = lines.join(&b'\n');
        for args in [&["import", "-"][..], &["import", "-", "--format", "csv"], &["import", "-", "--format", "env", "--group", "g"], &["batch", "-"], &["batch", "-", "--stream"]] {
            let before = larder(home.path(), &["export"], b"").stdout;
            let output = larder(home.path(), args, &input);
            let code = output.status.code();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            prop_assert!(matches!(code, Some(0 | 2 | 3 | 8)), "{args:?}: {code:?} {said}");
            prop_assert!(said.lines().count() <= 2, "{}", said);
            if code == Some(8) && !args.contains(&"--stream") {
                prop_assert!(larder(home.path(), &["export"], b"").stdout == before, "{args:?} failed and changed the store");
            }
            prop_assert_eq!(larder(home.path(), &["check"], b"").status.code(), Some(0), "{:?}", args);
        }
    }

    /// What export prints, import takes: any names, any bytes.
    #[test]
    fn export_comes_back_through_import(
        entries in proptest::collection::vec((any::<String>(), any::<String>(), proptest::collection::vec(any::<u8>(), 0..40)), 1..5)
    ) {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let without_nul = |text: &str| text.replace('\0', "");
        for (group, key, value) in &entries {
            let output = larder(from.path(), &["set", "--", &without_nul(group), &without_nul(key), "-"], value);
            prop_assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let exported = larder(from.path(), &["export"], b"").stdout;
        let imported = larder(to.path(), &["import", "-"], &exported);
        prop_assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        for (group, key, _) in &entries {
            let get = |home| larder(home, &["get", "--", &without_nul(group), &without_nul(key)], b"").stdout;
            prop_assert!(get(from.path()) == get(to.path()));
        }
    }
}

/// Garbage on the socket, before and after the handshake, ends that connection
/// at most: the next client is served.
#[test]
fn a_listener_survives_garbage() {
    let home = tempfile::tempdir().unwrap();
    let mut watch = Command::new(LARDER)
        .env_clear()
        .env("HOME", home.path())
        .current_dir(home.path())
        .args(["watch", "--listen", "127.0.0.1:0", "--token-file", "token"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut note = Vec::new();
    let mut stderr = watch.stderr.take().unwrap();
    while !note.ends_with(b"\n") {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        note.push(byte[0]);
    }
    let note = String::from_utf8(note).unwrap();
    let address = note.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let token = std::fs::read_to_string(home.path().join("token")).unwrap().trim().to_owned();
    let handshake = format!(
        "GET /?token={token} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 60,
        source_file: Some(file!()),
        ..ProptestConfig::default()
    });
    // Frames with a plausible head, so that the payload is looked at, too.
    let frame = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..120)).prop_map(|(head, payload)| {
            let length = u8::try_from(payload.len()).unwrap();
            [vec![head, 0x80 | length, 0, 0, 0, 0], payload].concat()
        }),
        tricky().prop_map(|text| {
            let text = format!("{{\"type\":\"subscribe\",\"channel\":{}}}", serde_json::Value::from(text));
            let length = u8::try_from(text.len().min(125)).unwrap();
            [vec![0x81, 0x80 | length, 0, 0, 0, 0], text.into_bytes()].concat()
        }),
    ];
    let result = runner.run(&(any::<bool>(), frame), |(shake, bytes)| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        if shake {
            stream.write_all(handshake.as_bytes()).unwrap();
        }
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.take(4096).read_to_end(&mut answer);
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
    let mut good = TcpStream::connect(&address).unwrap();
    good.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    good.write_all(handshake.as_bytes()).unwrap();
    let mut answer = [0; 12];
    good.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    assert!(watch.try_wait().unwrap().is_none(), "the watch has ended");
    watch.kill().unwrap();
    watch.wait().unwrap();
}
