/* Runs: finding, making, archiving and loading them, on the writer's thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "io/store_priv.h"

#include "base/banned.h"

void nl_store_run_free(nl_store_run *run) {
    nl_dedup_free(run->answered);
    nl_jsonl_close(&run->dataset);
    nl_buf_release(&run->state);
    nl_buf_release(&run->before);
    nl_buf_release(&run->lines);
    free(run);
}

/* --- finding and making runs --------------------------------------------------------------- */

struct opening {
    const nl_store_run_options *options;
    nl_store_run_info *info;
    nl_store_run *run;
    char *old; /* the dataset of the run that is there; "" or NULL: none */
};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One statement with up to four parameters: an id, then texts (NULL: not there). */
static sqlite3_stmt *bound(nl_store *store, const char *sql, int64_t id, const char *a,
                           const char *b, const char *c, nl_err *err) {
    const char *texts[] = { a, b, c };
    sqlite3_stmt *stmt = nl_store_prepare(store, store->writer, sql, err);
    if (!stmt)
        return NULL;
    sqlite3_bind_int64(stmt, 1, id);
    for (int i = 0; i < 3; i++) {
        if (texts[i])
            sqlite3_bind_text(stmt, i + 2, texts[i], -1, SQLITE_STATIC);
    }
    return stmt;
}

static bool finish(nl_store *store, sqlite3_stmt *stmt, nl_err *err) {
    bool ok = stmt && nl_store_step(store, stmt, err);
    sqlite3_finalize(stmt);
    return ok;
}

/* May the run's entries, of `source` (NULL: not told), be joined by those of this one? */
static bool same_source(const nl_store_run_options *options, const char *source, nl_err *err) {
    if (!source || !options->source || strcmp(source, options->source) == 0)
        return true;
    return nl_err_set(err, NL_CONFIG,
                      "%s holds pairs of %s, and this run would add some of %s: --fresh archives "
                      "what is there, --run-version NAME makes a dataset beside it",
                      options->dataset, source, options->source);
}

static bool find_run(nl_store *store, struct opening *opening, nl_err *err) {
    const nl_store_run_options *options = opening->options;
    sqlite3_stmt *stmt = bound(store,
                               "SELECT id, fingerprint <> ?4, source, config, dataset FROM run"
                               " WHERE phase = ?2 AND version = ?3 AND archived IS NULL",
                               0, options->phase, options->version, options->fingerprint, err);
    bool row = false, ok = stmt && nl_store_row(store, stmt, &row, err);
    if (row) {
        const char *source = (const char *)sqlite3_column_text(stmt, 2);
        opening->run->id = sqlite3_column_int64(stmt, 0);
        opening->info->changed = sqlite3_column_int(stmt, 1) != 0;
        const char *config = (const char *)sqlite3_column_text(stmt, 3);
        ok = options->fresh || same_source(options, source, err);
        if (ok && config && !nl_buf_str(&opening->run->before, config))
            ok = nl_err_nomem(err);
        const char *old = (const char *)sqlite3_column_text(stmt, 4);
        /* not taken: it is never NULL, and SQLite gives it without more memory */
        opening->old = old ? strdup(old) : NULL;
        if (ok && !opening->old)
            ok = nl_err_nomem(err);
    }
    sqlite3_finalize(stmt);
    return ok;
}

/* The run's column is never NULL. */
static const char *path_of(const nl_store_run_options *options) {
    return options->dataset ? options->dataset : "";
}

static bool make_run(nl_store *store, struct opening *opening, nl_err *err) {
    const nl_store_run_options *options = opening->options;
    sqlite3_stmt *stmt =
        bound(store,
              "INSERT INTO run (started, phase, version, dataset, fingerprint, source)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
              now_ms(), options->phase, options->version, path_of(options), err);
    if (stmt) {
        sqlite3_bind_text(stmt, 5, options->fingerprint, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 6, options->source, -1, SQLITE_STATIC);
    }
    if (!finish(store, stmt, err))
        return false;
    opening->run->id = sqlite3_last_insert_rowid(store->writer);
    return true;
}

/* The run goes on as it is now configured. */
static bool renew_run(nl_store *store, const struct opening *opening, nl_err *err) {
    const nl_store_run_options *options = opening->options;
    return finish(store,
                  bound(store,
                        "UPDATE run SET dataset = ?2, fingerprint = ?3,"
                        " source = coalesce(?4, source) WHERE id = ?1",
                        opening->run->id, path_of(options), options->fingerprint, options->source,
                        err),
                  err);
}

static bool note_opening(nl_store *store, struct opening *opening, nl_err *err) {
    sqlite3_stmt *stmt = bound(store, "INSERT INTO opening (run, at, pid) VALUES (?1, ?2, ?3)",
                               opening->run->id, NULL, NULL, NULL, err);
    if (stmt) {
        sqlite3_bind_int64(stmt, 2, now_ms());
        sqlite3_bind_int64(stmt, 3, getpid());
    }
    if (!finish(store, stmt, err))
        return false;
    opening->run->opening = sqlite3_last_insert_rowid(store->writer);
    return true;
}

static const nl_store_run *writer_of(const nl_store *store, const char *path) {
    const nl_store_run *other = store->runs;
    while (other && !(other->dataset.path && strcmp(other->dataset.path, path) == 0))
        other = other->next;
    return other;
}

/* Brings the dataset that is to be archived up to date; `filled`: there is something in it that is
 * to be moved out of the way. `elsewhere`: the new one does not want the place, and what others
 * have put there since stays. */
static bool complete_old(nl_store *store, nl_store_run *run, const char *path, bool elsewhere,
                         bool *filled, nl_err *err) {
    struct nl_store_match match;
    if (elsewhere && writer_of(store, path))
        return true;
    if (!nl_store_compare(store, run->id, path, &match, err))
        return false;
    bool edited = match.rest > 0 && !match.torn; /* then it stays as somebody wants it */
    if (edited && elsewhere)
        return true;
    if (!edited && (!nl_jsonl_open(&run->dataset, path, err) ||
                    !nl_store_complete(store, run, match.last, err)))
        return false;
    *filled = edited || run->dataset.size > 0;
    nl_jsonl_close(&run->dataset);
    return true;
}

/* With `fresh`: the old dataset is completed, wherever it is, the run put away, and the dataset
 * moved. A crash on the way leaves a file that is no part of the new run, which then is moved all
 * the same. */
static bool archive(nl_store *store, struct opening *opening, nl_err *err) {
    const char *wanted = path_of(opening->options);
    const char *path = *wanted && *opening->old ? opening->old : wanted;
    nl_store_run *run = opening->run;
    nl_store_run_info *info = opening->info;
    char when[24];
    bool filled = false;
    if (*wanted && !complete_old(store, run, path, strcmp(path, wanted) != 0, &filled, err))
        return false;
    if (filled && !nl_store_free_name(path, info->kept, sizeof info->kept, err))
        return false;
    (void)snprintf(when, sizeof when, "%lld", (long long)now_ms());
    sqlite3_stmt *stmt = bound(store,
                               "UPDATE run SET archived = CAST(?2 AS INTEGER), dataset = ?3"
                               " WHERE id = ?1",
                               run->id, when, filled ? info->kept : path, NULL, err);
    if (!finish(store, stmt, err))
        return false;
    if (filled && rename(path, info->kept) != 0)
        return nl_err_errno(err, "cannot move %s to %s", path, info->kept);
    run->id = 0;
    nl_buf_clear(&run->before);
    info->changed = false;
    return true;
}

static bool count(nl_store *store, const char *sql, int64_t run, uint64_t *value, nl_err *err) {
    bool row;
    sqlite3_stmt *stmt = bound(store, sql, run, NULL, NULL, NULL, err);
    bool ok = stmt && nl_store_row(store, stmt, &row, err);
    if (ok)
        *value = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return ok;
}

/* What can be recalled; *n: how many replies that are. */
static bool load_answered(nl_store *store, nl_store_run *run, uint64_t *n, nl_err *err) {
    bool fresh, row, ok;
    sqlite3_stmt *stmt =
        bound(store, "SELECT key, sample FROM call WHERE run = ?1 AND reply IS NOT NULL", run->id,
              NULL, NULL, NULL, err);
    if (!stmt)
        return false;
    run->answered = nl_dedup_new(0);
    ok = run->answered != NULL;
    if (!ok)
        nl_err_nomem(err);
    while (ok && (ok = nl_store_row(store, stmt, &row, err)) && row) {
        nl_key key = nl_store_column_key(stmt, 0);
        uint32_t sample = (uint32_t)sqlite3_column_int64(stmt, 1);
        ok = nl_dedup_add(run->answered, nl_store_call_key(key, sample), &fresh, err);
        ++*n;
    }
    sqlite3_finalize(stmt);
    return ok;
}

static bool load(nl_store *store, struct opening *opening, nl_err *err) {
    nl_store_run_info *info = opening->info;
    nl_store_run *run = opening->run;
    uint64_t items = 0;
    if (!count(store, "SELECT count(*) FROM item WHERE run = ?1", run->id, &items, err) ||
        !count(store, "SELECT count(*) FROM item WHERE run = ?1 AND done", run->id,
               &info->items_done, err) ||
        !count(store, "SELECT count(*) FROM entry WHERE run = ?1", run->id, &info->entries, err) ||
        !load_answered(store, run, &info->calls, err))
        return false;
    info->resumed = items > 0 || info->calls > 0; /* no entry is without its item */
    info->changed = info->changed && info->resumed;
    return true;
}

/* Nobody else in this process may write the same run or file. */
static bool check_free(const nl_store *store, const struct opening *opening, nl_err *err) {
    for (const nl_store_run *other = store->runs; other; other = other->next) {
        if (other->id == opening->run->id)
            return nl_err_set(err, NL_BUSY, "the run of %s is open already",
                              opening->options->phase);
    }
    if (opening->options->dataset && writer_of(store, opening->options->dataset))
        return nl_err_set(err, NL_BUSY, "%s is being written by another run",
                          opening->options->dataset);
    return true;
}

static bool open_run(nl_store *store, void *ctx, nl_err *err) {
    struct opening *opening = ctx;
    nl_store_run *run = opening->run;
    const nl_store_run_options *options = opening->options;
    if (!find_run(store, opening, err) || !check_free(store, opening, err))
        return false;
    if (run->id != 0 && options->fresh && !archive(store, opening, err))
        return false;
    if (run->id == 0) {
        if (!make_run(store, opening, err))
            return false;
    } else if (!renew_run(store, opening, err)) {
        return false;
    }
    if (!note_opening(store, opening, err) ||
        !nl_store_secret(store, run->id, options->fresh, options->age_ms, opening->info->secret,
                         err))
        return false;
    if (!load(store, opening, err) ||
        (options->dataset && !nl_store_align(store, run, options->dataset, opening->info, err)))
        return false;
    run->next = store->runs;
    store->runs = run;
    return true;
}

nl_store_run *nl_store_run_open(nl_store *store, const nl_store_run_options *options,
                                nl_store_run_info *info, nl_err *err) {
    nl_store_run_info unwanted;
    struct opening opening = { .options = options, .info = info ? info : &unwanted };
    if (!nl_store_usable(store, err))
        return NULL;
    *opening.info = (nl_store_run_info){ .resumed = false };
    opening.run = calloc(1, sizeof *opening.run);
    if (!opening.run) {
        nl_err_nomem(err);
        return NULL;
    }
    opening.run->store = store;
    nl_jsonl_init(&opening.run->dataset);
    nl_buf_init(&opening.run->state);
    nl_buf_init(&opening.run->before);
    nl_buf_init(&opening.run->lines);
    bool ok = nl_store_sync(store, open_run, &opening, err);
    free(opening.old);
    if (ok)
        return opening.run;
    nl_store_run_free(opening.run);
    return NULL;
}

const char *nl_store_run_before(const nl_store_run *run) {
    return run->before.data;
}

static bool close_run(nl_store *store, void *ctx, nl_err *err) {
    (void)err;
    nl_store_run **at = &store->runs; /* in which it is, from its opening on */
    while (*at != ctx)
        at = &(*at)->next;
    *at = (*at)->next;
    return true;
}

void nl_store_run_close(nl_store_run *run) {
    if (!run)
        return;
    nl_store_sync(run->store, close_run, run, NULL);
    nl_store_run_free(run);
}
