//! Power cuts. A kill leaves the kernel's memory alone, so it cannot show a
//! missing sync. Here the system calls of a run are recorded, the disk is
//! rebuilt as it may look when the power goes between any two of them (what was
//! synced, plus a random part of the rest, torn at sectors), and larder is
//! started on that.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{Home, LARDER, Rng, dump_of, old_store, size, skip, told};

const CALLS: &str = "trace=open,openat,creat,pwrite64,write,pwritev,pwritev2,writev,fsync,fdatasync,ftruncate,truncate,unlink,unlinkat,rename,renameat,renameat2,link,linkat,fallocate,copy_file_range,sendfile,exit_group";

/// A system call that concerns the home.
#[derive(Clone, Debug)]
enum Call {
    Open {
        name: String,
        create: bool,
        truncate: bool,
    },
    Write {
        name: String,
        at: usize,
        data: Vec<u8>,
    },
    Truncate {
        name: String,
        len: usize,
    },
    Sync {
        name: String,
    },
    SyncDirectory,
    Unlink {
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Link {
        from: String,
        to: String,
    },
    /// To standard output: an acknowledgement.
    Answer,
}

/// Whether strace may do its work here.
pub fn can_trace() -> bool {
    Command::new("strace").args(["-o", "/dev/null", "true"]).output().is_ok_and(|o| o.status.success())
}

/// Runs larder under strace; the calls it made, if it succeeded.
fn trace(home: &Home, args: &[&str]) -> Vec<Call> {
    let log = home.path().join("strace.log");
    let output = Command::new("strace")
        .env_clear()
        .env("HOME", home.path())
        .env("LARDER_DB", home.db())
        .current_dir(home.path())
        .args(["-f", "-y", "-xx", "-s", "4000000", "-e", CALLS, "-o"])
        .arg(&log)
        .arg(LARDER)
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", told(&output));
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    text.lines().filter_map(|line| parse(line, home.path())).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|pair| u8::from_str_radix(&pair[..2], 16).unwrap()).collect()
}

/// One line of strace's log: `PID call(fd<path>, "data", …) = result`.
fn parse(line: &str, home: &Path) -> Option<Call> {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let (call, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(") ").or_else(|| rest.rsplit_once(')'))?;
    let result = result.trim_start().trim_start_matches('=').trim_start();
    if result.starts_with('-') {
        return None;
    }
    let quoted: Vec<String> = arguments
        .split('"')
        .skip(1)
        .step_by(2)
        .map(|hex| String::from_utf8_lossy(&unhex(hex)).into_owned())
        .collect();
    let in_home = |path: &str| -> Option<String> {
        let path = Path::new(path);
        let path = if path.is_absolute() { path.to_owned() } else { home.join(path) };
        (path.parent() == Some(home)).then(|| path.file_name().unwrap().to_string_lossy().into_owned())
    };
    let descriptor = || -> Option<(bool, String)> {
        let first = arguments.split(',').next()?;
        let path = first.split_once('<')?.1.split('>').next()?;
        let path = String::from_utf8_lossy(&unhex(path)).into_owned();
        if Path::new(&path) == home {
            return Some((true, String::new()));
        }
        Some((false, in_home(&path)?))
    };
    let last_number = |text: &str| text.rsplit(", ").next().and_then(|n| n.trim().parse::<usize>().ok());
    match call {
        "open" | "openat" => {
            let name = in_home(quoted.first()?)?;
            Some(Call::Open {
                name,
                create: arguments.contains("O_CREAT"),
                truncate: arguments.contains("O_TRUNC"),
            })
        }
        "pwrite64" => {
            let (_, name) = descriptor()?;
            let written: usize = result.split_whitespace().next()?.parse().ok()?;
            let mut data = unhex(arguments.split('"').nth(1)?);
            data.truncate(written);
            Some(Call::Write { name, at: last_number(arguments)?, data })
        }
        "write" | "writev" if arguments.starts_with("1<") || arguments.starts_with("1,") => {
            Some(Call::Answer)
        }
        "fsync" | "fdatasync" => {
            let (directory, name) = descriptor()?;
            Some(if directory { Call::SyncDirectory } else { Call::Sync { name } })
        }
        "ftruncate" => {
            let (_, name) = descriptor()?;
            // With -X the length is in hex here, alone among the numbers.
            let text = arguments.rsplit(", ").next()?.trim();
            let len = match text.strip_prefix("0x") {
                Some(hex) => usize::from_str_radix(hex, 16).ok()?,
                None => text.parse().ok()?,
            };
            Some(Call::Truncate { name, len })
        }
        "unlink" | "unlinkat" => Some(Call::Unlink { name: in_home(quoted.first()?)? }),
        "rename" | "renameat" | "renameat2" => {
            Some(Call::Rename { from: in_home(&quoted[0])?, to: in_home(&quoted[1])? })
        }
        "link" | "linkat" => Some(Call::Link { from: in_home(&quoted[0])?, to: in_home(&quoted[1])? }),
        // Blocks without bytes in them.
        "fallocate" if arguments.contains("KEEP_SIZE") && !arguments.contains("PUNCH_HOLE") => None,
        "pwritev" | "pwritev2" | "truncate" | "fallocate" | "copy_file_range" | "sendfile" | "creat" => {
            panic!("a call this test does not know how to replay: {line}")
        }
        _ => None,
    }
}

/// A file's contents: what is on the platters, and what was written since.
#[derive(Clone, Default)]
struct Inode {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Data { at: usize, data: Vec<u8> },
    Len(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Data { at, data } => {
                if content.len() < at + data.len() {
                    content.resize(at + data.len(), 0);
                }
                content[*at..at + data.len()].copy_from_slice(data);
            }
            Self::Len(len) => content.resize(*len, 0),
        }
    }
}

/// The directory: names on the platters, and changes since, in order.
#[derive(Clone, Default)]
struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    pending: Vec<Vec<(String, Option<usize>)>>,
}

impl Disk {
    /// Everything that lies in the home, as if it had been there for long.
    fn of(home: &Path) -> Self {
        let mut disk = Self::default();
        for entry in fs::read_dir(home).unwrap().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy().into_owned();
            disk.names.insert(name, disk.inodes.len());
            disk.inodes.push(Inode { synced: fs::read(entry.path()).unwrap(), pending: Vec::new() });
        }
        disk
    }

    fn current(&self) -> BTreeMap<String, usize> {
        let mut names = self.names.clone();
        for change in &self.pending {
            rename_all(&mut names, change);
        }
        names
    }

    fn inode(&mut self, name: &str) -> Option<&mut Inode> {
        let at = *self.current().get(name)?;
        Some(&mut self.inodes[at])
    }

    fn play(&mut self, call: &Call) {
        match call {
            Call::Open { name, create, truncate } => {
                if *create && !self.current().contains_key(name) {
                    self.pending.push(vec![(name.clone(), Some(self.inodes.len()))]);
                    self.inodes.push(Inode::default());
                }
                if *truncate && let Some(inode) = self.inode(name) {
                    inode.pending.push(Change::Len(0));
                }
            }
            Call::Write { name, at, data } => {
                if let Some(inode) = self.inode(name) {
                    inode.pending.push(Change::Data { at: *at, data: data.clone() });
                }
            }
            Call::Truncate { name, len } => {
                if let Some(inode) = self.inode(name) {
                    inode.pending.push(Change::Len(*len));
                }
            }
            Call::Sync { name } => {
                if let Some(inode) = self.inode(name) {
                    let pending = std::mem::take(&mut inode.pending);
                    for change in pending {
                        change.apply(&mut inode.synced);
                    }
                }
            }
            Call::SyncDirectory => {
                self.names = self.current();
                self.pending.clear();
            }
            Call::Unlink { name } => self.pending.push(vec![(name.clone(), None)]),
            Call::Rename { from, to } => {
                let inode = self.current().get(from).copied();
                self.pending.push(vec![(from.clone(), None), (to.clone(), inode)]);
            }
            Call::Link { from, to } => {
                let inode = self.current().get(from).copied();
                self.pending.push(vec![(to.clone(), inode)]);
            }
            Call::Answer => {}
        }
    }

    /// The disk after a power cut now: directory changes survive in order up to
    /// some point, data in any selection, torn at sectors.
    fn cut(&self, rng: &mut Rng, into: &Path) {
        let mut names = self.names.clone();
        for change in &self.pending[..rng.below(self.pending.len() + 1)] {
            rename_all(&mut names, change);
        }
        let kept_of_ten = [0, 3, 8, 10][rng.below(4)];
        for (name, inode) in names {
            // Shared memory is rebuilt by whoever comes first.
            if name.ends_with("-shm") {
                continue;
            }
            let inode = &self.inodes[inode];
            let mut content = inode.synced.clone();
            for change in &inode.pending {
                if rng.below(10) >= kept_of_ten {
                    continue;
                }
                match change {
                    Change::Data { at, data } if rng.one_in(4) => {
                        for (sector, piece) in data.chunks(512).enumerate() {
                            if rng.one_in(2) {
                                Change::Data { at: at + sector * 512, data: piece.to_vec() }
                                    .apply(&mut content);
                            }
                        }
                    }
                    change => change.apply(&mut content),
                }
            }
            fs::write(into.join(name), content).unwrap();
        }
    }
}

fn rename_all(names: &mut BTreeMap<String, usize>, change: &[(String, Option<usize>)]) {
    for (name, inode) in change {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}

/// Commands of every sort that writes.
fn workload(rng: &mut Rng, steps: usize) -> Vec<Vec<String>> {
    let command = |step: usize| {
        let group = ["g", "h", "ns:x"][rng.below(3)];
        let key = format!("k{}", rng.below(12));
        let value = "v".repeat([1, 40, 900, 6000, 30_000][rng.below(5)]) + &step.to_string();
        let words: &[&str] = match rng.below(14) {
            0 => &["delete", group, &key],
            1 | 2 => &["incr", group, "counter"],
            3 => &["delete", "h", "--all"],
            4 => &["set", group, &key, &value, "--ttl", "1h"],
            5 => &["purge", "--keep-changes", "20"],
            6 => &["restore", "backup.db", "--yes"],
            7 => &["quota", "set", "ns", "--max-keys", "1000"],
            _ => &["set", group, &key, &value],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    };
    (0..steps).map(command).collect()
}

/// The store says the same before and after a cut, for whatever was
/// acknowledged; what was under way happened or did not.
#[test]
fn a_power_cut_loses_nothing_acknowledged() {
    let name = "a_power_cut_loses_nothing_acknowledged";
    if !can_trace() {
        return skip(name, "strace is missing or not allowed");
    }
    let mut rng = Rng::new(name);
    let home = Home::new();
    let other = Home::new();
    for n in 0..20 {
        other.ok(["set", "restored", &format!("k{n}"), "v"]);
    }
    other.ok(["backup", home.file("backup.db").to_str().unwrap()]);
    old_store(&home.db(), "both", 30);
    let mut disk = Disk::of(home.path());
    // The first command migrates; it must not count as a change.
    let unmigrated = {
        let copy = Home::new();
        fs::copy(home.db(), copy.db()).unwrap();
        dump_of(&copy.db())
    };
    let mut states = vec![unmigrated];
    let mut calls = Vec::new();
    for (step, command) in workload(&mut rng, size(60)).iter().enumerate() {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        calls.extend(trace(&home, &words).into_iter().map(|call| (step, call)));
        states.push(home.dump());
    }
    let mut cuts: Vec<usize> = (0..size(200)).map(|_| rng.below(calls.len())).collect();
    cuts.sort_unstable();
    let mut played = 0;
    for cut in cuts {
        while played < cut {
            disk.play(&calls[played].1);
            played += 1;
        }
        let step = calls[cut].0;
        let image = Home::new();
        disk.cut(&mut rng, image.path());
        let found = image.dump();
        assert!(
            found == states[step] || found == states[step + 1],
            "cut before call {cut} of {}, in step {step}: the store is neither as before nor as after it",
            calls.len()
        );
        image.check();
        image.ok(["set", "after", "the", "cut"]);
    }
}

/// No command that writes ends before its last page was synced, and no line of
/// a stream is answered before.
#[test]
fn an_acknowledgement_comes_after_the_sync() {
    let name = "an_acknowledgement_comes_after_the_sync";
    if !can_trace() {
        return skip(name, "strace is missing or not allowed");
    }
    let home = Home::new();
    home.ok(["set", "g", "first", "v"]);
    home.ok(["backup", "backup.db"]);
    let lines: String = ["one", "two", "three", "four"]
        .map(|key| format!(r#"{{"op":"set","group":"s","key":"{key}","value":"v"}}"#) + "\n")
        .concat();
    fs::write(home.path().join("lines"), lines).unwrap();
    let commands: [&[&str]; 11] = [
        &["batch", "lines"],
        &["batch", "lines", "--stream"],
        &["import", "lines", "--on-conflict", "replace"],
        &["--json", "set", "g", "k", "v"],
        &["incr", "g", "n"],
        &["expire", "g", "k", "--ttl", "1h"],
        &["--json", "delete", "g", "k"],
        &["--json", "delete", "g", "--all"],
        &["quota", "set", "ns", "--max-keys", "9"],
        &["restore", "backup.db", "--yes", "--json"],
        &["set", "fresh", "k", "v"],
    ];
    for command in commands {
        let calls = trace(&home, command);
        assert_synced(&calls, command);
        if command.contains(&"--stream") {
            let answers = calls.iter().filter(|call| matches!(call, Call::Answer)).count();
            // Lines that came together may be synced together, then answered.
            assert!((1..=4).contains(&answers), "{answers} answers to four lines");
        }
    }
}

fn assert_synced(calls: &[Call], command: &[&str]) {
    let (mut dirty, mut written) = (false, 0);
    for call in calls {
        match call {
            Call::Write { name, .. } if name == "s.db-wal" => {
                dirty = true;
                written += 1;
            }
            Call::Sync { name } if name == "s.db-wal" => dirty = false,
            Call::Answer => assert!(!dirty, "{command:?} answers before it has synced"),
            _ => {}
        }
    }
    assert!(written > 0, "{command:?} wrote nothing");
    assert!(!dirty, "{command:?} ends before it has synced");
}
