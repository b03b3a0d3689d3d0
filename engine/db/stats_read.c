/* stats_read.c: a worker reads one stretch of a table after the other. */
#include <stdlib.h>
#include <string.h>

#include "data/sketch_number.h"
#include "db/stats_priv.h"

#include "base/banned.h"

/* Hashes that were met lately, each in the one place where it may stand: what is there again needs
 * not be stored again. Most values of most columns are repeated ones. Where too few are met again
 * among SEEN_ROUND, more are remembered, and where that does not help, none. */
enum {
    SEEN = 256,
    SEEN_MORE = 2048,
    SEEN_ROUND = 4096,
    COMMON_ROOM = 512,
    LEAST_COMMON_ROOM = 64,
    ODD = 33
};

/* One column of the rows that are read. */
typedef struct {
    const stats_column *column;
    stats_order order;
    stats_summary *summary;
    uint64_t *seen;
    uint64_t seen_mask;   /* 0: none is remembered */
    unsigned looked, met; /* in this round */
    bool null;
    uint64_t hash; /* of this row's value */
} field;

typedef struct {
    stats_worker *worker;
    nl_stats *stats;
    stats_table *table;
    field *fields;
    size_t n_fields;
    uint16_t *field_of; /* each column's */
    stats_summary *summaries;
    uint64_t *key_rows;
    uint64_t rows;
    nl_kmv *kmvs; /* of sketches: of each key of the table */
    nl_hll *hlls;
} reader;

static uint32_t at32(const char *bytes) {
    uint32_t v;
    memcpy(&v, bytes, sizeof v);
    return __builtin_bswap32(v);
}

static int64_t at64(const char *bytes) {
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    return (int64_t)__builtin_bswap64(v);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static bool sketch(reader *r, size_t key, uint64_t hash, nl_err *err) {
    nl_hll_add(&r->hlls[key], hash);
    return nl_kmv_add(&r->kmvs[key], hash) || nl_err_nomem(err);
}

static inline bool store(reader *r, size_t key, uint64_t hash, nl_err *err) {
    if (r->kmvs)
        return sketch(r, key, hash, err);
    return stats_store_add(&r->worker->store, hash, r->table->keys[key], err);
}

/* A tuple's hash hangs on the order of its parts. */
static bool store_tuples(reader *r, nl_err *err) {
    for (size_t k = 0; k < r->table->n_keys; k++) {
        const stats_key *key = &r->stats->keys[r->table->keys[k]];
        uint64_t hash = 0;
        bool null = false;
        for (size_t i = 0; i < key->n && !null; i++) {
            const field *one = &r->fields[r->field_of[key->columns[i]]];
            null = one->null;
            hash = nl_mix64(hash * ODD + one->hash + 1);
        }
        if (null)
            continue;
        r->key_rows[k]++;
        if (!store(r, k, hash, err))
            return false;
    }
    return true;
}

/* A value that may be any but those that hash to this place. */
static void forget(uint64_t *seen, uint64_t mask) {
    for (uint64_t i = 0; i <= mask; i++)
        seen[i] = i ^ 1;
}

/* Was the hash met lately? It is now. */
static inline bool met(field *one, uint64_t hash) {
    if (!one->seen_mask)
        return false;
    uint64_t *seen = &one->seen[hash & one->seen_mask];
    bool again = *seen == hash;
    *seen = hash;
    one->met += again;
    if (++one->looked < SEEN_ROUND)
        return again;
    if (one->met < SEEN_ROUND / 4) {
        one->seen_mask = one->seen_mask == SEEN - 1 ? SEEN_MORE - 1 : 0;
        forget(one->seen, one->seen_mask);
    }
    one->looked = one->met = 0;
    return again;
}

static bool store_value(reader *r, field *one, size_t key, const stats_value *value, nl_err *err) {
    stats_summary_add(one->summary, one->order, value);
    if (one->summary->common.room)
        nl_common_add(&one->summary->common, value->hash, value->integer, value->bytes,
                      value->size);
    return met(one, value->hash) || store(r, key, value->hash, err);
}

/* "<64 hex digits><10 digits><beginning>" */
static bool read_long(const field *one, const char *bytes, uint32_t size, stats_value *value) {
    enum { DIGEST = 64, LENGTH = 10 };
    char length[LENGTH + 1];
    if (size < DIGEST + LENGTH + KEPT_BYTES)
        return false;
    memcpy(length, bytes + DIGEST, LENGTH);
    length[LENGTH] = '\0';
    value->size = (uint32_t)strtoul(length, NULL, 10);
    value->hash = nl_hash_bytes(bytes, DIGEST + LENGTH, one->column->seed);
    value->bytes = (const uint8_t *)bytes + DIGEST + LENGTH;
    value->integer = at64((const char *)value->bytes);
    return true;
}

/* Takes one field off the row. NULL: of type size -1. */
static bool take(const char **at, const char *end, const char **bytes, uint32_t *size) {
    if (end - *at < 4)
        return false;
    *size = at32(*at);
    *at += 4;
    *bytes = NULL;
    if (*size == UINT32_MAX)
        return true;
    if ((size_t)(end - *at) < *size)
        return false;
    *bytes = *at;
    *at += *size;
    return true;
}

static bool bad_row(const reader *r, nl_err *err) {
    return nl_err_set(err, NL_NET, "%s: the server sent what is no binary COPY",
                      r->table->reference);
}

/* The commonest types without a call. */
static inline bool read_value(const stats_column *column, const char *bytes, uint32_t size,
                              stats_value *value) {
    if (column->kind == KIND_INT4 && size == 4) {
        value->integer = (int32_t)at32(bytes);
        value->hash = nl_hash_integer(value->integer);
    } else if (column->kind == KIND_INT8 && size == 8) {
        value->integer = at64(bytes);
        value->hash = nl_hash_integer(value->integer);
    } else {
        return stats_value_read(column->kind, column->seed, (const uint8_t *)bytes, size, value);
    }
    value->bytes = (const uint8_t *)bytes;
    value->size = size;
    return true;
}

static bool read_row(reader *r, const char *at, const char *end, nl_err *err) {
    const char *bytes;
    uint32_t size;
    stats_value value = { 0 };
    for (size_t i = 0; i < r->n_fields; i++) {
        field *one = &r->fields[i];
        bool is_long = false;
        if (!take(&at, end, &bytes, &size))
            return bad_row(r, err);
        if (one->column->huge && !one->column->folded) {
            const char *more;
            uint32_t more_size;
            if (!take(&at, end, &more, &more_size))
                return bad_row(r, err);
            is_long = more != NULL;
            bytes = is_long ? more : bytes;
            size = is_long ? more_size : size;
        }
        one->null = !bytes;
        if (one->null) {
            one->summary->nulls++;
            continue;
        }
        if (!(is_long ? read_long(one, bytes, size, &value)
                      : read_value(one->column, bytes, size, &value)))
            return bad_row(r, err);
        one->hash = value.hash;
        if (!r->stats->tuples &&
            !store_value(r, one, one->column->key - r->table->keys[0], &value, err))
            return false;
    }
    r->rows++;
    return !r->stats->tuples || store_tuples(r, err);
}

/* A message holds one row; the first one the header too, the last one the end's mark alone. */
static bool read_message(reader *r, const char *at, size_t size, bool *first, nl_err *err) {
    static const char signature[11] = "PGCOPY\n\377\r\n";
    const char *end = at + size;
    if (*first) {
        if (size < 19 || memcmp(at, signature, sizeof signature) != 0)
            return bad_row(r, err);
        size_t header = 19 + (size_t)at32(at + 15);
        if (header > size)
            return bad_row(r, err);
        at += header;
        *first = false;
        if (at == end)
            return true;
    }
    if (end - at < 2)
        return bad_row(r, err);
    unsigned n = (unsigned)(uint8_t)at[0] << 8 | (uint8_t)at[1];
    return n == 0xFFFF || read_row(r, at + 2, end, err);
}

/* --- one stretch --------------------------------------------------------------------------------
 */

static void release(reader *r) {
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

static bool prepare_sketches(reader *r) {
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
    size_t room = (n_columns + 1) * SEEN_MORE;
    if (worker->seen_room >= room)
        return true;
    free(worker->seen);
    worker->seen = malloc(room * sizeof *worker->seen);
    worker->seen_room = worker->seen ? room : 0;
    return worker->seen != NULL;
}

static bool prepare(reader *r, nl_err *err) {
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
        r->fields[i] = (field){ .column = column,
                                .order = stats_order_of(column->kind),
                                .summary = &r->summaries[i],
                                .seen = r->worker->seen + i * SEEN_MORE,
                                .seen_mask = SEEN - 1 };
        forget(r->fields[i].seen, SEEN - 1);
        bool bytes = r->fields[i].order != ORDER_INTEGER && r->fields[i].order != ORDER_DOUBLE;
        if (r->stats->options.common && !r->stats->tuples && r->fields[i].order != ORDER_NONE &&
            !nl_common_init(&r->summaries[i].common, common_room(r->stats, r->n_fields), bytes))
            return nl_err_nomem(err);
        i++;
    }
    return true;
}

/* Reads what COPY sends. */
static bool receive(reader *r, nl_err *err) {
    PGconn *conn = r->worker->conn;
    bool first = true, ok = true;
    char *message = NULL;
    int size;
    while (ok && (size = PQgetCopyData(conn, &message, 0)) > 0) {
        ok = read_message(r, message, (size_t)size, &first, err);
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

static bool hand_over_sketches(reader *r, nl_err *err) {
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

static bool hand_over(reader *r, const stats_task *task, nl_err *err) {
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

static bool copy(reader *r, const stats_task *task, nl_err *err) {
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
    reader r = { .worker = worker,
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
