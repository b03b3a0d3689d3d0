/* The database file: is it ours, its tables, its statements, its errors as sentences. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "io/store_priv.h"

#include "base/banned.h"

#define STR_(x) #x
#define STR(x) STR_(x)

/* Texts of requests are kept once each: a retry or a further sample repeats its request. A run
 * with `archived` set is history (--fresh); at most one of a phase and version is open. `source` is
 * NULL where it was not told, as is `config`. An opening is one process's work at a run: `ended` is
 * NULL while it lasts, and for ever where it was killed. A rejection has `retried` set once its
 * candidate went through the gates again. In the ledger, `cost` is NULL while a reservation is
 * outstanding. Times are Unix milliseconds. */
#define RUNS_LOOKED_AT                                                                             \
    "CREATE TABLE opening (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run,"           \
    " at INTEGER NOT NULL, pid INTEGER NOT NULL, ended INTEGER, outcome TEXT, changed TEXT);"      \
    "CREATE INDEX opening_run ON opening (run);"                                                   \
    "CREATE INDEX call_run ON call (run);"                                                         \
    "CREATE INDEX rejection_run ON rejection (run, item);"

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE run (id INTEGER PRIMARY KEY, phase TEXT NOT NULL, version TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL, source TEXT, dataset TEXT NOT NULL, started INTEGER NOT NULL,"
    " archived INTEGER, config TEXT);"
    "CREATE UNIQUE INDEX run_open ON run (phase, version) WHERE archived IS NULL;"
    "CREATE TABLE item (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run,"
    " key TEXT NOT NULL, ordinal INTEGER NOT NULL, turns INTEGER NOT NULL,"
    " accepted INTEGER NOT NULL, done INTEGER NOT NULL, state TEXT, UNIQUE (run, key));"
    "CREATE TABLE text (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, body TEXT NOT NULL);"
    "CREATE TABLE call (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run,"
    " key BLOB NOT NULL, sample INTEGER NOT NULL, purpose TEXT, item TEXT, model TEXT,"
    " outcome TEXT, tokens_in INTEGER, tokens_out INTEGER, tokens_cached INTEGER,"
    " cost INTEGER NOT NULL, ledger INTEGER REFERENCES ledger, seconds REAL,"
    " finished INTEGER NOT NULL, request INTEGER REFERENCES text, reply TEXT);"
    "CREATE INDEX call_answered ON call (run, key, sample) WHERE reply IS NOT NULL;"
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run,"
    " item INTEGER NOT NULL REFERENCES item, turn INTEGER NOT NULL, line TEXT NOT NULL,"
    " question TEXT NOT NULL, sql TEXT NOT NULL, sql_key BLOB NOT NULL,"
    " masked_key BLOB NOT NULL, question_key BLOB NOT NULL, facts TEXT, at INTEGER);"
    "CREATE INDEX entry_run ON entry (run);"
    "CREATE TABLE rejection (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run,"
    " item INTEGER NOT NULL REFERENCES item, turn INTEGER NOT NULL, candidate INTEGER NOT NULL,"
    " gate TEXT NOT NULL, reason TEXT NOT NULL, question TEXT, sql TEXT, detail TEXT,"
    " at INTEGER, retried INTEGER);"
    "CREATE TABLE ledger (id INTEGER PRIMARY KEY, reserved INTEGER NOT NULL, cost INTEGER,"
    " at INTEGER NOT NULL);"
    "CREATE INDEX ledger_outstanding ON ledger (id) WHERE cost IS NULL;" RUNS_LOOKED_AT
    "PRAGMA application_id = " STR(NL_STORE_APPLICATION) ";"
                                                         "PRAGMA user_version = " STR(
                                                             NL_STORE_SCHEMA) ";"
                                                                              "COMMIT;";

/* From version 1, which did not know of sources, and from version 2, which did not know when what
 * happened, nor under which configuration. */
static const char *const upgrades[NL_STORE_SCHEMA] = {
    [1] = "BEGIN IMMEDIATE;"
          "ALTER TABLE run ADD COLUMN source TEXT;"
          "PRAGMA user_version = 2;"
          "COMMIT;",
    [2] = "BEGIN IMMEDIATE;"
          "ALTER TABLE run ADD COLUMN config TEXT;"
          "ALTER TABLE entry ADD COLUMN at INTEGER;"
          "ALTER TABLE rejection ADD COLUMN at INTEGER;"
          "ALTER TABLE rejection ADD COLUMN retried INTEGER;" RUNS_LOOKED_AT
          "PRAGMA user_version = 3;"
          "COMMIT;",
};

/* Durable means durable: FULL syncs the log at each commit. */
static const char writer_settings[] = "PRAGMA synchronous = FULL;"
                                      "PRAGMA wal_autocheckpoint = 4000;"
                                      "PRAGMA journal_size_limit = 67108864;"
                                      "PRAGMA cache_size = -8192;";

static const char scratch_settings[] = "PRAGMA synchronous = OFF;";

static const char *const writes[W_COUNT] = {
    [W_BEGIN] = "BEGIN IMMEDIATE",
    [W_COMMIT] = "COMMIT",
    [W_ROLLBACK] = "ROLLBACK",
    [W_TEXT] = "INSERT INTO text (key, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    [W_TEXT_FIND] = "SELECT id FROM text WHERE key = ?1",
    [W_CALL] = ("INSERT INTO call (run, key, sample, purpose, item, model, outcome, tokens_in,"
                " tokens_out, tokens_cached, cost, ledger, seconds, finished, request, reply)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"),
    [W_ITEM] = "INSERT INTO item (run, key, ordinal, turns, accepted, done, state)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
               " ON CONFLICT (run, key) DO UPDATE SET ordinal = excluded.ordinal,"
               " turns = max(turns, excluded.turns), accepted = accepted + excluded.accepted,"
               " done = excluded.done, state = coalesce(excluded.state, state) RETURNING id",
    [W_ENTRY] = ("INSERT INTO entry (run, item, turn, line, question, sql, sql_key, masked_key,"
                 " question_key, facts, at)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"),
    [W_REJECTION] = ("INSERT INTO rejection (run, item, turn, candidate, gate, reason, question,"
                     " sql, detail, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
    [W_LEDGER] = "INSERT INTO ledger (id, reserved, cost, at) VALUES (?1, ?2, ?3, ?4)",
    [W_SETTLE] = "UPDATE ledger SET cost = ?2 WHERE id = ?1",
    [W_RETRIED] = "UPDATE rejection SET retried = ?2 WHERE id = ?1 AND run = ?3",
    [W_CONFIG] = "UPDATE run SET config = ?2 WHERE id = ?1",
    [W_CHANGED] = "UPDATE opening SET changed = ?2 WHERE id = ?1",
    [W_ENDED] = "UPDATE opening SET ended = ?3, outcome = ?2 WHERE id = ?1",
};

static const char *const reads[R_COUNT] = {
    [R_ITEM] = "SELECT done, turns, accepted, state FROM item WHERE run = ?1 AND key = ?2",
    [R_CALL] = NL_STORE_REPLY_SQL,
    [R_SEEN] = "SELECT sql_key, masked_key, question_key, question, sql FROM entry"
               " WHERE run = ?1 ORDER BY id",
    [R_REJECTED] = "SELECT id, turn, candidate, gate, reason, question, sql, detail FROM rejection"
                   " WHERE run = ?1 AND item = (SELECT id FROM item WHERE run = ?1 AND key = ?2)"
                   " AND retried IS NULL ORDER BY id",
};

bool nl_store_db_err(const nl_store *store, sqlite3 *db, nl_err *err) {
    int code = sqlite3_errcode(db) & 0xff;
    if (sqlite3_extended_errcode(db) == SQLITE_CONSTRAINT_COMMITHOOK) /* see commits_half */
        return nl_err_nomem(err);
    switch (code) {
    case SQLITE_NOMEM:
        return nl_err_nomem(err);
    case SQLITE_NOTADB:
        return nl_err_set(err, NL_IO,
                          "%s is not a store of nlsql (it is no SQLite database): move it away, or "
                          "use another folder",
                          store->path);
    case SQLITE_CORRUPT:
        return nl_err_set(err, NL_IO,
                          "%s is damaged (%s): put a copy in its place, or move it away to start "
                          "anew; datasets beside it are not touched",
                          store->path, sqlite3_errmsg(db));
    case SQLITE_FULL:
        return nl_err_set(err, NL_IO, "cannot write %s: the disk is full", store->path);
    case SQLITE_IOERR:
        return nl_err_set(err, NL_IO, "cannot read or write %s: %s (%s)", store->path,
                          sqlite3_errmsg(db),
                          sqlite3_extended_errcode(db) == SQLITE_IOERR_WRITE
                              ? "a quota, a limit on file sizes, or the disk itself"
                              : "the disk itself, or what it is mounted from");
    case SQLITE_CANTOPEN:
        return nl_err_set(err, NL_IO, "cannot open %s: %s", store->path,
                          strerror(sqlite3_system_errno(db)));
    default:
        return nl_err_set(err, NL_IO, "cannot use %s: %s", store->path, sqlite3_errmsg(db));
    }
}

sqlite3_stmt *nl_store_prepare(const nl_store *store, sqlite3 *db, const char *sql, nl_err *err) {
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        nl_store_db_err(store, db, err);
        return NULL;
    }
    return stmt;
}

bool nl_store_row(const nl_store *store, sqlite3_stmt *stmt, bool *row, nl_err *err) {
    int code = sqlite3_step(stmt);
    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return true;
    return nl_store_db_err(store, sqlite3_db_handle(stmt), err);
}

bool nl_store_step(const nl_store *store, sqlite3_stmt *stmt, nl_err *err) {
    bool row, ok = nl_store_row(store, stmt, &row, err);
    sqlite3_reset(stmt);
    return ok;
}

void nl_store_bind_key(sqlite3_stmt *stmt, int at, nl_key key, nl_store_key bytes) {
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(key.hi >> (56 - 8 * i));
        bytes[8 + i] = (unsigned char)(key.lo >> (56 - 8 * i));
    }
    sqlite3_bind_blob(stmt, at, bytes, sizeof(nl_store_key), SQLITE_STATIC);
}

nl_key nl_store_column_key(sqlite3_stmt *stmt, int column) {
    nl_key key = { 0, 0 };
    const unsigned char *bytes = sqlite3_column_blob(stmt, column);
    if (sqlite3_column_bytes(stmt, column) != sizeof(nl_store_key))
        return key;
    for (int i = 0; i < 8; i++) {
        key.hi = key.hi << 8 | bytes[i];
        key.lo = key.lo << 8 | bytes[8 + i];
    }
    return key;
}

bool nl_store_script(const nl_store *store, sqlite3 *db, const char *sql, nl_err *err) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return nl_store_db_err(store, db, err);
}

bool nl_store_number(const nl_store *store, sqlite3 *db, const char *sql, int64_t *value,
                     nl_err *err) {
    bool row;
    sqlite3_stmt *stmt = nl_store_prepare(store, db, sql, err);
    bool ok = stmt && nl_store_row(store, stmt, &row, err);
    if (ok)
        *value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return ok;
}

/* Write-ahead logging lets the loop read while the writer writes. */
static bool set_wal(const nl_store *store, nl_err *err) {
    bool row;
    sqlite3_stmt *stmt = nl_store_prepare(store, store->writer, "PRAGMA journal_mode = WAL", err);
    bool ok = stmt && nl_store_row(store, stmt, &row, err);
    if (ok && sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") != 0)
        ok = nl_err_set(err, NL_IO,
                        "%s cannot use a write-ahead log here: the store needs a local file system",
                        store->path);
    sqlite3_finalize(stmt);
    return ok;
}

/* Looks before it touches anything: a file of another program stays as it is. *found: the version
 * of its tables; 0: there are none. */
static bool check_kind(const nl_store *store, int64_t *found, nl_err *err) {
    int64_t application = 0, version = 0, tables = 0;
    if (!nl_store_number(store, store->writer, "PRAGMA application_id", &application, err) ||
        !nl_store_number(store, store->writer, "PRAGMA user_version", &version, err) ||
        !nl_store_number(store, store->writer, "SELECT count(*) FROM sqlite_master", &tables, err))
        return false;
    bool fresh = application == 0 && version == 0 && tables == 0;
    *found = version;
    if (!fresh && application != NL_STORE_APPLICATION)
        return nl_err_set(err, NL_IO,
                          "%s is an SQLite database of another program: move it away, or use "
                          "another folder",
                          store->path);
    if (version > NL_STORE_SCHEMA)
        return nl_err_set(err, NL_IO,
                          "%s was written by a newer nlsql (its schema is version %lld, this "
                          "program knows %d): use that program, or another folder",
                          store->path, (long long)version, NL_STORE_SCHEMA);
    return true;
}

static sqlite3 *open_file(const nl_store *store, nl_err *err) {
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(store->path, &db, flags, NULL) != SQLITE_OK) {
        nl_store_db_err(store, db, err);
        sqlite3_close(db);
        return NULL;
    }
    sqlite3_busy_timeout(db, 30000); /* somebody with the sqlite3 program, say */
    return db;
}

static bool prepare_all(const nl_store *store, sqlite3 *db, const char *const *sql,
                        sqlite3_stmt **stmts, int n, nl_err *err) {
    for (int i = 0; i < n; i++) {
        if (sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &stmts[i], NULL) !=
            SQLITE_OK)
            return nl_store_db_err(store, db, err);
    }
    return true;
}

/* Makes the tables of a new file, or brings older ones up to date, one version after the other. */
static bool make_tables(const nl_store *store, int64_t found, nl_err *err) {
    if (found == 0)
        return nl_store_script(store, store->writer, schema, err);
    for (; found < NL_STORE_SCHEMA; found++) {
        if (!nl_store_script(store, store->writer, upgrades[found], err))
            return false;
    }
    return true;
}

/* SQLite may lose a transaction for want of memory, where a statement has to be prepared anew, say,
 * and run the statement without. Half a turn would be durable then. */
static int commits_half(void *ctx) {
    const nl_store *store = ctx;
    return store->whole;
}

bool nl_store_connect(nl_store *store, nl_err *err) {
    int64_t found;
    store->writer = open_file(store, err);
    if (!store->writer || !check_kind(store, &found, err) || !set_wal(store, err) ||
        !nl_store_script(store, store->writer, store->scratch ? scratch_settings : writer_settings,
                         err) ||
        !make_tables(store, found, err) || !nl_store_secret_table(store, err) ||
        !prepare_all(store, store->writer, writes, store->write, W_COUNT, err))
        return false;
    sqlite3_commit_hook(store->writer, commits_half, store);
    store->reader = open_file(store, err);
    return store->reader &&
           nl_store_script(store, store->reader, "PRAGMA query_only = 1; PRAGMA cache_size = -2048",
                           err) &&
           prepare_all(store, store->reader, reads, store->read, R_COUNT, err);
}

void nl_store_disconnect(nl_store *store) {
    for (int i = 0; i < R_COUNT; i++)
        sqlite3_finalize(store->read[i]);
    for (int i = 0; i < W_COUNT; i++)
        sqlite3_finalize(store->write[i]);
    sqlite3_close(store->reader);
    sqlite3_close(store->writer); /* the last one to close empties the log into the file */
    store->reader = store->writer = NULL;
}
