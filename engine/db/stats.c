#include "db/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "db/stats_priv.h"

#include "base/banned.h"

enum {
    DEFAULT_CONNECTIONS = 2,
    DEFAULT_LOCK_MS = 1000,
    DEFAULT_OVERLAPS = 250000,
    CANCEL_EVERY_MS = 250,
    CANCELS = 20 /* then the sockets are shut */
};
static const size_t DEFAULT_MEMORY = (size_t)512 << 20, LEAST_MEMORY = (size_t)16 << 20;
static const double DEFAULT_EXACT_ROWS = 5e6;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- a scan's life ------------------------------------------------------------------------------
 */

static void free_list(char **list) {
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

static void free_columns(stats_table *table) {
    for (size_t c = 0; c < table->n_columns; c++) {
        stats_column *column = &table->columns[c];
        free(column->parts);
        nl_common_release(&column->total.common);
    }
}

static void free_stats(nl_stats *stats) {
    for (size_t t = 0; t < stats->n_tables; t++)
        free_columns(&stats->tables[t]);
    for (size_t k = 0; k < stats->n_keys; k++) {
        free(stats->keys[k].hll);
        nl_kmv_release(&stats->keys[k].kmv);
    }
    for (unsigned i = 0; i < stats->n_workers; i++) {
        stats_store_release(&stats->workers[i].store);
        free(stats->workers[i].distinct);
        free(stats->workers[i].seen);
        free(stats->workers[i].shared);
        stats_pairs_free(stats->workers[i].pairs);
    }
    nl_stats_result_free(stats->result);
    free_list(stats->keywords);
    free_list(stats->values);
    free(stats->name);
    nl_arena_release(&stats->arena);
    pthread_mutex_destroy(&stats->lock);
    pthread_cond_destroy(&stats->changed);
    free(stats);
}

static char **copy_list(const char *const *list) {
    size_t n = 0;
    while (list[n])
        n++;
    char **copy = calloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = strdup(list[i]);
        if (!copy[i]) {
            free_list(copy);
            return NULL;
        }
    }
    return copy;
}

static void set_options(nl_stats *stats, const nl_stats_options *options) {
    nl_stats_options *own = &stats->options;
    *own = *options;
    if (own->connections == 0)
        own->connections = DEFAULT_CONNECTIONS;
    if (own->connections > MAX_CONNECTIONS)
        own->connections = MAX_CONNECTIONS;
    if (own->memory == 0)
        own->memory = DEFAULT_MEMORY;
    if (own->memory < LEAST_MEMORY)
        own->memory = LEAST_MEMORY;
    if (own->exact_rows <= 0)
        own->exact_rows = DEFAULT_EXACT_ROWS;
    if (own->lock_ms == 0)
        own->lock_ms = DEFAULT_LOCK_MS;
    if (own->max_overlaps == 0)
        own->max_overlaps = DEFAULT_OVERLAPS;
    stats->n_workers = own->connections;
}

/* Waits are measured on the clock that does not jump. */
static bool make_condition(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool ok = pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return ok;
}

static nl_stats *new_stats(nl_loop *loop, const nl_pg *pg, const nl_stats_options *options,
                           nl_stats_done done, void *ctx, nl_err *err) {
    const char *const *keywords, *const *values;
    nl_stats *stats = calloc(1, sizeof *stats);
    if (!stats || !make_condition(&stats->changed)) {
        free(stats);
        nl_err_nomem(err);
        return NULL;
    }
    pthread_mutex_init(&stats->lock, NULL);
    stats->loop = loop;
    stats->done = done;
    stats->ctx = ctx;
    set_options(stats, options);
    for (unsigned i = 0; i < MAX_CONNECTIONS; i++)
        stats->workers[i] = (stats_worker){ .stats = stats, .socket = -1, .store = { .file = -1 } };
    nl_pg_settings(pg, &keywords, &values);
    stats->keywords = copy_list(keywords);
    stats->values = copy_list(values);
    stats->name = strdup(nl_pg_name(pg));
    stats->result = calloc(1, sizeof *stats->result);
    if (stats->keywords && stats->values && stats->name && stats->result)
        return stats;
    free_stats(stats);
    nl_err_nomem(err);
    return NULL;
}

bool stats_fail(nl_stats *stats, const nl_err *err) {
    pthread_mutex_lock(&stats->lock);
    if (stats->err.code == NL_OK)
        stats->err = *err;
    atomic_store(&stats->failed, true);
    pthread_cond_broadcast(&stats->changed);
    pthread_mutex_unlock(&stats->lock);
    return false;
}

/* --- a worker -----------------------------------------------------------------------------------
 */

static bool prepare(stats_worker *worker, nl_err *err) {
    nl_stats *stats = worker->stats;
    worker->distinct = calloc(stats->n_keys + 1, sizeof *worker->distinct);
    if (!worker->distinct)
        return nl_err_nomem(err);
    return stats_store_init(&worker->store, stats->bits, stats->store_room, err);
}

static bool read_tables(stats_worker *worker, nl_err *err) {
    nl_stats *stats = worker->stats;
    bool ok = stats_connect(stats, worker, err);
    if (!ok)
        return false;
    ok = stats_begin(stats, worker->conn, err) && stats_read_all(worker, err);
    stats_disconnect(stats, worker);
    return ok;
}

/* Waits until nobody reads any more. */
static bool meet(nl_stats *stats) {
    pthread_mutex_lock(&stats->lock);
    stats->reading--;
    pthread_cond_broadcast(&stats->changed);
    while (stats->reading > 0 && !stats_stopping(stats))
        pthread_cond_wait(&stats->changed, &stats->lock);
    pthread_mutex_unlock(&stats->lock);
    return !stats_stopping(stats);
}

static void *work(void *ctx) {
    stats_worker *worker = ctx;
    nl_stats *stats = worker->stats;
    nl_err err = { .code = NL_OK };
    bool ok = prepare(worker, &err) && read_tables(worker, &err);
    if (!ok)
        stats_fail(stats, &err);
    stats_store_settle();
    if (meet(stats) && stats->options.sketch == 0 && !stats_sweep(worker, &err))
        stats_fail(stats, &err);
    pthread_mutex_lock(&stats->lock);
    stats->running--;
    pthread_cond_broadcast(&stats->changed);
    pthread_mutex_unlock(&stats->lock);
    return NULL;
}

/* --- the coordinator
 * ------------------------------------------------------------------------------ */

static bool export_snapshot(nl_stats *stats, PGconn *conn, nl_err *err) {
    PGresult *result =
        stats_query(stats, conn, "SELECT pg_catalog.pg_export_snapshot()", NULL, 0, err);
    if (!result)
        return nl_err_prefix(err, "cannot export a snapshot: ");
    const char *name = PQgetvalue(result, 0, 0);
    bool ok = strlen(name) < sizeof stats->snapshot &&
              strspn(name, "0123456789ABCDEFabcdef-") == strlen(name);
    if (ok)
        memcpy(stats->snapshot, name, strlen(name) + 1);
    else
        nl_err_set(err, NL_DB, "the server's name for a snapshot is odd");
    PQclear(result);
    return ok;
}

static bool start_workers(nl_stats *stats, nl_err *err) {
    size_t needed = stats->n_tasks > 0 ? stats->n_tasks : 1;
    if (stats->n_workers > needed)
        stats->n_workers = (unsigned)needed;
    stats->reading = stats->running = stats->n_workers;
    for (unsigned i = 0; i < stats->n_workers; i++) {
        stats_worker *worker = &stats->workers[i];
        int code = pthread_create(&worker->thread, NULL, work, worker);
        if (code == 0) {
            worker->started = true;
            continue;
        }
        errno = code;
        nl_err_errno(err, "cannot start a thread");
        stats_fail(stats, err);
        pthread_mutex_lock(&stats->lock);
        stats->running -= stats->n_workers - i;
        pthread_mutex_unlock(&stats->lock);
        break;
    }
    return true;
}

/* Under the lock, so that no connection is closed meanwhile. */
static void cancel_queries(nl_stats *stats, unsigned times) {
    char why[256];
    for (unsigned i = 0; i < stats->n_workers; i++) {
        stats_worker *worker = &stats->workers[i];
        if (worker->cancel && times < CANCELS)
            (void)PQcancel(worker->cancel, why, sizeof why);
        else if (worker->socket >= 0)
            (void)shutdown(worker->socket, SHUT_RDWR);
    }
}

/* A cancel that arrives between two statements is forgotten by the server, so it is sent until the
 * workers have ended. */
static void wait_for_workers(nl_stats *stats) {
    unsigned cancels = 0;
    pthread_mutex_lock(&stats->lock);
    while (stats->running > 0) {
        if (!stats_stopping(stats)) {
            pthread_cond_wait(&stats->changed, &stats->lock);
            continue;
        }
        cancel_queries(stats, cancels++);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += CANCEL_EVERY_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        if (stats->running > 0)
            pthread_cond_timedwait(&stats->changed, &stats->lock, &until);
    }
    pthread_mutex_unlock(&stats->lock);
    for (unsigned i = 0; i < stats->n_workers; i++) {
        if (stats->workers[i].started)
            pthread_join(stats->workers[i].thread, NULL);
    }
}

static bool scan(nl_stats *stats, stats_worker *own, nl_err *err) {
    if (!stats_connect(stats, own, err))
        return false;
    if (!stats_begin(stats, own->conn, err) || !export_snapshot(stats, own->conn, err) ||
        !stats_plan_server(stats, own->conn, err) || !stats_plan_tasks(stats, err) ||
        !start_workers(stats, err))
        return false;
    wait_for_workers(stats);
    if (stats->err.code != NL_OK) {
        *err = stats->err;
        return false;
    }
    return !stats_stopping(stats) || nl_err_set(err, NL_CANCELLED, "cancelled");
}

/* On a thread of the pool. */
static void coordinate(void *ctx) {
    nl_stats *stats = ctx;
    nl_err err = { .code = NL_OK };
    stats_worker own = { .stats = stats, .socket = -1 };
    double begun = now();
    bool ok = !stats_stopping(stats) && scan(stats, &own, &err);
    if (own.conn)
        stats_disconnect(stats, &own);
    nl_stats_result *result = NULL;
    if (ok)
        result = stats_result_make(stats, 0, &err);
    if (!result) {
        stats->err = err;
        return;
    }
    result->seconds = now() - begun;
    stats->result = result;
}

static void coordinated(void *ctx) {
    nl_stats *stats = ctx;
    if (!atomic_load(&stats->cancelled)) {
        nl_stats_result *result = stats->err.code == NL_OK ? stats->result : NULL;
        nl_err err = stats->err;
        if (result)
            stats->result = NULL;
        stats->done(stats->ctx, result, &err);
    }
    free_stats(stats);
}

static nl_stats *begin(nl_stats *stats, bool planned, nl_err *err) {
    if (planned && nl_loop_work(stats->loop, coordinate, coordinated, stats, err))
        return stats;
    free_stats(stats);
    return NULL;
}

nl_stats *nl_stats_start(nl_loop *loop, const nl_pg *pg, const nl_table *const *tables, size_t n,
                         const nl_stats_options *options, nl_stats_done done, void *ctx,
                         nl_err *err) {
    nl_stats *stats = new_stats(loop, pg, options, done, ctx, err);
    return stats ? begin(stats, stats_plan_columns(stats, tables, n, err), err) : NULL;
}

nl_stats *nl_stats_start_tuples(nl_loop *loop, const nl_pg *pg, const nl_stats_tuple *tuples,
                                size_t n, const nl_stats_options *options, nl_stats_done done,
                                void *ctx, nl_err *err) {
    nl_stats *stats = new_stats(loop, pg, options, done, ctx, err);
    return stats ? begin(stats, stats_plan_tuples(stats, tuples, n, err), err) : NULL;
}

void nl_stats_cancel(nl_stats *stats) {
    pthread_mutex_lock(&stats->lock);
    atomic_store(&stats->cancelled, true);
    pthread_cond_broadcast(&stats->changed);
    pthread_mutex_unlock(&stats->lock);
}
