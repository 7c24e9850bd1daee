//! What larder(1) says about access: first where it ends.

use super::{Block, Section, table};
use Block::{Lines, Text};

pub(super) fn access() -> Section {
    Section {
        heading: "ACCESS",
        blocks: vec![
            Text(
                "Whoever can write the store's file can do anything to it, with larder or any other program: change \
                 grants, lift quotas, read every namespace. Whoever can read the file can read all of it. So on a \
                 store that you can open yourself, namespaces, quotas and grants keep honest scripts apart; they \
                 keep nobody out. Only where users cannot open the file, and reach it through a larder that is \
                 installed setgid, do grants hold against them. \"larder info\" looks at what you can reach and says \
                 which it is:",
            ),
            table(&[
                ("open", "Nothing in scope has a grant: everybody who reaches the store may do everything."),
                ("advisory", "There are grants, but you could open the file yourself."),
                ("enforced", "There are grants, and larder is your only way to the file."),
            ]),
            Text(
                "A namespace with a grant is closed to everybody but its principals, the store's owner and root; one \
                 without is open. Only the owner and root can close one that is open; whoever has admin access to a \
                 closed one can grant and revoke in it. A namespace once closed stays closed, with its last grant \
                 revoked and after \"namespace delete\": the owner and root alone open it, with \"access open\". Once \
                 any namespace is closed, commands without --namespace need admin access to each one that is. Who may \
                 read may watch, also as a consumer that he made, which he may reset and delete; with another's, each of \
                 that takes write access to the whole namespace. \"info\", \"quota show\" and \"namespace list\" count what may be \
                 read; a limit still holds for the whole namespace. What is denied ends with status 5, and the same words, \
                 whether or not it exists. A watch ends when its access is revoked; WebSocket clients have the \
                 rights of whoever runs the watch, and are closed with 1008.",
            ),
            Text(
                "Who asks is the real user, and the groups the kernel has him in. Neither the environment nor the \
                 group of a setgid program counts. Names of users and groups are those of /etc/passwd and \
                 /etc/group; for others give the number.",
            ),
            Text("To set up a vault, a store that users reach through larder alone, as root:"),
            Lines(&[
                "groupadd --system larder",
                "install -o root -g larder -m 2755 larder /usr/local/bin/larder",
                "install -d -o root -g larder -m 2770 /srv/larder",
                "install -o root -g larder -m 0660 /dev/null /srv/larder/larder.db",
                "larder --db /srv/larder/larder.db access grant team-a user:alice write",
                "mkdir -p /etc/larder",
                "echo /srv/larder/larder.db >>/etc/larder/vaults",
            ]),
            Text(
                "Nobody may be in that group. /etc/larder/vaults lists one absolute path a line, and only root may \
                 be able to change it, or any directory on the way to it and to the vault; no part of either may be \
                 a symbolic link. Name the vault with --db, as it is listed. Every other store is opened with your \
                 own rights, as if larder were not setgid.",
            ),
            Text(
                "In a vault, larder opens the store's files, gives up the group for good, and only then touches what \
                 you named: other files, templates, standard input, commands to run. The variables LARDER_DB, \
                 LARDER_NAMESPACE and SQLITE_TMPDIR do not count; a LARDER_NAMESPACE without -n is an error. There \
                 is no core, no tracing, and no descriptor left to commands.",
            ),
            Text(
                "The store, its -wal and its -shm must be root's, and only root makes them. Where one is missing, as \
                 after another program has closed the store, root uses it once, as in 'larder --db FILE info'.",
            ),
            Text(
                "What a vault does not do: a user can stop his own larder in mid-write and keep others waiting until \
                 they give up with status 6; he can stop his own reader, with or without a grant, and then the \
                 log grows with every write of others until that reader is ended; he can fill an open namespace, or his \
                 own up to its quota; he sees \
                 sequence numbers, which tell how much is written in the whole store. Anybody can see in \
                 /proc/locks which bytes of the store's file are locked, and so make sure of a guess at the name of \
                 a consumer, lock or memo of a closed namespace while it is in use. An open namespace's quota can \
                 be changed by everybody: grant access to it first. Root and backups see everything.",
            ),
        ],
    }
}
