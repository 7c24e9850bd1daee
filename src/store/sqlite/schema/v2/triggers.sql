-- The bookkeeping. It runs for every client that writes to entries, so log,
-- counters, versions and quotas hold whoever writes. Only what SQLite 3.37
-- knows may be used here.
--
-- Every trigger is parsed at every opening that is to write: four, and short.
-- Each begins with a comment that is longer than any statement of tables.sql.
-- SQLite keeps it in the file, where it explains the trigger to whoever meets
-- it there; and an opening that only reads leaves out all with such a comment
-- (see schema.rs).
--
-- Facts the triggers rest on:
--   * (julianday('now')-2440587.5)*864e5 is Unix milliseconds as a float; the
--     half added before a comparison or a cast makes it exact. larder's own
--     connections answer 'now' from larder's clock.
--   * "newest change" is always a subquery with ORDER BY seq DESC LIMIT 1 of
--     its own: a condition beside the LIMIT could walk the whole log.
--   * an empty log makes version NULL, which entries refuses: a damaged file
--     stops writers instead of losing changes.
--   * INSERT OR REPLACE removes the old row without a delete trigger (unless
--     recursive_triggers is on), so larder_arrive notes what is there before.
--   * a change makes room in the log for two, and for one more with each KiB it
--     brings: every change that is not a set was a set once, so the number of
--     rows stays bounded; and large values after many small ones do not pile up
--     until all the small ones are gone.
--   * before an insert, new.rowid is -1 where SQLite chooses it; no row may have
--     that rowid for its own, or no other could be inserted any more.
--   * due rows of a namespace are sought by larder_namespace_expiry, which has
--     to be named: without statistics SQLite may walk all of the namespace's.
--   * SQLite matches the columns of UPDATE OF by their spelling, so all three
--     names of the rowid stand there.

CREATE TRIGGER larder_arrive /*
Part of larder, which refuses a file whose triggers were changed or dropped.
Runs before an insert of any kind, by any client. A due row under the same key
goes first, as an expiry. The size of a live one is noted in larder_replaced,
for larder_insert, because INSERT OR REPLACE removes that row without running
larder_delete. An insert that would displace a different entry, by its rowid,
is refused.
Groups, keys, values and expires_at are all that a program has to write into
entries: version and updated_at are filled in, and larder's other tables follow
by themselves. Writing into those by hand makes them wrong; 'larder check' tells
and --repair puts them right.
*/BEFORE INSERT ON entries BEGIN
DELETE FROM entries WHERE group_name=new.group_name AND entry_key=new.entry_key AND expires_at<=(julianday('now')-2440587.5)*864e5+.5;
DELETE FROM larder_replaced WHERE bytes>=0;
INSERT INTO larder_replaced SELECT rowid,length(CAST(entry_key AS BLOB))+length(CAST(entry_value AS BLOB))FROM entries WHERE group_name=new.group_name AND entry_key=new.entry_key;
SELECT RAISE(ABORT,'larder: the rowid belongs to another entry')FROM entries WHERE rowid=new.rowid AND(group_name,entry_key)<>(new.group_name,new.entry_key);
END;

CREATE TRIGGER larder_insert /*
Part of larder, which refuses a file whose triggers were changed or dropped.
Runs after an insert, by any client: logs it in larder_changes, gives the entry
its version, moves the counters of its group and namespace by what was added,
and holds the quota; due entries of the namespace make room first, as expiries.
Last, it removes what the log no longer needs, which keeps it bounded whether
or not anybody purges.
The change log holds 100,000 changes or 64 MiB of them, besides what is younger
than ten minutes or has yet to be seen by a named consumer; and never more than
4,000,000 changes or 1 GiB. A write that would take its namespace past a limit
ends with 'larder: quota exceeded' and leaves nothing behind.
*/AFTER INSERT ON entries BEGIN
SELECT RAISE(ABORT,'larder: a rowid is positive')WHERE new.rowid<1;
INSERT INTO larder_changes SELECT seq+1,CAST((julianday('now')-2440587.5)*864e5+.5 AS INTEGER),'set',new.group_name,new.entry_key,new.entry_value,new.expires_at,b,total+b FROM(SELECT seq,total,length(CAST(new.entry_key AS BLOB))+length(CAST(new.entry_value AS BLOB))b FROM larder_changes ORDER BY seq DESC LIMIT 1);
UPDATE entries SET(version,updated_at)=(SELECT seq,at FROM larder_changes ORDER BY seq DESC LIMIT 1)WHERE rowid=new.rowid AND version IS NOT(SELECT max(seq)FROM larder_changes);
INSERT INTO larder_groups(group_name,keys,bytes)SELECT new.group_name,1-count(r.bytes),c.bytes-ifnull(sum(r.bytes),0)FROM(SELECT bytes FROM larder_changes ORDER BY seq DESC LIMIT 1)c LEFT JOIN larder_replaced r WHERE 1 ON CONFLICT(group_name)DO UPDATE SET keys=keys+excluded.keys,bytes=bytes+excluded.bytes;
INSERT INTO larder_namespaces(namespace,keys,bytes,groups)SELECT g.namespace,1-count(r.bytes),c.bytes-ifnull(sum(r.bytes),0),g.keys=1 AND count(r.bytes)=0 FROM larder_groups g,(SELECT bytes FROM larder_changes ORDER BY seq DESC LIMIT 1)c LEFT JOIN larder_replaced r WHERE g.group_name=new.group_name ON CONFLICT(namespace)DO UPDATE SET keys=keys+excluded.keys,bytes=bytes+excluded.bytes,groups=groups+excluded.groups;
DELETE FROM entries WHERE expires_at<=(julianday('now')-2440587.5)*864e5+.5 AND rowid IN(SELECT e.rowid FROM larder_groups g,larder_namespaces n,entries e INDEXED BY larder_namespace_expiry WHERE g.group_name=new.group_name AND n.namespace=g.namespace AND n.over AND substr(e.group_name,1,instr(e.group_name,':'))=n.namespace||':'AND e.expires_at<=(julianday('now')-2440587.5)*864e5+.5);
SELECT RAISE(ABORT,'larder: quota exceeded')FROM larder_groups g,larder_namespaces n WHERE g.group_name=new.group_name AND n.namespace=g.namespace AND n.over AND(n.bytes>max_bytes AND NOT EXISTS(SELECT 1 FROM larder_replaced WHERE bytes>=length(CAST(new.entry_key AS BLOB))+length(CAST(new.entry_value AS BLOB)))OR NOT EXISTS(SELECT 1 FROM larder_replaced)AND(n.keys>max_keys OR n.groups>max_groups AND g.keys=1));
DELETE FROM larder_replaced WHERE bytes>=0;
DELETE FROM larder_changes WHERE seq IN(SELECT o.seq FROM(SELECT seq,at,total FROM larder_changes ORDER BY seq LIMIT 2+length(CAST(new.entry_value AS BLOB))/1024)o,(SELECT seq s,at,total t FROM larder_changes ORDER BY seq DESC LIMIT 1)n WHERE o.seq<s-4000000 OR o.total<t-1073741824 OR(o.seq<s-100000 OR o.total<t-67108864)AND o.at<n.at-600000 AND o.seq<=ifnull((SELECT min(position)FROM larder_consumers),s));
END;

CREATE TRIGGER larder_update /*
Part of larder, which refuses a file whose triggers were changed or dropped.
Runs after an update, by any client, and does for it what larder_insert does for
an insert. An entry keeps its rowid, group and key: a row moved onto another one
by UPDATE OR REPLACE would displace it unseen. A due row that is overwritten is
logged as an expiry before the set, and to the quota it is a new entry: until
then it cost nothing.
An update of other columns than these is none of its business. To give an entry
another name, insert it under the new one and delete the old. A write that would
take its namespace past a limit ends with 'larder: quota exceeded' and leaves
nothing behind.
*/AFTER UPDATE OF rowid,_rowid_,oid,group_name,entry_key,entry_value,expires_at ON entries BEGIN
SELECT RAISE(ABORT,'larder: an entry keeps its group and key')WHERE(new.rowid,new.group_name,new.entry_key)IS NOT(old.rowid,old.group_name,old.entry_key);
DELETE FROM larder_replaced WHERE bytes>=0;
INSERT INTO larder_changes SELECT seq+1,CAST((julianday('now')-2440587.5)*864e5+.5 AS INTEGER),'expire',old.group_name,old.entry_key,NULL,old.expires_at,0,total FROM(SELECT seq,total FROM larder_changes ORDER BY seq DESC LIMIT 1)WHERE old.expires_at<=(julianday('now')-2440587.5)*864e5+.5;
INSERT INTO larder_changes SELECT seq+1,CAST((julianday('now')-2440587.5)*864e5+.5 AS INTEGER),'set',new.group_name,new.entry_key,new.entry_value,new.expires_at,b,total+b FROM(SELECT seq,total,length(CAST(new.entry_key AS BLOB))+length(CAST(new.entry_value AS BLOB))b FROM larder_changes ORDER BY seq DESC LIMIT 1);
UPDATE entries SET(version,updated_at)=(SELECT seq,at FROM larder_changes ORDER BY seq DESC LIMIT 1)WHERE rowid=new.rowid AND version IS NOT(SELECT max(seq)FROM larder_changes);
UPDATE larder_groups SET bytes=bytes+length(CAST(new.entry_value AS BLOB))-length(CAST(old.entry_value AS BLOB))WHERE group_name=new.group_name;
UPDATE larder_namespaces SET bytes=bytes+length(CAST(new.entry_value AS BLOB))-length(CAST(old.entry_value AS BLOB))WHERE namespace=(SELECT namespace FROM larder_groups WHERE group_name=new.group_name);
DELETE FROM entries WHERE expires_at<=(julianday('now')-2440587.5)*864e5+.5 AND rowid IN(SELECT e.rowid FROM larder_groups g,larder_namespaces n,entries e INDEXED BY larder_namespace_expiry WHERE g.group_name=new.group_name AND n.namespace=g.namespace AND n.over AND substr(e.group_name,1,instr(e.group_name,':'))=n.namespace||':'AND e.expires_at<=(julianday('now')-2440587.5)*864e5+.5);
SELECT RAISE(ABORT,'larder: quota exceeded')FROM larder_groups g,larder_namespaces n WHERE g.group_name=new.group_name AND n.namespace=g.namespace AND n.over AND(n.bytes>max_bytes AND length(CAST(new.entry_value AS BLOB))>length(CAST(old.entry_value AS BLOB))OR old.expires_at<=(julianday('now')-2440587.5)*864e5+.5 AND(n.bytes>max_bytes OR n.keys>max_keys OR n.groups>max_groups AND g.keys=1));
DELETE FROM larder_changes WHERE seq IN(SELECT o.seq FROM(SELECT seq,at,total FROM larder_changes ORDER BY seq LIMIT 2+length(CAST(new.entry_value AS BLOB))/1024)o,(SELECT seq s,at,total t FROM larder_changes ORDER BY seq DESC LIMIT 1)n WHERE o.seq<s-4000000 OR o.total<t-1073741824 OR(o.seq<s-100000 OR o.total<t-67108864)AND o.at<n.at-600000 AND o.seq<=ifnull((SELECT min(position)FROM larder_consumers),s));
END;

CREATE TRIGGER larder_delete /*
Part of larder, which refuses a file whose triggers were changed or dropped.
Runs after a delete, by any client: logs it, as an expiry if the row was due.
Nothing is logged while the newest change is the delete_group of its group,
which speaks for all its rows. The counters of its group and namespace move by
what went away, and those of the group leave with its last row.
Time is SQLite's own, in Unix milliseconds; an entry is due once its expires_at
is not after it. Nothing removes due entries by itself: readers pass them over,
writes over them log the expiry, and 'larder purge' removes the rest, which runs
this trigger too.
*/AFTER DELETE ON entries BEGIN
DELETE FROM larder_replaced WHERE id=old.rowid;
INSERT INTO larder_changes SELECT seq+1,CAST((julianday('now')-2440587.5)*864e5+.5 AS INTEGER),iif(old.expires_at<=(julianday('now')-2440587.5)*864e5+.5,'expire','delete'),old.group_name,old.entry_key,NULL,old.expires_at,0,total FROM(SELECT seq,total,type,group_name FROM larder_changes ORDER BY seq DESC LIMIT 1)WHERE type<>'delete_group'OR group_name<>old.group_name;
UPDATE larder_groups SET keys=keys-1,bytes=bytes-length(CAST(old.entry_key AS BLOB))-length(CAST(old.entry_value AS BLOB))WHERE group_name=old.group_name;
UPDATE larder_namespaces SET(keys,bytes,groups)=(SELECT n.keys-1,n.bytes-length(CAST(old.entry_key AS BLOB))-length(CAST(old.entry_value AS BLOB)),n.groups-(g.keys=0)FROM larder_namespaces n,larder_groups g WHERE n.namespace=g.namespace AND g.group_name=old.group_name)WHERE namespace=(SELECT namespace FROM larder_groups WHERE group_name=old.group_name);
DELETE FROM larder_groups WHERE group_name=old.group_name AND keys=0;
END;
