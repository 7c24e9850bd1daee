//! The program from outside: exact streams and statuses, a module for each
//! subcommand.

mod backup;
mod batch;
mod check;
mod confirm;
mod count;
mod damage;
mod delete;
mod expire;
mod export;
mod get;
mod globals;
mod harness;
mod import;
mod incr;
mod info;
mod legacy;
mod list;
mod manual;
mod names;
mod namespace;
mod person;
mod place;
mod purge;
mod quota;
mod rebuild;
mod render;
mod restore;
mod seal;
mod set;
mod tables;
mod templates;
mod terminal;
mod top;
mod ttl;

use std::path::Path;

#[test]
fn no_module_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let declared = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap_or(&name);
        assert!(
            module == "main" || declared.lines().any(|line| line == format!("mod {module};")),
            "tests/cli/{name} is not declared in main.rs: its tests never run"
        );
    }
}
