//! Runs the larder program in a world of its own: an empty home directory, no
//! environment but HOME, the home as current directory. Both streams and the
//! status are compared whole, so a stray warning fails the test.
//!
//! ```ignore
//! let t = Test::new();
//! t.run(["set", "g", "k", "v"]).ok("");
//! t.run(["get", "g", "absent"]).fails(1, "larder: get: no key \"absent\" in group \"g\"\n");
//! assert_eq!(t.run(["--json", "get", "g", "k"]).json()["value"], "v");
//! ```
// One harness for all test programs: not each of them uses all of it.
#![allow(dead_code)]

pub mod skip;
pub mod watcher;

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const LARDER: &str = env!("CARGO_BIN_EXE_larder");

/// A run that takes longer hangs.
const TIMEOUT: Duration = Duration::from_mins(2);

/// What the log says of who wrote, where a test has larder write.
pub fn author() -> String {
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().expect(program);
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    format!("user:{}@{}", run("id", &["-un"]), run("uname", &["-n"]))
}

/// A temporary home.
pub struct Test {
    dir: TempDir,
}

impl Test {
    /// An empty home with no store in it.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("larder-test-").tempdir().expect("a temporary directory");
        Self { dir }
    }

    /// The home, which is also the current directory of every run.
    pub fn home(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the home.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.home().join(name)
    }

    /// The default store's path.
    pub fn db(&self) -> PathBuf {
        self.path(".local/share/larder/larder.db")
    }

    /// Writes a file in the home and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("write a test file");
        path
    }

    /// Reads a file in the home.
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("read a test file")
    }

    /// A run of larder, made by what the returned value is asked for.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        let mut run = Run::new(LARDER, self.home());
        run.command.args(args);
        run.shown.extend(run.command.get_args().map(OsStr::to_owned).collect::<Vec<_>>());
        run
    }

    /// A run of `sh -c SCRIPT`, in which `larder` is the program under test.
    pub fn sh(&self, script: &str) -> Run {
        let mut run = Run::new("/bin/sh", self.home());
        let bin = Path::new(LARDER).parent().expect("the program's directory");
        run.command.args(["-c", script]).env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        run.shown = vec![script.into()];
        run
    }

    /// The default store as another program sees it: a plain SQLite connection
    /// that knows nothing of larder.
    pub fn sql(&self) -> Connection {
        let conn = Connection::open(self.db()).expect("open the store");
        conn.busy_timeout(Duration::from_secs(10)).expect("set a timeout");
        conn
    }

    /// Runs statements as another program would.
    pub fn execute(&self, sql: &str) {
        self.sql().execute_batch(sql).expect(sql);
    }

    /// A single integer out of the store.
    pub fn number(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).expect(sql)
    }

    /// Makes an entry due, as if its time had passed. Its version stays.
    pub fn make_due(&self, stored_group: &str, key: &str) {
        let conn = self.sql();
        let trigger: String = conn
            .query_row("SELECT sql FROM sqlite_schema WHERE name='larder_update'", [], |row| row.get(0))
            .expect("the update trigger");
        conn.execute_batch("BEGIN IMMEDIATE; DROP TRIGGER larder_update").expect("drop the trigger");
        let changed = conn
            .execute(
                "UPDATE entries SET expires_at=1 WHERE group_name=?1 AND entry_key=?2",
                [stored_group, key],
            )
            .expect("make an entry due");
        conn.execute_batch(&trigger).expect("restore the trigger");
        conn.execute_batch("COMMIT").expect("commit");
        assert_eq!(changed, 1, "no entry {stored_group:?} {key:?}");
    }

    /// Whether strace works here; where tests must not be passed over, it has
    /// to.
    pub fn can_trace(&self) -> bool {
        let works = self.sh("strace -qq -o /dev/null true").output().status.success();
        if !works {
            skip::skip("a test", "strace is missing or not allowed");
        }
        works
    }

    /// Names of the files below the home, sorted, directories ending in `/`.
    pub fn files(&self) -> Vec<String> {
        fn walk(dir: &Path, home: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(dir).expect("read a directory") {
                let path = entry.expect("read a directory").path();
                let name = path.strip_prefix(home).expect("below home").to_string_lossy().into_owned();
                if path.is_dir() && !path.is_symlink() {
                    found.push(format!("{name}/"));
                    walk(&path, home, found);
                } else {
                    found.push(name);
                }
            }
        }
        let mut found = Vec::new();
        walk(self.home(), self.home(), &mut found);
        found.sort();
        found
    }
}

/// A run that has not started yet.
#[must_use = "nothing runs before ok, fails, exits, json, … is called"]
pub struct Run {
    command: Command,
    shown: Vec<OsString>,
    stdin: Vec<u8>,
}

impl Run {
    fn new(program: &str, home: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", home).current_dir(home);
        Self { command, shown: vec!["larder".into()], stdin: Vec::new() }
    }

    /// What standard input holds; nothing otherwise.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes a variable of the environment (HOME).
    pub fn no_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs in another directory.
    pub fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs to the end and returns status and streams, unchecked.
    pub fn output(mut self) -> Output {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("start the program");
        let mut pipe = child.stdin.take().expect("a pipe to standard input");
        let (input, shown) = (self.stdin, self.shown);
        // The program may end without reading: a broken pipe is its choice.
        let feeder = thread::spawn(move || drop(pipe.write_all(&input)));
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        let (done, finished) = mpsc::channel();
        thread::spawn(move || done.send(child.wait_with_output()));
        let output = finished.recv_timeout(TIMEOUT).unwrap_or_else(|_| {
            let _ = kill(pid, Signal::SIGKILL);
            panic!("{shown:?} hangs");
        });
        feeder.join().expect("the feeder of standard input");
        output.expect("the program's output")
    }

    /// Expects this status and exactly these streams.
    #[track_caller]
    pub fn exits(self, code: i32, stdout: impl AsRef<[u8]>, stderr: impl AsRef<[u8]>) {
        let shown = self.shown.clone();
        let output = self.output();
        let got = (status(&output), show(&output.stdout), show(&output.stderr));
        let want = (code, show(stdout.as_ref()), show(stderr.as_ref()));
        assert!(got == want, "{shown:?}\n  got (status, stdout, stderr): {got:?}\n  expected: {want:?}");
    }

    /// Expects success, exactly this on standard output, silence otherwise.
    #[track_caller]
    pub fn ok(self, stdout: impl AsRef<[u8]>) {
        self.exits(0, stdout, "");
    }

    /// Expects this status, nothing on standard output, exactly this on
    /// standard error.
    #[track_caller]
    pub fn fails(self, code: i32, stderr: impl AsRef<[u8]>) {
        self.exits(code, "", stderr);
    }

    /// Expects this status, nothing on standard output, and on standard error
    /// one error line that begins with `larder: ` and holds `words`, followed
    /// by at most a hint. For messages of the operating system or of clap.
    #[track_caller]
    pub fn fails_with(self, code: i32, words: &str) {
        let shown = self.shown.clone();
        let output = self.output();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = stderr.lines().collect();
        let in_form = lines.len() <= 2
            && lines.first().is_some_and(|line| line.starts_with("larder: ") && line.contains(words))
            && lines.get(1).is_none_or(|line| line.starts_with("hint: "))
            && stderr.ends_with('\n');
        assert!(
            status(&output) == code && output.stdout.is_empty() && in_form,
            "{shown:?}\n  got: {} {} {stderr:?}\n  expected: {code}, an error line with {words:?}",
            status(&output),
            show(&output.stdout),
        );
    }

    /// Expects success, silence on standard error and one line of JSON.
    #[track_caller]
    pub fn json(self) -> Value {
        let mut lines = self.json_lines();
        assert_eq!(lines.len(), 1, "one line of JSON: {lines:?}");
        lines.remove(0)
    }

    /// Expects success, silence on standard error and lines of JSON.
    #[track_caller]
    pub fn json_lines(self) -> Vec<Value> {
        let shown = self.shown.clone();
        let output = self.output();
        assert!(
            status(&output) == 0 && output.stderr.is_empty(),
            "{shown:?}: {} {}",
            status(&output),
            show(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        assert!(text.is_empty() || text.ends_with('\n'), "a whole last line: {text:?}");
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Expects failure with this status and exactly one line of JSON on
    /// standard error that names the error.
    #[track_caller]
    pub fn json_error(self, code: i32, name: &str) -> Value {
        let shown = self.shown.clone();
        let output = self.output();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            status(&output) == code
                && output.stdout.is_empty()
                && stderr.ends_with('\n')
                && stderr.lines().count() == 1,
            "{shown:?}: {} {} {stderr:?}, expected {code} {name}",
            status(&output),
            show(&output.stdout),
        );
        let error: Value = serde_json::from_str(&stderr).expect(&stderr);
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["error"], name, "{error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        error
    }

    /// Runs with a terminal of `columns` as standard output. Returns status,
    /// what the terminal showed (line ends as `\n`), and standard error.
    pub fn on_terminal(mut self, columns: u16) -> (i32, String, String) {
        let size = nix::pty::Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = nix::pty::openpty(&size, None).expect("a terminal");
        let (master, slave): (OwnedFd, OwnedFd) = (pty.master, pty.slave);
        let mut screen = std::fs::File::from(master);
        self.command.stdin(Stdio::piped()).stdout(slave).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("start the program");
        let mut pipe = child.stdin.take().expect("a pipe to standard input");
        let input = self.stdin;
        let feeder = thread::spawn(move || drop(pipe.write_all(&input)));
        // The command still holds the terminal's other end; without it the
        // screen ends when the program does.
        drop(self.command);
        let reader = thread::spawn(move || {
            let mut shown = Vec::new();
            // Ends with EIO when the last writer is gone.
            let _ = screen.read_to_end(&mut shown);
            String::from_utf8_lossy(&shown).replace("\r\n", "\n")
        });
        let output = child.wait_with_output().expect("the program's output");
        feeder.join().expect("the feeder of standard input");
        let shown = reader.join().expect("the terminal's reader");
        (status(&output), shown, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The exit code, or minus the signal.
pub fn status(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0))
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
