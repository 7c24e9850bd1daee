//! A watch under way, its lines as they come.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{LARDER, Test};

/// Longer than anything here takes; a watch that needs it hangs.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// A running `larder watch`. Killed when dropped.
pub struct Watcher {
    child: Child,
    lines: Receiver<String>,
    errors: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts `larder watch ARGS`.
    pub fn start(t: &Test, args: &[&str]) -> Self {
        let mut command = Command::new(LARDER);
        command.arg("watch").args(args);
        Self::spawn(t, command)
    }

    /// Starts any command in the test's home and follows its output.
    pub fn spawn(t: &Test, mut command: Command) -> Self {
        command.env_clear().env("HOME", t.home()).env("PATH", "/usr/bin:/bin").current_dir(t.home());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("start larder watch");
        let (send, lines) = channel();
        let stdout = child.stdout.take().expect("its output");
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let mut stderr = BufReader::new(child.stderr.take().expect("its errors"));
        let errors = Arc::new(Mutex::new(String::new()));
        let shared = errors.clone();
        let reader = thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|n| n > 0) {
                shared.lock().expect("the errors so far").push_str(&line);
                line.clear();
            }
        });
        Self { child, lines, errors, reader: Some(reader) }
    }

    /// The next line.
    #[track_caller]
    pub fn line(&self) -> String {
        self.lines.recv_timeout(TIMEOUT).unwrap_or_else(|e| panic!("no line: {e}; {}", self.errors()))
    }

    /// The next line, if it has come already.
    pub fn try_line(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Standard error so far.
    pub fn errors(&self) -> String {
        self.errors.lock().expect("the errors so far").clone()
    }

    /// The next `n` lines.
    #[track_caller]
    pub fn take(&self, n: usize) -> Vec<String> {
        (0..n).map(|_| self.line()).collect()
    }

    /// The lines that are left when the output ends.
    pub fn rest(&self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(TIMEOUT) {
            rest.push(line);
        }
        rest
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("signal the watch");
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    /// Waits for the end: status and standard error.
    #[track_caller]
    pub fn end(&mut self) -> (ExitStatus, String) {
        let until = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("wait for the watch") {
                if let Some(reader) = self.reader.take() {
                    reader.join().expect("the reader of its errors");
                }
                return (status, self.errors());
            }
            assert!(Instant::now() < until, "the watch does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends by SIGTERM, with status 0 and nothing on standard error.
    #[track_caller]
    pub fn finish(&mut self) {
        self.signal(Signal::SIGTERM);
        let (status, errors) = self.end();
        assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `ready` says so: for what another process is about to do.
#[track_caller]
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !ready() {
        assert!(Instant::now() < end, "{what} does not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A watch whose output nobody reads.
pub fn unread(t: &Test, args: &[&str]) -> (Child, ChildStdout) {
    let mut child = Command::new(LARDER)
        .arg("watch")
        .args(args)
        .env_clear()
        .env("HOME", t.home())
        .current_dir(t.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("start larder watch");
    let stdout = child.stdout.take().expect("its output");
    (child, stdout)
}
