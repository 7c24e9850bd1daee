/* The floor: the least a program over larder's file can do. `floor FILE get
 * GROUP KEY` and `floor FILE set GROUP KEY VALUE`, the latter durable, with the
 * same journal settings and the same rule for the checkpoint as larder. It
 * checks nothing and reports nothing but its status. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sqlite3.h"

static const char *GET = "SELECT entry_value FROM entries WHERE group_name=?1 AND entry_key=?2";
static const char *SET =
    "INSERT INTO entries(group_name,entry_key,entry_value)VALUES(?1,?2,?3)"
    "ON CONFLICT(group_name,entry_key)DO UPDATE SET entry_value=excluded.entry_value,expires_at=NULL";

static long wal_frames(const char *file) {
    char name[4096];
    struct stat meta;
    snprintf(name, sizeof name, "%s-wal", file);
    return stat(name, &meta) ? 0 : meta.st_size / (4096 + 24);
}

int main(int argc, char **argv) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    if (argc < 5) return 2;
    const char *file = argv[1];
    int set = !strcmp(argv[2], "set");
    if (argc != (set ? 6 : 5)) return 2;
    if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, 0)) return 7;
    sqlite3_busy_timeout(db, 5000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, 0);
    long before = 0;
    if (set) {
        before = wal_frames(file);
        if (sqlite3_exec(db, "PRAGMA synchronous=FULL;PRAGMA wal_autocheckpoint=0;PRAGMA temp_store=MEMORY", 0, 0, 0)) return 7;
    }
    if (sqlite3_prepare_v2(db, set ? SET : GET, -1, &statement, 0)) return 7;
    for (int i = 3; i < argc; i++) sqlite3_bind_text(statement, i - 2, argv[i], -1, SQLITE_STATIC);
    if (set) {
        if (sqlite3_step(statement) != SQLITE_DONE) return 6;
    } else {
        if (sqlite3_step(statement) != SQLITE_ROW) return 1;
        fwrite(sqlite3_column_blob(statement, 0), 1, sqlite3_column_bytes(statement, 0), stdout);
    }
    sqlite3_finalize(statement);
    if (set && wal_frames(file) / 64 > before / 64) sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", 0, 0, 0);
    sqlite3_close(db);
    return 0;
}
