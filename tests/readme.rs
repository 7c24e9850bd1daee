//! Every block of the README and of docs/*.md is run.
//!
//! * `console`: a transcript. Lines after `$ ` are commands, the lines below
//!   them exactly what they print on either stream; `…` stands for anything.
//!   Those of a file run twice in one home, top to bottom: whoever follows it
//!   has one home, and does things again. A block with sqlite3 needs that.
//! * `sh`: the README's two commands for a new machine (the first is run, the
//!   second is what runs this), and examples that need other programs: their
//!   syntax is checked, and the larder commands in them must exist.
//! * `bash`: a script; what it prints stands behind `#> `. It runs twice, too.
//! * `crontab`, `ini`: the commands in them are run.
//!
//! Links lead to what is there, and to what the Debian package has as well;
//! tests that are named exist.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[path = "common/skip.rs"]
mod skip;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LARDER: &str = env!("CARGO_BIN_EXE_larder");

struct Block {
    kind: String,
    /// The file's name and the line, as messages show them.
    at: String,
    text: String,
}

struct Page {
    /// Relative to the root of the sources.
    name: String,
    text: String,
}

impl Page {
    fn blocks(&self) -> Vec<Block> {
        let name = &self.name;
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        for (number, line) in self.text.lines().enumerate() {
            if let Some(kind) = line.strip_prefix("```") {
                open = !open;
                if open {
                    let at = format!("{name} line {}", number + 1);
                    assert!(!kind.is_empty(), "{at}: a block without a kind is not run");
                    blocks.push(Block { kind: kind.to_owned(), at, text: String::new() });
                }
            } else if open && let Some(block) = blocks.last_mut() {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
        assert!(!open, "{name}: the last block is not closed");
        blocks
    }
}

/// The README, and after it docs/*.md by name.
fn pages() -> Vec<Page> {
    let mut names: Vec<String> = fs::read_dir(Path::new(ROOT).join("docs"))
        .expect("docs")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    names.sort();
    names.insert(0, "README.md".to_owned());
    let text = |name: &str| fs::read_to_string(Path::new(ROOT).join(name)).expect(name);
    names.into_iter().map(|name| Page { text: text(&name), name }).collect()
}

fn blocks() -> Vec<Block> {
    pages().iter().flat_map(Page::blocks).collect()
}

/// Whether there is a program of that name here.
fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok()
}

fn sh(script: &str, home: &Path) -> Output {
    let bin = Path::new(LARDER).parent().expect("the program's directory");
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .env_clear()
        .env("HOME", home)
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
        .env("LC_ALL", "C.UTF-8")
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .expect("run sh")
}

/// Whether `text` is what `pattern` shows; `…` stands for any run within it.
fn shows(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    for (at, piece) in pieces.iter().enumerate() {
        if at + 1 == pieces.len() {
            return rest.ends_with(piece);
        }
        let Some(found) = rest.find(piece) else { return false };
        rest = &rest[found + piece.len()..];
    }
    rest.is_empty()
}

#[test]
fn wildcards_match_as_told() {
    assert!(shows("a…c", "abbc") && shows("…", "") && shows("ab", "ab") && shows("a…b…c", "a1b2c"));
    assert!(!shows("ab", "abc") && !shows("a…c", "ab"));
}

#[test]
fn transcripts_are_what_happens() {
    let wrong: String = pages().iter().map(wrong_transcripts).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

/// What of a page's transcripts is not what happens.
fn wrong_transcripts(page: &Page) -> String {
    let mut wrong = String::new();
    let home = tempfile::tempdir().expect("a home");
    let blocks = page.blocks();
    let transcripts = || blocks.iter().filter(|block| block.kind == "console");
    for block in transcripts().chain(transcripts()) {
        if block.text.contains("$ sqlite3 ") && !has("sqlite3") {
            skip::skip(&block.at, "there is no sqlite3");
            continue;
        }
        let mut commands: Vec<(String, String)> = Vec::new();
        for line in block.text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                commands.push((command.to_owned(), String::new()));
            } else {
                let (_, expected) = commands.last_mut().expect("a command before its output");
                expected.push_str(line);
                expected.push('\n');
            }
        }
        // A marker before each command keeps the outputs apart.
        let script = commands
            .iter()
            .fold(String::new(), |script, (command, _)| script + "printf '\\001'\n" + command + "\n");
        let output = sh(&format!("exec 2>&1\n{script}printf '\\001'\n"), home.path());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let printed: Vec<&str> = text.split('\u{1}').skip(1).collect();
        assert_eq!(printed.len(), commands.len() + 1, "{}: {text}", block.at);
        for ((command, expected), printed) in commands.iter().zip(printed) {
            // A value without a final newline runs into the next prompt.
            let printed = if printed.is_empty() || printed.ends_with('\n') {
                printed.to_owned()
            } else {
                format!("{printed}\n")
            };
            if !shows(expected, &printed) {
                wrong += &format!("{}: {command}\n--- shown:\n{expected}--- printed:\n{printed}", block.at);
            }
        }
    }
    wrong
}

#[test]
fn scripts_of_bash_print_what_they_show() {
    let home = tempfile::tempdir().expect("a home");
    let scripts: Vec<Block> = blocks().into_iter().filter(|block| block.kind == "bash").collect();
    assert!(!scripts.is_empty());
    for block in scripts.iter().chain(&scripts) {
        let path = home.path().join("script");
        std::fs::write(&path, &block.text).expect("write the script");
        let output = sh("exec bash script 2>&1", home.path());
        let expected: Vec<&str> = block.text.lines().filter_map(|line| line.strip_prefix("#> ")).collect();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && shows(&(expected.join("\n") + "\n"), &printed),
            "{}: {printed}",
            block.at
        );
    }
}

#[test]
fn the_first_command_does_the_main_job() {
    let block = blocks().into_iter().find(|block| block.kind == "sh").expect("the first command");
    assert_eq!(block.text, "sh tests/main-job.sh\n");
    let work = tempfile::tempdir().expect("a directory");
    let output = Command::new("sh")
        .arg("tests/main-job.sh")
        .arg(work.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("LARDER_DB")
        .env_remove("LARDER_NAMESPACE")
        .output()
        .expect("run the main job");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for said in
        ["loaded ", " packages from ", "the largest section, ", "read back:", "Section ", " expires in "]
    {
        assert!(text.contains(said), "{said:?} is not in {text}");
    }
}

#[test]
fn the_second_command_is_what_ci_runs() {
    let block = blocks().into_iter().filter(|block| block.kind == "sh").nth(1).expect("the second command");
    let ci = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/run")).expect("read .ci/run");
    assert!(ci.lines().any(|line| line == block.text.trim_end()), "{:?} is not in .ci/run", block.text);
}

#[test]
fn examples_with_other_programs_parse() {
    let home = tempfile::tempdir().expect("a home");
    for block in blocks().iter().filter(|block| block.kind == "sh").skip(2) {
        let output = sh(&format!("sh -n <<'EOF'\n{}EOF\n", block.text), home.path());
        assert!(output.status.success(), "{}: {}", block.at, String::from_utf8_lossy(&output.stderr));
        let known: Vec<&str> = larder::commands::ALL.iter().map(|spec| spec.name).collect();
        for (_, after) in
            block.text.match_indices("larder ").map(|(at, word)| (at, &block.text[at + word.len()..]))
        {
            let command = after.split_whitespace().next().unwrap_or_default();
            assert!(known.contains(&command), "{}: there is no command {command:?}", block.at);
        }
    }
}

#[test]
fn commands_for_cron_and_systemd_are_silent() {
    let home = tempfile::tempdir().expect("a home");
    sh("larder set g due x --ttl 1ms; larder set g stays x; mkdir -p .cargo/bin", home.path());
    std::os::unix::fs::symlink(LARDER, home.path().join(".cargo/bin/larder")).expect("install larder");
    let mut seen = 0;
    for block in blocks() {
        let commands: Vec<String> = match block.kind.as_str() {
            "crontab" => block
                .text
                .lines()
                .map(|line| line.splitn(6, char::is_whitespace).nth(5).unwrap_or_default().trim().to_owned())
                .collect(),
            "ini" => block
                .text
                .lines()
                .filter_map(|line| line.strip_prefix("ExecStart=").map(str::to_owned))
                .collect(),
            "console" | "sh" | "bash" => continue,
            other => panic!("{}: nothing runs a block of kind {other:?}", block.at),
        };
        for command in commands {
            seen += 1;
            let output = sh(&format!("PATH=/usr/bin:/bin; {command}"), home.path());
            assert!(
                output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(),
                "{command}: {output:?}"
            );
        }
    }
    assert_eq!(seen, 2);
    assert_eq!(sh("larder count g", home.path()).stdout, b"1\n");
}

#[test]
fn the_units_shown_are_the_units_packaged() {
    for block in blocks().iter().filter(|block| block.kind == "ini") {
        let (first, unit) = block.text.split_once('\n').expect("a name and a unit");
        let name = first.strip_prefix("# ").expect("the file's name as a comment");
        let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/deb").join(name);
        assert_eq!(std::fs::read_to_string(&packaged).expect(name), unit, "{name}");
    }
}

/// What is written in backquotes on a page, blocks left out.
fn quoted(text: &str) -> Vec<&str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

/// A link on a page, as a path from the root of the sources, without what is
/// behind a `#`; and that.
fn links(page: &Page) -> Vec<(PathBuf, String)> {
    let folder = Path::new(&page.name).parent().expect("a folder");
    let inside = |target: &str| {
        let (file, place) = target.split_once('#').unwrap_or((target, ""));
        let file = if file.is_empty() { PathBuf::from(&page.name) } else { folder.join(file) };
        let up = file.components().position(|part| part.as_os_str() == "..");
        let file = up.map_or(file.clone(), |_| file.components().skip(2).collect());
        (file, place.to_owned())
    };
    page.text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .filter(|target| !target.contains("://"))
        .map(inside)
        .collect()
}

#[test]
fn links_lead_somewhere_and_are_packaged() {
    let pages = pages();
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("Cargo.toml");
    let packaged = |file: &Path| {
        manifest.contains(&format!("[\"{}\", \"usr/share/doc/larder/\"", file.display()))
            || (file.starts_with("docs") && manifest.contains("[\"docs/*\", \"usr/share/doc/larder/docs/\""))
    };
    for page in &pages {
        assert!(packaged(Path::new(&page.name)), "{} is not in the package", page.name);
        for (file, place) in links(page) {
            assert!(Path::new(ROOT).join(&file).exists(), "{}: there is no {}", page.name, file.display());
            assert!(packaged(&file), "{}: {} is not in the package", page.name, file.display());
            let text = fs::read_to_string(Path::new(ROOT).join(&file)).unwrap_or_default();
            let heading = |line: &str| {
                line.strip_prefix("## ").is_some_and(|title| title.to_lowercase().replace(' ', "-") == place)
            };
            assert!(
                place.is_empty() || text.lines().any(heading),
                "{}: no {place} in {}",
                page.name,
                file.display()
            );
        }
    }
    // Nobody finds a page that the README does not lead to.
    let led_to: Vec<PathBuf> = links(&pages[0]).into_iter().map(|(file, _)| file).collect();
    for page in &pages[1..] {
        assert!(led_to.contains(&PathBuf::from(&page.name)), "README does not link to {}", page.name);
    }
}

/// The text of every test program, one after the other.
fn tests_below(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            all += &tests_below(&path);
        } else if path.extension().is_some_and(|end| end == "rs") {
            all += &fs::read_to_string(&path).expect("a test");
        }
    }
    all
}

#[test]
fn tests_that_are_named_exist() {
    let tests = tests_below(&Path::new(ROOT).join("tests"));
    let mut seen = 0;
    for page in pages() {
        for name in quoted(&page.text) {
            let Some((_, test)) = name.rsplit_once("::") else { continue };
            if test.is_empty() || !test.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                continue;
            }
            seen += 1;
            assert!(tests.contains(&format!("fn {test}(")), "{}: there is no test {name}", page.name);
        }
    }
    assert!(seen > 40, "{seen}");
}

/// The server-side script, against a real redis: a recipe that read a key at a
/// time stored the error text of every hash, list and set as a value, lost keys
/// with a dash or a newline, and took minutes for some thousand keys.
#[test]
#[allow(clippy::print_stderr)]
fn redis_moves_over_with_every_odd_key() {
    let work = tempfile::tempdir().expect("a home");
    let socket = work.path().join("redis.sock");
    let server = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(&socket)
        .current_dir(work.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut server) = server else {
        return skip::skip("the redis recipe", "there is no redis-server");
    };
    let bin = work.path().join("bin");
    std::fs::create_dir(&bin).expect("a directory");
    let client = format!("#!/bin/sh\nexec /usr/bin/redis-cli -s '{}' \"$@\"\n", socket.display());
    std::fs::write(bin.join("redis-cli"), client).expect("write a script");
    let run =
        |script: &str| sh(&format!("chmod +x bin/redis-cli; PATH=$PWD/bin:$PATH; {script}"), work.path());
    while !run("redis-cli ping").stdout.starts_with(b"PONG") {
        assert!(matches!(server.try_wait(), Ok(None)), "redis-server has ended");
    }
    let fill = r#"redis-cli eval '
          for n = 1, 9990 do redis.call("SET", "key:" .. n, "value " .. n, "PX", 3600000 + n) end
          redis.call("SET", "", "empty key")
          redis.call("SET", "empty", "")
          redis.call("SET", "new\nline", "a\nb\n")
          redis.call("SET", "-dash", "-d")
          redis.call("SET", "--value", "--x")
          redis.call("SET", "bin\255\0key", "\0\1\254\255")
          redis.call("SET", "*?[", "$HOME `x`")
          redis.call("SET", "caf\195\169", "\226\130\172 one")
          redis.call("SET", "big", string.rep("x", 3000000))
          redis.call("SET", "b64", "\255\254\253\252")
          redis.call("HSET", "a hash", "f", "v")
          redis.call("LPUSH", "a list", "v")
          redis.call("SADD", "a set", "v")
          redis.call("ZADD", "a zset", 1, "v")' 0"#;
    assert!(run(fill).status.success());
    let recipe =
        blocks().into_iter().find(|block| block.text.starts_with("redis-cli")).expect("a recipe").text;
    for _ in 0..2 {
        let output = run(&recipe);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            said,
            "not moved, a hash: a hash\nnot moved, a list: a list\nnot moved, a set: a set\nnot moved, a zset: a zset\n"
        );
    }
    let larder = |line: &str| run(&format!("larder {line}")).stdout;
    assert_eq!(larder("count redis"), b"10000\n");
    assert_eq!(larder("get redis ''"), b"empty key");
    assert_eq!(larder("get redis empty"), b"");
    assert_eq!(larder("get redis \"$(printf 'new\\nline')\""), b"a\nb\n");
    assert_eq!(larder("get -- redis -dash"), b"-d");
    assert_eq!(larder("get -- redis --value"), b"--x");
    assert_eq!(larder("get redis '*?['"), b"$HOME `x`");
    assert_eq!(larder("get redis café"), "€ one".as_bytes());
    assert_eq!(larder("get redis big").len(), 3_000_000);
    assert_eq!(larder("get redis b64"), b"\xff\xfe\xfd\xfc");
    let exported = String::from_utf8(larder("export redis")).expect("JSON");
    assert!(exported.contains(r#""key_b64":"Ymlu/wBrZXk=","value_b64":"AAH+/w==""#));
    let left: i64 =
        String::from_utf8(larder("ttl redis key:9")).unwrap().trim().parse().expect("milliseconds");
    assert!((3_000_000..=3_600_009).contains(&left));
    assert_eq!(larder("ttl redis big"), b"never\n");
    server.kill().expect("end the server");
    server.wait().expect("wait for the server");
}
