//! What larder(1) says about access: first where it ends.

use super::{Block, Section, table};
use Block::{Lines, Text};

pub(super) fn access() -> Section {
    Section {
        heading: "ACCESS",
        blocks: vec![
            Text(
                "Write permission on the store's file allows everything, with larder or any other program: change grants, remove quotas, read every namespace. Read permission allows reading all of it. So on a store that you can open yourself, namespaces, quotas and grants separate cooperating scripts; they are no protection. Grants are enforced only if users cannot open the file, and use it through a larder that is installed setgid. \"larder info\" checks your permissions and shows which applies:",
            ),
            table(&[
                ("open", "Nothing in scope has a grant: everyone who can open the store may do everything."),
                ("advisory", "There are grants, but you could open the file yourself."),
                ("enforced", "There are grants, and you can use the file only through larder."),
            ]),
            Text(
                "A namespace with a grant is closed to all but its principals, the store's owner and root; one \
                without is open. Only the owner and root can close an open one; admin access to a closed one allows \
                granting and revoking in it. A closed namespace stays closed, even with its last grant revoked and \
                after \"namespace delete\": only the owner and root can open it, with \"access open\". Once any \
                namespace is closed, commands without --namespace need admin access to each closed one. Read access \
                allows watching, and creating consumers and watching as, resetting and deleting them; with another \
                user's consumer each of these requires write access to the whole namespace. \"info\", \"quota show\" \
                and \"namespace list\" count only what you may read; a limit still applies to the whole namespace. A \
                denied request ends with status 5 and the same message, whether or not the object exists. A watch \
                ends when its access is revoked; WebSocket clients have the rights of the user who runs the watch, \
                and are closed with 1008.",
            ),
            Text(
                "Identity is the real user ID and its supplementary groups. Neither the environment nor the group of a setgid program counts. Names of users and groups are those in /etc/passwd and /etc/group; for others give the number.",
            ),
            Text("To set up a vault, a store that users can use only through larder, as root:"),
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
                "The group must have no members. /etc/larder/vaults lists one absolute path per line; it, and every \
                directory on the path to it and to the vault, must be writable by root only, and no part of either \
                path may be a symbolic link. Name the vault with --db, exactly as listed. Every other store is \
                opened with your own rights, as if larder were not setgid.",
            ),
            Text(
                "In a vault, larder opens the store's files, drops the group permanently, and only then uses what you \
                named: other files, templates, standard input, commands to run. The variables LARDER_DB, \
                LARDER_NAMESPACE and SQLITE_TMPDIR are ignored; a LARDER_NAMESPACE without -n is an error. Core \
                dumps and tracing are disabled, and commands inherit no descriptor.",
            ),
            Text(
                "The store, its -wal and its -shm must belong to root, and only root creates them. If one is missing, as after another program has closed the store, root must use it once, as in 'larder --db FILE info'.",
            ),
            Text(
                "Limits of a vault: users can suspend their own process during a write and keep others waiting until they give up with status 6; they can suspend their own reader, with or without a grant, and then the log grows with every write of others until that reader is ended; they can fill an open namespace, or their own up to its quota; they see sequence numbers, which reveal how much is written in the whole store. Anyone can see in /proc/locks which bytes of the store's file are locked, and so confirm a guess at the name of a consumer, lock or memo of a closed namespace while it is in use. Anyone can change the quota of an open namespace: grant access to it first. Root and backups see everything.",
            ),
        ],
    }
}
