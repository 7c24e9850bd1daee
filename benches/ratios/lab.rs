//! The laboratory: the programs, a scratch directory, and ways to measure.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// First argument of the bench program as the parent of one measured child.
pub const PEAK: &str = "--peak-of";

/// Where things are and how large they are to be.
pub struct Lab {
    /// The release build, which `cargo bench`'s own is not: it unwinds.
    pub larder: PathBuf,
    /// benches/floor.c over the same SQLite object code.
    pub floor: PathBuf,
    /// Rounds of a race between short processes.
    pub rounds: usize,
    /// Rows of a large store.
    pub large: usize,
    /// Rows of a huge store.
    pub huge: usize,
    scratch: PathBuf,
}

impl Lab {
    pub fn set_up() -> Result<Self> {
        let full = std::env::var_os("LARDER_BENCH").is_some_and(|v| v == "full");
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ratios");
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir_all(&scratch)?;
        let (larder, sqlite) = build()?;
        let floor = scratch.join("floor");
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        succeed(
            Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
                .args(["-O2", "-static", "-Wl,--gc-sections", "-I"])
                .arg(sqlite_headers()?)
                .arg("-o")
                .args([&floor, &manifest.join("benches/floor.c"), &sqlite])
                .arg("-lm"),
        )?;
        let (rounds, large, huge) =
            if full { (2000, 1_000_000, 10_000_000) } else { (500, 100_000, 1_000_000) };
        Ok(Self { larder, floor, rounds, large, huge, scratch })
    }

    /// A path in the scratch directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// A run of larder on a store of the scratch directory.
    pub fn larder(&self, store: &Path, args: &[&str]) -> Command {
        let mut command = bare(&self.larder);
        command.arg("--db").arg(store).args(args);
        command
    }

    /// A run of the floor on a store.
    pub fn floor(&self, store: &Path, args: &[&str]) -> Command {
        let mut command = bare(&self.floor);
        command.arg(store).args(args);
        command
    }

    /// A run of the sqlite3 shell on a store.
    pub fn shell(store: &Path, sql: &str) -> Command {
        let mut command = bare(Path::new("sqlite3"));
        command.arg(store).arg(sql);
        command
    }

    /// Copies a store, its log included, so that every contender wears down
    /// one of its own.
    pub fn copy(&self, from: &Path, name: &str) -> Result<PathBuf> {
        let to = self.path(name);
        fs::copy(from, &to)?;
        let wal = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
        if wal(from).exists() {
            fs::copy(wal(from), wal(&to))?;
        }
        Ok(to)
    }

    /// Writes `rows` rows of a csv file with a header: group, key, a value of
    /// 40 bytes.
    pub fn csv(&self, rows: usize) -> Result<PathBuf> {
        self.csv_with(rows, "value", "")
    }

    /// A store of `rows` rows in the group `big`, made once.
    pub fn store(&self, rows: usize) -> Result<PathBuf> {
        self.imported(&format!("{rows}.db"), &self.csv(rows)?)
    }

    /// The same, all of it due: an import sees one moment, so a millisecond to
    /// live is enough to get in, and over once it is done.
    pub fn store_of_due(&self, rows: usize) -> Result<PathBuf> {
        self.imported(&format!("{rows}-due.db"), &self.csv_with(rows, "value,ttl_ms", ",1")?)
    }

    fn imported(&self, name: &str, csv: &Path) -> Result<PathBuf> {
        let store = self.path(name);
        if !store.exists() {
            succeed(self.larder(&store, &["import"]).arg(csv))?;
        }
        Ok(store)
    }

    fn csv_with(&self, rows: usize, columns: &str, end: &str) -> Result<PathBuf> {
        let path = self.path(&format!("{rows}{end}.csv"));
        if !path.exists() {
            let mut file = BufWriter::new(fs::File::create(&path)?);
            writeln!(file, "group,key,{columns}")?;
            for row in 0..rows {
                writeln!(file, "big,key-{row:08},value-{row:034}{end}")?;
            }
            file.flush()?;
        }
        Ok(path)
    }
}

/// A command without the developer's environment, silent.
pub fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

pub fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|e| format!("{}: {e}", name(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", name(command)).into()) }
}

pub fn name(command: &Command) -> String {
    let args = command.get_args().map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    format!("{} {args}", command.get_program().to_string_lossy())
}

/// Runs the commands in turns and returns the median time of each.
pub fn race(rounds: usize, commands: &mut [Command]) -> Result<Vec<Duration>> {
    let mut times = vec![Vec::with_capacity(rounds); commands.len()];
    for round in 0..rounds + 5 {
        for (command, times) in commands.iter_mut().zip(&mut times) {
            let start = Instant::now();
            succeed(command)?;
            let time = start.elapsed();
            // The first rounds only warm the caches.
            if round >= 5 {
                times.push(time);
            }
        }
    }
    Ok(times.iter_mut().map(|times| median(times)).collect())
}

pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// Milliseconds, for the column of absolute numbers.
pub fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

/// Runs a command and returns its time and the most memory it held, in MiB.
/// The system tells that only for all children of a process together, so a
/// process of its own has this one.
pub fn peak(command: &Command) -> Result<(Duration, f64)> {
    let start = Instant::now();
    let output = bare(&std::env::current_exe()?)
        .arg(PEAK)
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::piped())
        .output()?;
    let time = start.elapsed();
    if !output.status.success() {
        return Err(format!("{}: {}", name(command), String::from_utf8_lossy(&output.stderr)).into());
    }
    let kib: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok((time, kib / 1024.0))
}

/// The other half of [`peak`]: runs the command, prints its peak in KiB.
pub fn report_peak(command: &[String]) -> Result<()> {
    succeed(bare(Path::new(&command[0])).args(&command[1..]))?;
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    Ok(())
}

/// Builds the release binary; returns it and the SQLite library in it.
fn build() -> Result<(PathBuf, PathBuf)> {
    let output = cargo().args(["build", "--release", "--message-format=json"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let (mut larder, mut sqlite) = (None, None);
    for line in output.stdout.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line)?;
        if message["target"]["name"] == "larder"
            && let Some(path) = message["executable"].as_str()
        {
            larder = Some(PathBuf::from(path));
        }
        if message["reason"] == "build-script-executed"
            && message["package_id"].as_str().is_some_and(|id| id.contains("larder"))
            && let Some(dir) = message["out_dir"].as_str()
        {
            sqlite = Some(Path::new(dir).join("liblarder_sqlite3.a"));
        }
    }
    Ok((larder.ok_or("cargo built no larder")?, sqlite.ok_or("cargo built no SQLite")?))
}

/// The directory of the sqlite3.h that belongs to the library.
fn sqlite_headers() -> Result<PathBuf> {
    let output = cargo().args(["metadata", "--format-version=1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let package = packages.iter().find(|package| package["name"] == "libsqlite3-sys");
    let manifest = package.and_then(|p| p["manifest_path"].as_str()).ok_or("there is no libsqlite3-sys")?;
    Ok(Path::new(manifest).with_file_name("sqlite3"))
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}
