#include "store_support.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/buf.h"

const char *store_dir(const char *base) {
    static char dir[256];
    (void)snprintf(dir, sizeof dir, "%s/nlsql-store-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(dir))
        fail_msg("no folder in %s", base ? base : "/tmp");
    return dir;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void store_remove(const char *dir) {
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *store_path(const char *dir, const char *name) {
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

nl_store *store_open(nl_loop *loop, const char *dir) {
    nl_err err = { .code = NL_OK };
    nl_store *store = nl_store_open(loop, store_path(dir, "nlsql.db"), &err);
    if (!store)
        fail_msg("%s", err.msg);
    return store;
}

nl_store_run *store_run(nl_store *store, const char *dir, bool fresh, nl_store_run_info *info) {
    nl_err err = { .code = NL_OK };
    nl_store_run_options options = {
        .phase = "joins",
        .version = "",
        .fingerprint = "f",
        .dataset = store_path(dir, "dataset.jsonl"),
        .fresh = fresh,
    };
    nl_store_run *run = nl_store_run_open(store, &options, info, &err);
    if (!run)
        fail_msg("%s", err.msg);
    return run;
}

struct outcome {
    nl_loop *loop;
    nl_err *err;
    int64_t id;
    bool ok;
};

static void on_flush(void *ctx, const nl_err *err) {
    struct outcome *outcome = ctx;
    outcome->ok = err == NULL;
    if (err && outcome->err)
        *outcome->err = *err;
    nl_loop_stop(outcome->loop);
}

bool store_flush(nl_loop *loop, nl_store *store, nl_err *err) {
    struct outcome outcome = { .loop = loop, .err = err };
    if (!nl_store_flush(store, on_flush, &outcome, err))
        return false;
    nl_loop_run(loop);
    return outcome.ok;
}

static void on_reserved(void *ctx, int64_t id, const nl_err *err) {
    struct outcome *outcome = ctx;
    outcome->id = id;
    on_flush(ctx, err);
}

int64_t store_reserve(nl_loop *loop, nl_store *store, int64_t amount, nl_err *err) {
    struct outcome outcome = { .loop = loop, .err = err };
    if (!nl_store_reserve(store, amount, on_reserved, &outcome, err))
        return 0;
    nl_loop_run(loop);
    return outcome.id;
}

const char *store_line(unsigned i) {
    static char line[96];
    (void)snprintf(line, sizeof line, "{\"question\":\"question %u?\",\"sql\":\"SELECT %u\"}", i,
                   i);
    return line;
}

bool store_put_turn(nl_store_run *run, const char *item, uint32_t turn, unsigned first, unsigned n,
                    nl_store_done done, void *ctx, nl_err *err) {
    enum { MOST = 64 };
    static char lines[MOST][96], questions[MOST][40], sql[MOST][40];
    nl_store_entry entries[MOST];
    assert_true(n <= MOST);
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(lines[i], sizeof lines[i], "%s", store_line(first + i));
        (void)snprintf(questions[i], sizeof questions[i], "question %u?", first + i);
        (void)snprintf(sql[i], sizeof sql[i], "SELECT %u", first + i);
        entries[i] = (nl_store_entry){
            .line = lines[i],
            .question = questions[i],
            .sql = sql[i],
            .sql_key = { first + i, 1 },
            .masked_key = { 0, 2 },
            .question_key = { first + i, 3 },
            .facts = "{\"joined\":2}",
        };
    }
    nl_store_turn put = {
        .item = item,
        .ordinal = 1,
        .turn = turn,
        .state = "{\"history\":[]}",
        .entries = entries,
        .n_entries = n,
    };
    return nl_store_turn_put(run, &put, done, ctx, err);
}

bool store_put_call(nl_store_run *run, const char *request, uint32_t sample, const char *reply,
                    int64_t reservation, int64_t cost) {
    nl_store_call call = {
        .key = nl_key_of(request, strlen(request)),
        .sample = sample,
        .purpose = "ask",
        .item = "a+b",
        .model = "m",
        .request = request,
        .request_size = strlen(request),
        .reply = reply,
        .reply_size = reply ? strlen(reply) : 0,
        .outcome = reply ? "ok" : "timeout",
        .tokens_in = 10,
        .tokens_out = -1,
        .tokens_cached = -1,
        .cost = cost,
        .reservation = reservation,
        .seconds = 0.5,
    };
    return nl_store_call_put(run, &call, NULL, NULL, NULL);
}

char *store_recall(nl_store_run *run, const char *request, uint32_t sample) {
    nl_err err = { .code = NL_OK };
    bool found;
    char *reply;
    size_t size;
    if (!nl_store_call_get(run, nl_key_of(request, strlen(request)), sample, &found, &reply, &size,
                           &err))
        fail_msg("%s", err.msg);
    assert_int_equal(found, reply != NULL);
    return reply;
}

void store_assert_recall(nl_store_run *run, const char *request, uint32_t sample,
                         const char *expected) {
    char *reply = store_recall(run, request, sample);
    if (expected) {
        assert_non_null(reply);
        assert_string_equal(reply, expected);
    } else {
        assert_null(reply);
    }
    free(reply);
}

void store_assert_file(const char *path, const char *expected) {
    char *text = store_file(path);
    if (!text)
        fail_msg("%s is not there", path);
    assert_string_equal(text, expected);
    free(text);
}

const char *store_lines_to(unsigned n) {
    static char text[4096];
    size_t size = 0;
    text[0] = '\0';
    for (unsigned i = 1; i <= n; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s\n", store_line(i));
    return text;
}

static void must_execute(sqlite3 *db, const char *sql) {
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static sqlite3 *open_beside(const char *dir) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(store_path(dir, "nlsql.db"), &db), SQLITE_OK);
    return db;
}

void store_sql(const char *dir, const char *sql) {
    sqlite3 *db = open_beside(dir);
    must_execute(db, sql);
    sqlite3_close(db);
}

sqlite3 *store_sql_begin(const char *dir, const char *sql) {
    sqlite3 *db = open_beside(dir);
    must_execute(db, "PRAGMA foreign_keys = 0; BEGIN IMMEDIATE");
    must_execute(db, sql);
    return db;
}

void store_sql_commit(sqlite3 *db) {
    must_execute(db, "COMMIT");
    sqlite3_close(db);
}

void store_text(const char *dir, const char *sql, char *text, size_t room) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_open_v2(store_path(dir, "nlsql.db"), &db, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    const char *value = (const char *)sqlite3_column_text(stmt, 0);
    (void)snprintf(text, room, "%s", value ? value : "NULL");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

int64_t store_number(const char *dir, const char *sql) {
    char text[64];
    store_text(dir, sql, text, sizeof text);
    return strtoll(text, NULL, 10);
}

char *store_file(const char *path) {
    nl_buf buf;
    nl_buf_init(&buf);
    char *text = nl_buf_read_file(&buf, path, 0, NULL) ? nl_buf_detach(&buf, NULL) : NULL;
    nl_buf_release(&buf);
    return text;
}

void store_write(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}
