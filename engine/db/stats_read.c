/* stats_read.c: a worker reads one stretch of a table after the other. */
#include <stdlib.h>
#include <string.h>

#include "db/stats_rows.h"

#include "base/banned.h"

enum { COMMON_ROOM = 512, LEAST_COMMON_ROOM = 64 };

/* --- one stretch --------------------------------------------------------------------------------
 */

static void release(stats_reader *r) {
    for (size_t i = 0; r->summaries && i < r->n_fields; i++)
        nl_common_release(&r->summaries[i].common);
    for (size_t k = 0; r->kmvs && k < r->table->n_keys; k++)
        nl_kmv_release(&r->kmvs[k]);
    free(r->fields);
    free(r->field_of);
    free(r->summaries);
    free(r->key_rows);
    free(r->kmvs);
    free(r->hlls);
}

static size_t common_room(const nl_stats *stats, size_t n_fields) {
    size_t each = 2 * (sizeof(nl_common_entry) + NL_COMMON_BYTES), room = COMMON_ROOM;
    while (room > LEAST_COMMON_ROOM &&
           room * each * n_fields * stats->n_workers > stats->options.memory / 16)
        room /= 2;
    return room;
}

static bool prepare_sketches(stats_reader *r) {
    size_t n = r->table->n_keys;
    if (r->stats->options.sketch == 0)
        return true;
    r->kmvs = calloc(n + 1, sizeof *r->kmvs);
    r->hlls = calloc(n + 1, sizeof *r->hlls);
    for (size_t k = 0; r->kmvs && k < n; k++)
        nl_kmv_init(&r->kmvs[k], r->stats->options.sketch);
    return r->kmvs && r->hlls;
}

/* Memory that the worker keeps: it is the same for all tables. */
static bool prepare_seen(stats_worker *worker, size_t n_columns) {
    size_t room = (n_columns + 1) * STATS_SEEN_MORE;
    if (worker->seen_room >= room)
        return true;
    free(worker->seen);
    worker->seen = malloc(room * sizeof *worker->seen);
    worker->seen_room = worker->seen ? room : 0;
    return worker->seen != NULL;
}

static bool prepare(stats_reader *r, nl_err *err) {
    size_t n = r->table->n_columns, i = 0;
    r->fields = calloc(n + 1, sizeof *r->fields);
    r->field_of = calloc(n + 1, sizeof *r->field_of);
    r->summaries = calloc(n + 1, sizeof *r->summaries);
    r->key_rows = calloc(r->table->n_keys + 1, sizeof *r->key_rows);
    if (!r->fields || !r->field_of || !r->summaries || !r->key_rows ||
        !prepare_seen(r->worker, n) || !prepare_sketches(r))
        return nl_err_nomem(err);
    for (size_t c = 0; c < n; c++)
        r->n_fields += r->table->columns[c].family != NULL;
    for (size_t c = 0; c < n; c++) {
        const stats_column *column = &r->table->columns[c];
        if (!column->family)
            continue;
        r->field_of[c] = (uint16_t)i;
        r->fields[i] = (stats_field){ .column = column,
                                      .order = stats_order_of(column->kind),
                                      .summary = &r->summaries[i],
                                      .seen = r->worker->seen + i * STATS_SEEN_MORE,
                                      .seen_mask = STATS_SEEN - 1 };
        stats_forget(r->fields[i].seen, STATS_SEEN - 1);
        bool bytes = r->fields[i].order != ORDER_INTEGER && r->fields[i].order != ORDER_DOUBLE;
        if (r->stats->options.common && !r->stats->tuples && r->fields[i].order != ORDER_NONE &&
            !nl_common_init(&r->summaries[i].common, common_room(r->stats, r->n_fields), bytes))
            return nl_err_nomem(err);
        i++;
    }
    return true;
}

/* Reads what COPY sends. */
static bool receive(stats_reader *r, nl_err *err) {
    PGconn *conn = r->worker->conn;
    bool first = true, ok = true;
    char *message = NULL;
    int size;
    while (ok && (size = PQgetCopyData(conn, &message, 0)) > 0) {
        ok = stats_read_message(r, message, (size_t)size, &first, err);
        PQfreemem(message);
        if (stats_stopping(r->stats))
            ok = nl_err_set(err, NL_CANCELLED, "cancelled");
    }
    if (!ok)
        return false;
    if (size == -2) {
        stats_pg_error(conn, NULL, err);
        return false;
    }
    for (PGresult *result; (result = PQgetResult(conn)) != NULL; PQclear(result)) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && ok) {
            stats_pg_error(conn, result, err);
            ok = false;
        }
    }
    return ok;
}

static bool hand_over_sketches(stats_reader *r, nl_err *err) {
    bool ok = true;
    for (size_t k = 0; r->kmvs && k < r->table->n_keys && ok; k++) {
        stats_key *key = &r->stats->keys[r->table->keys[k]];
        if (!key->hll) {
            key->hll = calloc(1, sizeof *key->hll);
            nl_kmv_init(&key->kmv, r->stats->options.sketch);
        }
        ok = key->hll && nl_kmv_merge(&key->kmv, &r->kmvs[k]);
        if (ok)
            nl_hll_merge(key->hll, &r->hlls[k]);
    }
    return ok || nl_err_nomem(err);
}

static bool hand_over(stats_reader *r, const stats_task *task, nl_err *err) {
    bool ok = true;
    for (size_t i = 0; i < r->n_fields; i++)
        r->summaries[i].rows = r->rows;
    if (!r->stats->tuples &&
        !stats_summary_merge(r->stats, r->table, task->part, r->summaries, err))
        return false;
    pthread_mutex_lock(&r->stats->lock);
    r->table->rows_read += r->rows;
    for (size_t k = 0; k < r->table->n_keys; k++)
        r->stats->keys[r->table->keys[k]].rows += r->key_rows[k];
    ok = hand_over_sketches(r, err);
    pthread_mutex_unlock(&r->stats->lock);
    return ok;
}

static bool copy(stats_reader *r, const stats_task *task, nl_err *err) {
    nl_buf sql;
    nl_buf_init(&sql);
    bool ok = stats_copy_text(r->stats, task, &sql) || nl_err_nomem(err);
    PGresult *result = ok ? stats_query(r->stats, r->worker->conn, sql.data, NULL, 0, err) : NULL;
    nl_buf_release(&sql);
    if (!result)
        return false;
    PQclear(result);
    return receive(r, err);
}

/* --- all of them --------------------------------------------------------------------------------
 */

static bool next_task(nl_stats *stats, stats_task *task) {
    bool found = false;
    pthread_mutex_lock(&stats->lock);
    while (stats->next_task < stats->n_tasks && !found) {
        *task = stats->tasks[stats->next_task++];
        found = !stats->tables[task->table].reason;
    }
    pthread_mutex_unlock(&stats->lock);
    return found;
}

/* The table is left out, and the transaction, which the error has ended, begun anew. */
static bool leave_out(stats_worker *worker, stats_table *table, const nl_err *why, nl_err *err) {
    nl_stats *stats = worker->stats;
    pthread_mutex_lock(&stats->lock);
    if (!table->reason)
        table->reason = stats_say(&stats->result->arena, "%s", why->msg);
    bool ok = table->reason != NULL;
    pthread_mutex_unlock(&stats->lock);
    if (!ok)
        return nl_err_nomem(err);
    return stats_run(stats, worker->conn, "ROLLBACK", err) && stats_begin(stats, worker->conn, err);
}

static bool read_task(stats_worker *worker, const stats_task *task, nl_err *err) {
    nl_err why = { .code = NL_OK };
    stats_reader r = { .worker = worker,
                       .stats = worker->stats,
                       .table = &worker->stats->tables[task->table] };
    bool ok = prepare(&r, err), read = false;
    if (ok) {
        read = copy(&r, task, &why);
        if (read)
            ok = hand_over(&r, task, err);
    }
    release(&r);
    if (!ok || read)
        return ok;
    if (why.code != NL_DB || stats_stopping(worker->stats)) { /* not this table's fault */
        *err = why;
        return false;
    }
    return leave_out(worker, r.table, &why, err);
}

bool stats_read_all(stats_worker *worker, nl_err *err) {
    stats_task task;
    while (!stats_stopping(worker->stats) && next_task(worker->stats, &task)) {
        if (!read_task(worker, &task, err))
            return false;
    }
    return !stats_stopping(worker->stats) || nl_err_set(err, NL_CANCELLED, "cancelled");
}
