//! The program from outside: processes that are started, spoken to, looked at
//! and killed. One module for each thing it does, one harness for all.

#[path = "../common/mod.rs"]
mod common;

mod access;
mod browser;
mod cli;
mod completion;
mod concurrency;
mod shell;
mod watch;
mod websocket;

use std::path::Path;

/// A file that no module declares is never compiled, and its tests never run.
#[test]
fn no_test_is_forgotten() {
    fn look(folder: &Path) {
        let head = ["main.rs", "mod.rs"].map(|name| folder.join(name)).into_iter().find(|head| head.exists());
        let declared = head.map(|head| std::fs::read_to_string(head).unwrap());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_code = path.is_dir() || path.extension().is_some_and(|end| end == "rs");
            if let Some(declared) = declared.as_ref().filter(|_| is_code && name != "main" && name != "mod") {
                let found = declared
                    .lines()
                    .any(|line| line.strip_prefix("pub ").unwrap_or(line) == format!("mod {name};"));
                assert!(found, "{} is declared nowhere", path.display());
            }
            if path.is_dir() {
                look(&path);
            }
        }
    }
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
}
