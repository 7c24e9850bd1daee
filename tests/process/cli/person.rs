//! Somebody at a terminal: all three streams are one, which has keys.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use crate::common::{LARDER, Test};

/// A run that takes longer hangs.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A larder that runs on a terminal of its own.
pub struct Person {
    child: Child,
    keyboard: File,
    slave: OwnedFd,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Person {
    /// Starts larder on a terminal of `columns` and 24 lines.
    pub fn types(t: &Test, args: &[&str], columns: u16) -> Self {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).expect("a terminal");
        let stream = || pty.slave.try_clone().expect("a stream");
        // Its controlling terminal, so that Ctrl-C is a signal.
        let child = Command::new("setsid")
            .args(["--ctty", LARDER])
            .args(args)
            .env_clear()
            .env("HOME", t.home())
            .env("TERM", "xterm")
            .env("PATH", "/usr/bin:/bin")
            .current_dir(t.home())
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("start the program");
        let keyboard = File::from(pty.master);
        let mut screen = keyboard.try_clone().expect("the screen");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&shown);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                kept.lock().expect("what was shown").extend_from_slice(&bytes[..count]);
            }
        });
        Self { child, keyboard, slave: pty.slave, shown }
    }

    /// Presses keys.
    pub fn presses(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("press a key");
    }

    /// All that was shown until now.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("what was shown")).into_owned()
    }

    /// Waits until `words` are shown.
    #[track_caller]
    pub fn sees(&self, words: &str) {
        let end = Instant::now() + TIMEOUT;
        while !self.shown().contains(words) {
            assert!(Instant::now() < end, "{words:?} is not in {:?}", self.shown());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal.
    pub fn signals(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("a process id")), signal).expect("a signal");
    }

    /// Whether the terminal edits lines and echoes, as a shell expects it.
    pub fn terminal_is_as_before(&self) -> bool {
        let flags = tcgetattr(&self.slave).expect("the terminal's settings").local_flags;
        flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG)
    }

    /// Waits for the end: its status (minus a signal), and all that was shown.
    #[track_caller]
    pub fn ends(&mut self) -> (i32, String) {
        let end = Instant::now() + TIMEOUT;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the program's status") {
                break status;
            }
            assert!(Instant::now() < end, "it does not end: {:?}", self.shown());
            thread::sleep(Duration::from_millis(5));
        };
        // What it wrote last is in the terminal, and read in order.
        self.slave_says_goodbye();
        (status.code().unwrap_or_else(|| -status.signal().unwrap_or(0)), self.shown().replace("\r\n", "\n"))
    }

    fn slave_says_goodbye(&self) {
        const MARK: &str = "\u{4}end\u{4}";
        let mut slave = File::from(self.slave.try_clone().expect("the terminal"));
        slave.write_all(MARK.as_bytes()).expect("write to the terminal");
        self.sees(MARK);
        let mut shown = self.shown.lock().expect("what was shown");
        let kept = shown.len() - MARK.len();
        shown.truncate(kept);
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
