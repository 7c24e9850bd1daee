//! Compiles SQLite with larder's own options.
//!
//! libsqlite3-sys compiles the same source with options for everybody, and can
//! be given others only by the environment, which a file of this checkout could
//! set but a `cargo install` from a registry does not see. So its copy stays
//! unused: this one stands before it on the linker's command line, in larder's
//! own library, and every name the other one has is resolved by then. A test
//! asks the program for the options that it was built with.

use std::path::PathBuf;

/// What libsqlite3-sys sets and larder uses.
const USUAL: &[&str] = &[
    "SQLITE_CORE",
    "SQLITE_DEFAULT_FOREIGN_KEYS=1",
    "SQLITE_ENABLE_COLUMN_METADATA",
    "SQLITE_ENABLE_DBSTAT_VTAB",
    "SQLITE_THREADSAFE=1",
    "HAVE_USLEEP=1",
    "HAVE_ISNAN",
    "HAVE_LOCALTIME_R",
];

/// SQLite without what larder never uses: every extension registered at opening
/// and every statistic kept costs each call. A page cache that grows as it is
/// used, in place of 20 pages at once, saves a one-shot call as many page
/// faults; a quarter of the usual lookaside memory saves ten more.
const OWN: &[&str] = &[
    "SQLITE_DQS=0",
    "SQLITE_DEFAULT_LOOKASIDE=1200,10",
    "SQLITE_DEFAULT_PCACHE_INITSZ=0",
    "SQLITE_DEFAULT_MEMSTATUS=0",
    "SQLITE_OMIT_SHARED_CACHE",
    "SQLITE_OMIT_LOAD_EXTENSION",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let include = std::env::var_os("DEP_SQLITE3_INCLUDE").expect("libsqlite3-sys names its source");
    let source = PathBuf::from(include).join("sqlite3.c");
    println!("cargo:rerun-if-changed={}", source.display());
    let mut build = cc::Build::new();
    for option in USUAL.iter().chain(OWN) {
        let (name, value) =
            option.split_once('=').map_or((*option, None), |(name, value)| (name, Some(value)));
        build.define(name, value);
    }
    // Also in a debug build: it is SQLite that is the slow part of a test. From
    // a cold start faster than -O3, because there is less code to fault in.
    build.file(source).opt_level(2).warnings(false).compile("larder_sqlite3");
}
