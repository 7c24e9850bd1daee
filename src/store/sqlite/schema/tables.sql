-- larder's tables. SQLite keeps the text of every CREATE statement and parses
-- it at each opening, so the statements are terse and most of what is said
-- about them stands outside. The text is also the seal: an opener compares what
-- the file holds with what stands here, byte for byte.
--
-- The comment at the head of a statement is kept in the file too, for whoever
-- looks into it without larder. It is longer than the whole statement of
-- entries, and those without one are shorter: an opening that only looks up
-- entries leaves out all with a comment (see schema.rs).

-- entries: the data. The first four columns are go-store's newest table, to
-- the letter, so that a go-store program and larder can share one file.
--   group_name   the group, with its namespace as the prefix "NS:" if it has one
--   entry_key    UTF-8 text
--   entry_value  TEXT if the value is UTF-8, else BLOB
--   expires_at   Unix milliseconds; NULL = never; due once <= now
--   version      larder_changes.seq of the last write of this entry
--   updated_at   Unix milliseconds of that write
CREATE TABLE entries(group_name TEXT NOT NULL,entry_key TEXT NOT NULL,entry_value TEXT NOT NULL,expires_at INTEGER,version INTEGER NOT NULL DEFAULT 0,updated_at INTEGER NOT NULL DEFAULT 0,PRIMARY KEY(group_name,entry_key));

-- larder_expiry: finds due entries (purge, watch) and the next expiry of the
-- whole store without reading the table.
CREATE INDEX larder_expiry /*
Part of larder: when entries expire, in the whole store. Nobody but SQLite
writes to an index, so there is nothing to keep right here. Entries that never
expire are not in it, and so cost it nothing. An expired entry leaves it when it
is removed: by a write over it, by 'larder watch' or by 'larder purge'.
*/ON entries(expires_at)WHERE expires_at IS NOT NULL;

-- larder_group_expiry: the same of one group, so that it costs what is due in
-- that group and not what is due in the store.
CREATE INDEX larder_group_expiry /*
Part of larder: when entries expire, group by group. 'larder count', 'list' and
'delete' take from it what has expired in one group, whatever has expired in all
the others. Entries that never expire are not in it, and so cost it nothing; the
column expires_at is NULL there. SQLite keeps it by itself.
*/ON entries(group_name,expires_at)WHERE expires_at IS NOT NULL;

-- larder_namespace_expiry: the same of one namespace. The expression is the
-- group name up to and including its first colon: 'NS:' exactly for the groups
-- of namespace NS. Where a NUL byte hides the colon, or there is none, it is
-- something that does not end in a colon.
CREATE INDEX larder_namespace_expiry /*
Part of larder: when entries expire, namespace by namespace. Quotas do not count
what has expired: the trigger that holds them finds it here, whatever has
expired in other namespaces, and so does 'larder namespace list'. The expression
is the group name up to its first colon, which is the namespace with its colon.
*/ON entries(substr(group_name,1,instr(group_name,':')),expires_at)WHERE expires_at IS NOT NULL;

-- larder_changes: the change log, written by the triggers alone.
--   seq         grows by one per change, never reused. The newest row is never
--               removed, which is why max(seq) is a safe source of the next;
--               a fresh file holds one row of type 'origin' with seq 0
--   at          Unix milliseconds
--   type        set | delete | expire | delete_group | origin
--   entry_key   NULL for delete_group and origin
--   entry_value the value that was set, else NULL
--   expires_at  of the entry as set, or as it was when it went
--   bytes       key plus value of a set, else 0
--   total       running sum of bytes: the size of any stretch of the log is a
--               subtraction, which is how the log is bounded in O(1)
--   by          who wrote: user:NAME@HOST, as the writer says; NULL if that is
--               not known, as of every client but larder
CREATE TABLE larder_changes /*
Part of larder: the change log. Every insert, update and delete in entries
appends one row here, whichever program makes it; seq is the order of commits.
It is bounded by itself: rows go once they are old and many.
*/(seq INTEGER PRIMARY KEY,at INTEGER NOT NULL,type TEXT NOT NULL,group_name TEXT NOT NULL,entry_key TEXT,entry_value ANY,expires_at INTEGER,bytes INTEGER NOT NULL,total INTEGER NOT NULL, by TEXT) STRICT;

-- larder_groups: usage of every group that has a row in entries, due ones
-- included; readers take the due ones off again through the indexes above.
--   namespace   the part before the first colon if it is a legal namespace,
--               else ''. The range test keeps out names in which a NUL byte
--               hides the rest from SQLite's text functions.
--   taken       where the group is a queue: seq up to which the log has been
--               read for jobs, all of which are in larder_leases or gone; NULL
--               where nobody has taken a job since the group began
CREATE TABLE larder_groups /*
Part of larder: what every group of entries holds, kept by the triggers on
entries. Keys and bytes are those of all its rows, expired ones included until
they are removed; a group without rows has none here.
*/(group_name TEXT PRIMARY KEY,keys INTEGER NOT NULL,bytes INTEGER NOT NULL,namespace TEXT AS(iif(substr(group_name,1,instr(group_name,':')-1)NOT GLOB'*[^A-Za-z0-9-]*'AND group_name>=substr(group_name,1,instr(group_name,':')-1)||':'AND group_name<substr(group_name,1,instr(group_name,':')-1)||';',substr(group_name,1,instr(group_name,':')-1),''))STORED, taken INTEGER)STRICT,WITHOUT ROWID;

-- larder_namespaces: usage and quota of every namespace ('' = groups without
-- one, which never has a quota). A limit of NULL is none.
--   over        true while any limit is exceeded, due entries still counted
CREATE TABLE larder_namespaces /*
Part of larder: what every namespace holds, kept by the triggers on entries,
and what it may hold. A namespace is the part of a group name before the first
colon; NULL is no limit; over is true beyond a limit.
*/(namespace TEXT PRIMARY KEY,keys INTEGER NOT NULL DEFAULT 0,bytes INTEGER NOT NULL DEFAULT 0,groups INTEGER NOT NULL DEFAULT 0,max_keys INTEGER,max_bytes INTEGER,max_groups INTEGER,over INTEGER AS(keys>max_keys OR bytes>max_bytes OR groups>max_groups))STRICT,WITHOUT ROWID;

-- larder_replaced: scratch for the triggers: the live row that the INSERT under
-- way would replace. Empty between statements, but for an INSERT OR IGNORE that
-- came to nothing.
--   id          its rowid in entries
--   bytes       its key plus value
CREATE TABLE larder_replaced /*
Part of larder: scratch paper of the triggers on entries, for the size of the
row that an INSERT OR REPLACE is about to replace. Nothing stays in it but what
an INSERT OR IGNORE left that came to nothing.
*/(id INTEGER PRIMARY KEY,bytes INTEGER NOT NULL)STRICT;

-- larder_consumers: named watch positions.
--   position    seq of the last change that was handled
--   updated_at  Unix milliseconds of the last move
--   holder      who reads as this consumer, for the message to a second one;
--               the claim itself is a lock of the operating system
--   owner       user id of who made it; NULL if that is not known
CREATE TABLE larder_consumers /*
Part of larder: how far every named reader of the change log has come, as the
seq of the last change it has handled. The log keeps what the slowest of them
has yet to see, within limits: see 'larder watch --consumer'.
*/(name TEXT PRIMARY KEY,position INTEGER NOT NULL,updated_at INTEGER NOT NULL,holder TEXT NOT NULL DEFAULT '',owner INTEGER)STRICT,WITHOUT ROWID;

-- larder_grants: who may do what in a namespace. A namespace with a row here
-- is closed to everybody else.
--   principal   user:UID | group:GID | everyone (numeric ids); nobody
--   level       1 read, 2 write, 3 admin; 0 nothing
--   groups      GLOB over group names without their prefix
-- The row ('NS','nobody','*',0) says that NS is closed, and nothing else. It is
-- a row here and not a column elsewhere because every look-up of an entry reads
-- this table, and no other one but entries.
CREATE TABLE larder_grants(namespace TEXT NOT NULL,principal TEXT NOT NULL,groups TEXT NOT NULL DEFAULT '*',level INTEGER NOT NULL CHECK(level BETWEEN 0 AND 3),PRIMARY KEY(namespace,principal,groups))STRICT,WITHOUT ROWID;

-- larder_leases: what is known of jobs besides their entries. Every live entry
-- of a group that is taken from is a job, and the oldest that is free is the
-- next. A job is put here when it is first looked for (see taken above), when
-- it is pushed with a delay, and when it failed for good. A row whose entry is
-- gone means nothing, and goes when a taker or a purge comes by.
--   version     of the entry when it was put here; where the entry has another
--               one, it was written anew, which makes it a new job
--   free_at     Unix milliseconds before which nobody takes the job: the end of
--               the lease where there is a receipt, else of a delay or a pause;
--               0 is now
--   attempts    how often it was taken
--   receipt     what the holder of the lease shows to keep or end it; NULL if
--               the job is in nobody's hands
--   holder      who that is: NAME@HOST pid N
--   failure     how the last attempt ended that failed
--   dead_from   the group in which it failed too often, if this is what became
--               of it
CREATE TABLE larder_leases /*
Part of larder: the jobs that were taken, delayed or have failed, for 'larder
take' and those beside it. The job itself is the entry under the same group and
key: a row here is in force while that entry is there. Without its row a job is
merely one that nobody has tried yet, so nothing is lost with this table but the
leases, the pauses and the number of attempts.
*/(group_name TEXT NOT NULL,entry_key TEXT NOT NULL,version INTEGER NOT NULL,free_at INTEGER NOT NULL,attempts INTEGER NOT NULL DEFAULT 0,receipt TEXT,holder TEXT,failure TEXT,dead_from TEXT,PRIMARY KEY(group_name,entry_key))STRICT,WITHOUT ROWID;

-- larder_lease_order: the next free job, and the next that will be free, without
-- a walk past those that are leased or wait.
CREATE INDEX larder_lease_order /*
Part of larder: in which order the jobs of a group are taken. Those that are
free now have a free_at of 0 and come first, the oldest before the others; then
those that are leased or wait, by when they will be free. Nobody but SQLite
writes to an index, so there is nothing to keep right here.
*/ON larder_leases(group_name,free_at,version);
