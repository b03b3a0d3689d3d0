#include "io/store_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sqlite3.h>

#include "io/store_priv.h"

#include "base/banned.h"

enum { FIELDS = NL_STORE_FIELDS, BUSY_MS = 5000 };

/* `as` has what the functions of store_db.c want of a store: a path and a connection. */
struct nl_store_view {
    nl_store as;
    sqlite3_stmt *reply;
};

struct nl_store_cursor {
    nl_store_view *view;
    sqlite3_stmt *stmt;
    nl_store_field fields[FIELDS];
};

static const char runs_sql[] =
    "SELECT r.id, r.phase, r.version, r.source, r.dataset, r.config, r.started, r.archived,"
    " o.at AS opened, o.pid, o.ended, o.outcome,"
    " (SELECT changed FROM opening WHERE run = r.id AND changed IS NOT NULL"
    "  ORDER BY id DESC LIMIT 1) AS changed,"
    " (SELECT count(*) FROM item WHERE run = r.id) AS items,"
    " (SELECT count(*) FROM item WHERE run = r.id AND done) AS items_done,"
    " (SELECT count(*) FROM entry WHERE run = r.id) AS entries,"
    " (SELECT count(*) FROM rejection WHERE run = r.id AND retried IS NULL) AS rejections,"
    " (SELECT count(*) FROM call WHERE run = r.id) AS calls,"
    " (SELECT count(*) FROM call WHERE run = r.id AND reply IS NULL) AS failed,"
    " (SELECT coalesce(sum(cost), 0) FROM call WHERE run = r.id) AS cost"
    " FROM run r LEFT JOIN opening o ON o.id = (SELECT max(id) FROM opening WHERE run = r.id)"
    " WHERE ?1 OR r.archived IS NULL ORDER BY r.id";

static const char events_sql[] =
    "SELECT 'opening' AS kind, id, at, NULL AS item, NULL AS turn, NULL AS candidate,"
    " NULL AS purpose, NULL AS model, outcome, NULL AS kept, NULL AS sample, NULL AS tokens_in,"
    " NULL AS tokens_out, NULL AS cost, NULL AS seconds, NULL AS gate, changed AS reason,"
    " NULL AS question, NULL AS sql, NULL AS detail, 0 AS rank"
    " FROM opening WHERE run = ?1 AND id > ?2"
    " UNION ALL SELECT 'call', id, finished, item, NULL, NULL, purpose, model, outcome,"
    " reply IS NOT NULL, sample, tokens_in, tokens_out, cost, seconds, NULL, NULL, NULL, NULL,"
    " NULL, 1 FROM call WHERE run = ?1 AND id > ?3"
    " UNION ALL SELECT 'rejection', j.id, j.at, i.key, j.turn, j.candidate, NULL, NULL, NULL, NULL,"
    " NULL, NULL, NULL, NULL, NULL, j.gate, j.reason, j.question, j.sql, j.detail, 2"
    " FROM rejection j JOIN item i ON i.id = j.item WHERE j.run = ?1 AND j.id > ?4"
    " UNION ALL SELECT 'entry', e.id, e.at, i.key, e.turn, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL, NULL, NULL, NULL, NULL, NULL, e.question, e.sql, NULL, 3"
    " FROM entry e JOIN item i ON i.id = e.item WHERE e.run = ?1 AND e.id > ?5"
    " ORDER BY 3, rank, 2";

/* --- opening ------------------------------------------------------------------------------- */

static bool check_version(nl_store_view *view, nl_err *err) {
    int64_t application = 0, version = 0;
    nl_store *as = &view->as;
    if (!nl_store_number(as, as->reader, "PRAGMA application_id", &application, err) ||
        !nl_store_number(as, as->reader, "PRAGMA user_version", &version, err))
        return false;
    if (application != NL_STORE_APPLICATION)
        return nl_err_set(err, NL_IO, "%s is not a store of nlsql", as->path);
    if (version != NL_STORE_SCHEMA)
        return nl_err_set(err, NL_IO,
                          "%s was written by %s nlsql (its schema is version %lld, this program's "
                          "is %d)%s",
                          as->path, version > NL_STORE_SCHEMA ? "a newer" : "an older",
                          (long long)version, NL_STORE_SCHEMA,
                          version > NL_STORE_SCHEMA ? ": use that program"
                                                    : ": nlsql run brings it up to date");
    return true;
}

/* The path as SQLite's URI, in which some characters mean something. */
static bool put_uri(nl_buf *uri, const char *path, bool immutable) {
    nl_buf_str(uri, "file:");
    for (const char *c = path; *c; c++) {
        if (strchr("%?#", *c))
            nl_buf_printf(uri, "%%%02X", (unsigned char)*c);
        else
            nl_buf_char(uri, *c);
    }
    nl_buf_str(uri, immutable ? "?immutable=1" : "");
    return !uri->failed;
}

static bool try_reader(nl_store *as, bool immutable, nl_err *err) {
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    int64_t tables;
    nl_buf uri;
    bool ok = false;
    nl_buf_init(&uri);
    sqlite3_close(as->reader);
    as->reader = NULL;
    if (!put_uri(&uri, as->path, immutable))
        nl_err_nomem(err);
    else if (sqlite3_open_v2(uri.data, &as->reader, flags, NULL) != SQLITE_OK)
        nl_store_db_err(as, as->reader, err);
    else
        ok = true;
    nl_buf_release(&uri);
    if (!ok)
        return false;
    sqlite3_busy_timeout(as->reader, BUSY_MS);
    return nl_store_number(as, as->reader, "SELECT count(*) FROM sqlite_master", &tables, err);
}

/* In a folder that may not be written to, where no writer has left its log, a file can only be
 * read as one that never changes. */
static bool open_reader(nl_store *as, nl_err *err) {
    if (access(as->path, F_OK) != 0)
        return nl_err_set(err, NL_NOTFOUND, "there is no store %s", as->path);
    nl_err first = { .code = NL_OK };
    if (try_reader(as, false, &first))
        return true;
    if ((sqlite3_errcode(as->reader) & 0xff) == SQLITE_CANTOPEN)
        return try_reader(as, true, err);
    if (err)
        *err = first;
    return false;
}

nl_store_view *nl_store_view_open(const char *path, nl_err *err) {
    nl_store_view *view = calloc(1, sizeof *view);
    if (!view) {
        nl_err_nomem(err);
        return NULL;
    }
    view->as.path = strdup(path);
    if (!view->as.path)
        nl_err_nomem(err);
    else if (open_reader(&view->as, err) && check_version(view, err))
        return view;
    nl_store_view_close(view);
    return NULL;
}

void nl_store_view_close(nl_store_view *view) {
    if (!view)
        return;
    sqlite3_finalize(view->reply);
    sqlite3_close_v2(view->as.reader); /* waits for its cursors */
    free(view->as.path);
    free(view);
}

/* The lock is tried, and given back at once: a writer that comes in this moment tries again. */
bool nl_store_view_holder(const nl_store_view *view, int64_t *pid, nl_err *err) {
    char *path = NULL, text[32];
    *pid = 0;
    if (asprintf(&path, "%s.lock", view->as.path) < 0)
        return nl_err_nomem(err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (fd < 0)
        return true;
    /* not taken: as in store.c */
    if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        ssize_t n = pread(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        *pid = strtoll(text, NULL, 10);
        if (*pid <= 0)
            *pid = -1; /* a full disk kept its number from being written */
    }
    close(fd);
    return true;
}

/* --- rows ---------------------------------------------------------------------------------- */

static nl_store_cursor *new_cursor(nl_store_view *view, const char *sql, nl_err *err) {
    nl_store_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor) {
        nl_err_nomem(err);
        return NULL;
    }
    cursor->view = view;
    cursor->stmt = nl_store_prepare(&view->as, view->as.reader, sql, err);
    if (cursor->stmt)
        return cursor;
    free(cursor);
    return NULL;
}

nl_store_cursor *nl_store_view_runs(nl_store_view *view, bool archived, nl_err *err) {
    nl_store_cursor *cursor = new_cursor(view, runs_sql, err);
    if (cursor)
        sqlite3_bind_int(cursor->stmt, 1, archived);
    return cursor;
}

nl_store_cursor *nl_store_view_events(nl_store_view *view, int64_t run, nl_store_marks after,
                                      nl_err *err) {
    nl_store_cursor *cursor = new_cursor(view, events_sql, err);
    if (!cursor)
        return NULL;
    sqlite3_bind_int64(cursor->stmt, 1, run);
    sqlite3_bind_int64(cursor->stmt, 2, after.opening);
    sqlite3_bind_int64(cursor->stmt, 3, after.call);
    sqlite3_bind_int64(cursor->stmt, 4, after.rejection);
    sqlite3_bind_int64(cursor->stmt, 5, after.entry);
    return cursor;
}

static bool take_field(sqlite3_stmt *stmt, int column, nl_store_field *field) {
    *field = (nl_store_field){ .kind = NL_FIELD_NULL };
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        field->kind = NL_FIELD_INT;
        field->number = sqlite3_column_int64(stmt, column);
        break;
    case SQLITE_FLOAT:
        field->kind = NL_FIELD_REAL;
        field->real = sqlite3_column_double(stmt, column);
        break;
    case SQLITE_TEXT:
        field->kind = NL_FIELD_TEXT;
        field->text = (const char *)sqlite3_column_text(stmt, column);
        field->size = (size_t)sqlite3_column_bytes(stmt, column);
        break;
    default:
        break;
    }
    return field->kind != NL_FIELD_TEXT || field->text;
}

int nl_store_cursor_next(nl_store_cursor *cursor, const nl_store_field **fields, nl_err *err) {
    nl_store *as = &cursor->view->as;
    int code = sqlite3_step(cursor->stmt);
    if (code == SQLITE_DONE)
        return 0;
    if (code != SQLITE_ROW) {
        nl_store_db_err(as, as->reader, err);
        return -1;
    }
    for (int i = 0; i < FIELDS; i++) {
        if (!take_field(cursor->stmt, i, &cursor->fields[i])) {
            nl_err_nomem(err);
            return -1;
        }
    }
    *fields = cursor->fields;
    return 1;
}

void nl_store_cursor_free(nl_store_cursor *cursor) {
    if (!cursor)
        return;
    sqlite3_finalize(cursor->stmt);
    free(cursor);
}

/* --- look-ups ------------------------------------------------------------------------------ */

bool nl_store_view_ledger(nl_store_view *view, int64_t *spent, int64_t *reserved, nl_err *err) {
    nl_store *as = &view->as;
    return nl_store_number(as, as->reader, "SELECT coalesce(sum(cost), 0) FROM ledger", spent,
                           err) &&
           nl_store_number(as, as->reader,
                           "SELECT coalesce(sum(reserved), 0) FROM ledger WHERE cost IS NULL",
                           reserved, err);
}

bool nl_store_view_reply(nl_store_view *view, int64_t run, nl_key key, uint32_t sample,
                         char **reply, size_t *size, nl_err *err) {
    nl_store *as = &view->as;
    nl_store_key bytes;
    *reply = NULL;
    *size = 0;
    if (!view->reply)
        view->reply = nl_store_prepare(as, as->reader, NL_STORE_REPLY_SQL, err);
    if (!view->reply)
        return false;
    sqlite3_bind_int64(view->reply, 1, run);
    nl_store_bind_key(view->reply, 2, key, bytes);
    sqlite3_bind_int64(view->reply, 3, sample);
    bool row, ok = nl_store_row(as, view->reply, &row, err);
    if (row) {
        const char *text = (const char *)sqlite3_column_text(view->reply, 0);
        ok = nl_store_keep(text, (size_t)sqlite3_column_bytes(view->reply, 0), reply, size, err);
    }
    sqlite3_reset(view->reply);
    return ok;
}

bool nl_store_view_secret(nl_store_view *view, int64_t run, unsigned char *secret, bool *found,
                          nl_err *err) {
    nl_store *as = &view->as;
    int64_t there = 0, made;
    *found = false;
    if (!nl_store_number(as, as->reader, "SELECT count(*) FROM sqlite_master WHERE name = 'secret'",
                         &there, err))
        return false;
    return there == 0 || nl_store_secret_look(as, as->reader, NL_STORE_SECRET_SQL, run, secret,
                                              &made, found, err);
}

bool nl_store_view_compare(nl_store_view *view, int64_t run, const char *path,
                           nl_store_agreement *agreement, nl_err *err) {
    nl_store *as = &view->as;
    char *line = NULL;
    size_t room = 0;
    bool ok = false, row, agree = true;
    FILE *file = fopen(path, "re");
    *agreement = (nl_store_agreement){ 0 };
    if (!file)
        return nl_err_errno(err, "cannot read %s", path);
    sqlite3_stmt *stmt =
        nl_store_prepare(as, as->reader, "SELECT line FROM entry WHERE run = ?1 ORDER BY id", err);
    if (!stmt)
        goto out;
    sqlite3_bind_int64(stmt, 1, run);
    while ((ok = nl_store_row(as, stmt, &row, err)) && row) {
        const char *expected = (const char *)sqlite3_column_text(stmt, 0);
        size_t size = (size_t)sqlite3_column_bytes(stmt, 0);
        if (!expected) {
            ok = nl_err_nomem(err);
            break;
        }
        ssize_t n = getline(&line, &room, file);
        agreement->entries++;
        agreement->lines += n > 0;
        agree = agree && n == (ssize_t)size + 1 && line[size] == '\n' &&
                memcmp(line, expected, size) == 0;
        agreement->same += agree;
    }
    while (ok && getline(&line, &room, file) > 0)
        agreement->lines++;
    if (ok && ferror(file))
        ok = nl_err_errno(err, "cannot read %s", path);
out:
    sqlite3_finalize(stmt);
    free(line);
    (void)fclose(file);
    return ok;
}
