//! A vault in a temporary directory, and users to knock at it.
//!
//! Needs root, setpriv and a private mount namespace, in which the test's own
//! list of vaults lies over /etc/larder: the machine's is neither read nor
//! changed. Users and groups are numbers without names.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::common::skip::skip;

/// Larder's group, which nobody is in.
pub const GROUP: u32 = 7_700_000;
/// The users of the tests.
pub const ALICE: u32 = 7_700_001;
pub const BOB: u32 = 7_700_002;
pub const ROOT: u32 = 0;

/// What a run came to: status, standard output, standard error.
pub type Outcome = (i32, String, String);

/// A setgid larder, a vault that is listed, a home for each user.
pub struct Vault {
    dir: TempDir,
}

impl Vault {
    /// `None`, after saying so loudly, where the machine cannot do it.
    pub fn new() -> Option<Self> {
        let vault = Self::try_new();
        if let Err(why) = &vault {
            skip("access control between two users", why);
        }
        vault.ok()
    }

    fn try_new() -> Result<Self, String> {
        if !nix::unistd::geteuid().is_root() {
            return Err("only root can act as other users".into());
        }
        let vault = Self {
            dir: tempfile::Builder::new().prefix("larder-vault-").tempdir().map_err(|e| e.to_string())?,
        };
        let told = |e: std::io::Error| e.to_string();
        // Something to mount over; an empty one lists nothing and stays.
        fs::create_dir_all("/etc/larder").map_err(told)?;
        mode(vault.dir.path(), 0o755);
        for (name, gid, bits) in [("bin", 0, 0o755), ("etc", 0, 0o755), ("v", GROUP, 0o2770)] {
            fs::create_dir(vault.path(name)).map_err(told)?;
            own(&vault.path(name), 0, gid, bits);
        }
        for user in [ROOT, ALICE, BOB] {
            fs::create_dir(vault.home(user)).map_err(told)?;
            own(&vault.home(user), user, user, 0o700);
        }
        fs::copy(env!("CARGO_BIN_EXE_larder"), vault.path("bin/larder")).map_err(told)?;
        own(&vault.path("bin/larder"), 0, GROUP, 0o2755);
        fs::write(vault.db(), "").map_err(told)?;
        own(&vault.db(), 0, GROUP, 0o660);
        vault.list(&vault.db());
        let run = vault.sh(ROOT, "grep -c ^/ /etc/larder/vaults");
        if run != (0, "1\n".into(), String::new()) {
            return Err(format!("no private mounts, or no setpriv: {run:?}"));
        }
        // A setgid id, so that a larder that does not work is not taken for a
        // machine that cannot.
        fs::copy("/usr/bin/id", vault.path("bin/setgid-id")).map_err(told)?;
        own(&vault.path("bin/setgid-id"), 0, GROUP, 0o2755);
        let run = vault.sh(ALICE, "id -u; id -g; setgid-id -g; setgid-id -rg");
        if run.1 != format!("{ALICE}\n{ALICE}\n{GROUP}\n{ALICE}\n") {
            return Err(format!("no other users, or setgid has no effect (nosuid?): {run:?}"));
        }
        vault.ok(
            ROOT,
            "larder --db $DB purge && larder --db $DB set probe k v && larder --db $DB delete probe k",
        );
        Ok(vault)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn home(&self, user: u32) -> PathBuf {
        self.path(&format!("home-{user}"))
    }

    pub fn db(&self) -> PathBuf {
        self.path("v/store.db")
    }

    /// Makes this the only vault.
    pub fn list(&self, path: &Path) {
        fs::write(self.path("etc/vaults"), format!("# vaults\n{}\n", path.display())).unwrap();
    }

    /// `sh -c SCRIPT` as a user, in his home, with an environment of nothing
    /// but HOME, PATH (the setgid larder first), DB and V, the vault's
    /// directory.
    pub fn command(&self, user: u32, script: &str) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private", "sh", "-c"])
            .arg("mount --bind \"$1\" /etc/larder && cd \"$HOME\" && shift && exec \"$@\"")
            .arg("sh")
            .arg(self.path("etc"))
            .args(["setpriv", "--reuid", &user.to_string(), "--regid", &user.to_string(), "--clear-groups"])
            .args(["timeout", "-k", "1", "60", "sh", "-c", script])
            .env_clear()
            .env("HOME", self.home(user))
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display()))
            .env("DB", self.db())
            .env("V", self.path("v"))
            .stdin(Stdio::null());
        command
    }

    pub fn sh(&self, user: u32, script: &str) -> Outcome {
        outcome(&self.command(user, script).output().expect("unshare"))
    }

    /// Expects success, and returns standard output.
    #[track_caller]
    pub fn ok(&self, user: u32, script: &str) -> String {
        let (code, out, err) = self.sh(user, script);
        assert!(code == 0 && err.is_empty(), "{user}: {script}: status {code}, {out:?}, {err:?}");
        out
    }

    /// Expects a status and silence on standard output; returns the message.
    #[track_caller]
    pub fn fails(&self, user: u32, code: i32, script: &str) -> String {
        let (got, out, err) = self.sh(user, script);
        assert!(got == code && out.is_empty(), "{user}: {script}: status {got} for {code}, {out:?}, {err:?}");
        assert!(!err.contains("panicked"), "{user}: {script}: {err}");
        err
    }

    /// The vault is sound, its files are still its own, and closed to others.
    #[track_caller]
    pub fn is_whole(&self) {
        assert_eq!(self.ok(ROOT, "larder --db $DB check"), "");
        for name in ["v/store.db", "v/store.db-wal", "v/store.db-shm"] {
            let meta = fs::metadata(self.path(name)).unwrap();
            assert_eq!((meta.gid(), meta.mode() & 0o7777, meta.nlink()), (GROUP, 0o660, 1), "{name}");
        }
        let mut names: Vec<_> =
            fs::read_dir(self.path("v")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["store.db", "store.db-shm", "store.db-wal"]);
    }
}

pub fn outcome(output: &Output) -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    let status = output.status;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (code, text(&output.stdout), text(&output.stderr))
}

pub fn own(path: &Path, user: u32, group: u32, bits: u32) {
    chown(path, Some(user), Some(group)).unwrap();
    mode(path, bits);
}

pub fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}
