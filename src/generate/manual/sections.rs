//! What larder(1) says beyond the parser.

use super::access::access;
use super::templates::templates;
use super::{Block, Section, table};
use crate::exit::Exit;
use Block::{Lines, Table, Text};

/// The glossary, before the options.
pub(super) fn description() -> Vec<Block<'static>> {
    vec![
        Text(
            "larder keeps values under names for shell scripts, cron jobs and people. There is no server: every \
             call opens one SQLite file, does its work in a transaction and ends. Any number of processes may do \
             so at once, and the same file can be used by other SQLite programs.",
        ),
        table(&[
            ("store", "One SQLite file."),
            ("group", "Names a set of keys. It exists as long as it holds a live key."),
            ("key", "Names a value within its group: UTF-8 text, possibly empty."),
            ("value", "Any bytes, possibly none."),
            (
                "version",
                "The sequence number of an entry's last write in the change log. It grows across the whole store and is never reused.",
            ),
            (
                "expired",
                "An entry whose TTL has passed. It is hidden everywhere and counts against no quota, whether or not it has been purged.",
            ),
            (
                "namespace",
                "A tenant. Its group \"g\" is stored as \"NS:g\". A call with --namespace cannot name anything outside it; a call without --namespace uses the whole store.",
            ),
        ]),
    ]
}

/// The sections after the options, in their order.
pub(super) fn sections() -> Vec<Section> {
    vec![
        streams(),
        exit_status(),
        environment(),
        files(),
        json(),
        durations_and_sizes(),
        patterns(),
        templates(),
        access(),
        limits(),
        versions(),
        examples(),
    ]
}

fn streams() -> Section {
    Section {
        heading: "TERMINALS AND PIPES",
        blocks: vec![
            Text(
                "Results go to standard output; messages, warnings and progress to standard error. Into a pipe or \
                file, output is exact and stable: a value is its stored bytes, a list is one name per line, a number \
                is the number alone, and commands that change the store print nothing.",
            ),
            Text(
                "On a terminal, control characters from the store are shown as escapes, so that no value can rewrite \
                 the screen; a missing final newline is added; lists are tables that fit the width; binary values \
                 are refused. Progress is shown for work that takes longer than a second.",
            ),
            Text(
                "Commands that need --yes show a prompt instead if standard input and standard error are both a terminal and --json is not given. Any answer but y or yes is status 2, and changes nothing.",
            ),
            Text(
                "A VALUE of a single - is read from standard input, to its end. Write a value with a leading dash as --value=-x, or after --.",
            ),
        ],
    }
}

fn exit_status() -> Section {
    let codes = Exit::ALL.iter().map(|exit| (exit.code().to_string(), exit.meaning())).collect();
    Section {
        heading: "EXIT STATUS",
        blocks: vec![
            Table(codes),
            table(&[(
                "125, 126, 127",
                "For commands that run another one: larder itself failed, the command cannot be executed, the command does not exist. Otherwise they end with the command's own status.",
            )]),
            Text(
                "An error is one line on standard error, \"larder: what failed: why\", sometimes with a second one, \
                 \"hint: what to try\". With --json it is one line of JSON with error, code, message and hint.",
            ),
            Text(
                "A write that ended with 0 is on disk. One that ended with 10, or was killed, happened completely or not at all: it may have happened if the disk failed to confirm it, or its answer could not be printed.",
            ),
        ],
    }
}

fn environment() -> Section {
    Section {
        heading: "ENVIRONMENT",
        blocks: vec![
            table(&[
                ("LARDER_DB", "The store, if --db is not given. Empty is an error."),
                (
                    "LARDER_NAMESPACE",
                    "The namespace, if --namespace is not given. Empty is an error, so that an unset shell variable \
                    never widens what a script can reach.",
                ),
                ("XDG_DATA_HOME, HOME", "Where the store is by default; see FILES."),
                (
                    "LARDER_BUSY_TIMEOUT",
                    "How long to wait for a locked store, if --busy-timeout is not given.",
                ),
                ("NO_COLOR", "If set and not empty, --color=auto means never."),
                (
                    "FORCE_COLOR",
                    "If set, and neither empty nor 0, --color=auto means always, unless NO_COLOR says never.",
                ),
                (
                    "PAGER",
                    "What shows a history or a list --long that does not fit onto the terminal; a shell runs it. \
                     Without it less -FRX does, if there is one and standard input is the terminal too; empty or \
                     cat means none. less finds FRX in LESS where that is not set.",
                ),
                ("VISUAL, EDITOR", "edit: the editor; the first one set is run by a shell."),
                ("TERM", "If \"dumb\", no colour and no progress."),
            ]),
            Text("Set for commands that larder runs:"),
            table(&[
                (
                    "LARDER_SEQ",
                    "watch, take: the number of the change in the change log; of a burst, that of the last.",
                ),
                (
                    "LARDER_TYPE",
                    "watch: set, delete, expire or delete_group, if all changes of a burst are that; take: set.",
                ),
                ("LARDER_NAMESPACE", "watch, take: the namespace given with -n; not set without one."),
                (
                    "LARDER_GROUP, LARDER_KEY",
                    "watch, take: the group as -n names it, and the key, each if it is the same for all of a burst; no key for delete_group.",
                ),
                (
                    "LARDER_OMITTED",
                    "watch, take: which of these two were too long and are omitted, separated by spaces.",
                ),
                ("LARDER_ATTEMPT", "take: the number of this attempt, from 1."),
                ("LARDER_RECEIPT", "take: the receipt of this lease, for ack and nack."),
                ("LARDER_DB", "watch, take, render: the store."),
                (
                    "LARDER_LOCK_TOKEN",
                    "lock: a fencing token that grows with each holder of the lock, to tell an old holder from the current one.",
                ),
                ("LARDER_LOCK_SLOT", "lock: which of the --holders this one is, from 1."),
                (
                    "LARDER_MEMO",
                    "memo: the enclosing memo runs, so that a nested memo can detect that it would wait for itself.",
                ),
            ]),
            Text("Set for commands of \"larder render\":"),
            table(&[
                ("LARDER_TARGET", "The file to be replaced or replaced, symbolic links followed."),
                ("LARDER_CANDIDATE", "For --check: the file with the new text."),
            ]),
        ],
    }
}

fn files() -> Section {
    Section {
        heading: "FILES",
        blocks: vec![
            Text(
                "A missing store is created by the first write, and reads as empty. A nightly job with a wrong HOME or --db would therefore succeed without doing anything: with --must-exist every command ends with status 10 instead, as in 'larder --must-exist backup FILE'.",
            ),
            table(&[
                (
                    "$XDG_DATA_HOME/larder/larder.db",
                    "The store, if neither --db nor LARDER_DB names one. XDG_DATA_HOME is ~/.local/share unless set. \
                    The first write creates the file with mode 0600 and its directories with mode 0700; a read of a \
                    missing store finds nothing and creates nothing.",
                ),
                (
                    "FILE-wal, FILE-shm",
                    "SQLite's write-ahead log and its index. They belong to the store: never delete them, and never \
                    copy the store without them. \"larder backup\" makes a complete copy. They, and FILE-journal, \
                    are refused (status 7) unless they are regular files without further hard links that belong to \
                    FILE's owner or root and grant no more than FILE's mode. To share a store in a Unix group, put \
                    it in a directory of that group with mode 2770 and give all three files mode 660: then they may \
                    belong to any member.",
                ),
            ]),
        ],
    }
}

fn json() -> Section {
    Section {
        heading: "JSON",
        blocks: vec![
            Text(
                "With --json, results are JSON, one record per line. Names are in snake_case; times are RFC 3339 in \
                UTC with milliseconds. Later versions may add fields: ignore those you do not know.",
            ),
            Text(
                "A group is printed as the same command line takes it: with -n its name in the namespace, together \
                with namespace; without -n the whole name, such as \"NS:g\", and no namespace. A group or key whose \
                name is not UTF-8 (written by another client) is group_b64 or key_b64, in base64, in place of group \
                or key. batch and import take these too: no argument can name it. In text such a name is printed \
                byte for byte, on a terminal with \\xNN escapes.",
            ),
            table(&[
                (
                    "entry",
                    "namespace (with -n), group, key, value, version, bytes, updated_at, expires_at, \
                     ttl_ms. A value that is not UTF-8 is value_b64 in place of value. bytes is key plus value, the \
                     measure of quotas.",
                ),
                (
                    "change",
                    "seq, at, type, namespace, group, key, value, expires_at, by. type is set, delete, expire or \
                    delete_group. by is the writer, as user:NAME@HOST; it is omitted if unknown.",
                ),
                ("set, expire", "The entry without its value."),
                (
                    "copy, rename",
                    "The entry without its value; for a whole group the number of entries copied or renamed.",
                ),
                ("count", "count"),
                ("incr", "value, version"),
                ("ttl", "ttl_ms; null for an entry without TTL."),
                ("delete, purge, ack", "deleted"),
                ("push", "The entry without its value."),
                ("take without CMD", "namespace, group, key, value, attempt, receipt, until, version"),
                ("nack", "group, key, free_at; null if the job is gone."),
                (
                    "list GROUP",
                    "The entry; in a group that jobs were taken from also its state as a job: attempts, leased_until and holder, or free_at of a waiting one, failure of the last attempt, dead_from for the original group of a dead one.",
                ),
                ("list without GROUP", "namespace, group, keys, bytes"),
                (
                    "history",
                    "A change without its value: version, type, at, namespace, group, key, bytes, expires_at.",
                ),
                (
                    "info",
                    "path, exists, access, sqlite_version, seq; if the store exists also schema_version, file_bytes, \
                    wal_bytes, keys, bytes, groups, namespaces, consumers, jobs_leased, jobs_waiting, next_expiry, \
                    log_oldest, log_newest, log_bytes, journal_mode, and kv_rows for an unmerged table kv of \
                    go-store. seq is the newest change: a position for \"watch --after\".",
                ),
                (
                    "quota show",
                    "namespace, keys, max_keys, bytes, max_bytes, groups, max_groups; null is no limit.",
                ),
                (
                    "namespace list",
                    "namespace, keys, bytes, groups, max_keys, max_bytes, max_groups, next_expiry",
                ),
                ("consumer list", "name, position, lag, updated_at, holder"),
                ("check", "finding and message for each finding, then ok, findings, repairs, left."),
                ("backup", "file, bytes"),
                ("restore", "entries, seq, kept"),
                (
                    "batch --stream",
                    "For each line of input: line, ok and version, or line, ok, error, code and message. For a line that reads: line, ok and the fields of an entry, ttl_ms, names and names_b64, or count; batch prints these answers without --stream too.",
                ),
                ("notes", "note and message, on standard error: migrated, journal."),
                (
                    "errors",
                    "error, code, message, hint, on standard error. error is one of not_found, usage, \
                     condition_failed, quota_exceeded, access_denied, busy, unusable_store, bad_data, \
                     position_trimmed, io.",
                ),
            ]),
        ],
    }
}

fn durations_and_sizes() -> Section {
    Section {
        heading: "DURATIONS AND SIZES",
        blocks: vec![table(&[
            (
                "DUR",
                "A number with its unit: ms, s, m, h, d, w, or the word, as in 90sec and '5 minutes'; also us, month \
                (30.44 days) and y (365.25 days). Parts add up: 250ms, 5m, 1h30m, 7d; 1.5h is 90 minutes. Zero, \
                fractions of a millisecond, a number without a unit, and the ambiguous M are errors.",
            ),
            ("TIME", "RFC 3339: 2030-01-31T12:00:00Z, or with an offset such as +02:00."),
            (
                "SIZE",
                "Bytes, or with k, M, G (powers of 1000) or KiB, MiB, GiB (powers of 1024): 4096, 10k, 1MiB.",
            ),
        ])],
    }
}

fn patterns() -> Section {
    Section {
        heading: "PATTERNS",
        blocks: vec![
            Text(
                "GROUP and KEY are names, and no character in them is special: a group may be called \"*\". Only \
                --glob, --groups and the second argument of watch are patterns, which match a whole name, byte for \
                byte and case-sensitively:",
            ),
            table(&[
                ("*", "Any number of characters, including none, and including \"/\" and \":\"."),
                ("?", "One character."),
                ("[abc], [a-z]", "One of these characters."),
                ("[^abc]", "One character, none of these."),
            ]),
            Text(
                "A special character in brackets is literal: [*]. With a GROUP the pattern matches keys, otherwise groups. Quote it, or the shell may expand it.",
            ),
        ],
    }
}

fn limits() -> Section {
    Section {
        heading: "LIMITS",
        blocks: vec![
            table(&[
                ("entry", "999,000,000 bytes, key and value together."),
                ("namespace", "One or more of A-Z, a-z, 0-9 and -."),
                ("incr", "Integers of 64 bits."),
                (
                    "change log",
                    "The last 100,000 changes or 64 MiB of keys and values, and at least ten minutes. A consumer \
                     that lags behind keeps more of it, up to 4,000,000 changes or 1 GiB.",
                ),
                (
                    "watch --listen",
                    "64 WebSocket clients at a time; one more gets status 503. The 65th connection replaces the oldest one that has not sent the token.",
                ),
            ]),
            Text(
                "A store must be on a local file system: SQLite's locks do not work reliably across a network. It \
                must have one name, not several hard links, and not be bind-mounted: mount its directory. A symbolic \
                link to it is followed. Its name may have 247 bytes, its path 504. Use \"larder backup\" to copy it, \
                in use or not: the newest writes may be only in FILE-wal.",
            ),
            Text(
                "Other SQLite programs may read and write the entries of a store; the oldest SQLite that can open one \
                is 3.37. The file may hold up to 500 tables, views, indexes and triggers of other programs, and \
                indexes on plain columns of entries: larder runs none of them. It refuses triggers, columns, and \
                unique or computing indexes on its tables, and names that begin with larder_.",
            ),
            Text(
                "A store reserves up to 1 MiB of disk blocks past its end, which du counts and ls does not: on a full disk they are released for deletes and purges, and a write without room ends with status 10.",
            ),
            Text(
                "Other programs write group_name, entry_key, entry_value and expires_at, which is a whole number of \
                Unix milliseconds or NULL: a fraction, as of time.time()*1000 in Python, or text is refused, and the \
                message names larder_changes, whose columns are strict. Version and counters are updated \
                automatically. If a program sets another journal mode than WAL, larder continues and leaves it; \
                \"larder info\" and \"larder check\" report it, and \"larder check --repair\" restores WAL.",
            ),
            Text(
                "A go-store file is migrated by the first command that opens it, which says so once on standard error. Programs of go-store's older generation, which keep a table kv, cannot use the file after that. If one creates its table again, larder does not see what it writes there until the next command that writes, or \"larder check --repair\", merges the table and drops it. If a key has a value in the store too, that one stays, and the other is in the change log only.",
            ),
            Text(
                "Read permission on the file gives access to everything in it: namespaces separate scripts, the file's mode separates users. See ACCESS.",
            ),
        ],
    }
}

fn versions() -> Section {
    Section {
        heading: "VERSIONS",
        blocks: vec![
            Text(
                "larder follows semantic versioning. Scripts may rely on the commands and their options, exit \
                statuses, JSON, what is printed off a terminal, WebSocket messages, and the store's file: an older \
                store is upgraded when a command that may write opens it, and a newer one is refused with status 7. \
                Fields may be added to JSON at any time. Tables, colours, notes, the wording of messages and the \
                Rust library are not part of it. Below 1.0 a new minor version may change any of this; CHANGELOG.md \
                says what and how to adapt.",
            ),
            Text(
                "\"larder --version\" prints the version of larder, that of the SQLite in it, and the schema that it \
                 writes with the oldest one that it upgrades. \"larder -V\" prints the first line alone.",
            ),
        ],
    }
}

fn examples() -> Section {
    Section {
        heading: "EXAMPLES",
        blocks: vec![
            Text("Keep a value for five minutes, and read it:"),
            Lines(&["larder set session token abc123 --ttl 5m", "larder get session token"]),
            Text("A lock that is released if its holder dies:"),
            Lines(&["larder set deploy leader \"$HOSTNAME\" --if-absent --ttl 30s || exit 0"]),
            Text("Change a value only if it has not changed in the meantime:"),
            Lines(&[
                "version=$(larder get config db --json | jq .version)",
                "larder set config db new --if-version \"$version\"",
            ]),
            Text("Clean up every hour, from cron:"),
            Lines(&["7 * * * * larder purge"]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promised_sections_are_there() {
        let headings: Vec<_> = sections().iter().map(|section| section.heading).collect();
        for heading in [
            "EXIT STATUS",
            "ENVIRONMENT",
            "FILES",
            "JSON",
            "DURATIONS AND SIZES",
            "PATTERNS",
            "TEMPLATES",
            "ACCESS",
            "LIMITS",
        ] {
            assert!(headings.contains(&heading), "{heading}");
        }
    }
}
