/* stats_plan.c: what a scan reads: copies of the catalog's names, keys, and how the work is cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

const char *stats_say(nl_arena *arena, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return nl_arena_copy(arena, text, strlen(text));
}

static const char *copy(nl_stats *stats, const char *text) {
    return nl_arena_copy(&stats->arena, text, strlen(text));
}

/* --- tables ------------------------------------------------------------------------------------
 */

static bool add_table(nl_stats *stats, const nl_table *from) {
    stats_table *table = &stats->tables[stats->n_tables++];
    table->schema = copy(stats, from->schema);
    table->name = copy(stats, from->name);
    table->reference = copy(stats, from->reference);
    table->kind = from->kind;
    table->columns = nl_arena_take(&stats->arena, (from->n_columns + 1) * sizeof *table->columns);
    table->n_columns = table->columns ? from->n_columns : 0;
    bool ok = table->schema && table->name && table->reference && table->columns;
    for (size_t i = 0; i < from->n_columns && ok; i++) {
        table->columns[i].name = copy(stats, from->columns[i].name);
        ok = table->columns[i].name != NULL;
        if (!from->columns[i].selectable)
            table->columns[i].reason = "no SELECT privilege on it";
    }
    return ok;
}

bool stats_plan_columns(nl_stats *stats, const nl_table *const *tables, size_t n, nl_err *err) {
    size_t columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += tables[i]->n_columns;
    stats->tables = nl_arena_take(&stats->arena, (n + 1) * sizeof *stats->tables);
    stats->keys = nl_arena_take(&stats->arena, (columns + 1) * sizeof *stats->keys);
    uint16_t *own = nl_arena_take(&stats->arena, (columns + 1) * sizeof *own);
    uint32_t *ids = nl_arena_take(&stats->arena, (columns + 1) * sizeof *ids);
    if (!stats->tables || !stats->keys || !own || !ids)
        return nl_err_nomem(err);
    for (size_t i = 0; i < n; i++) {
        if (!add_table(stats, tables[i]))
            return nl_err_nomem(err);
        stats_table *table = &stats->tables[i];
        table->keys = ids + stats->n_keys;
        table->n_keys = table->n_columns;
        for (size_t c = 0; c < table->n_columns; c++) {
            uint32_t id = (uint32_t)stats->n_keys++;
            own[id] = (uint16_t)c;
            ids[id] = id;
            table->columns[c].key = id;
            stats->keys[id] = (stats_key){ .table = (uint32_t)i, .n = 1, .columns = own + id };
        }
    }
    return true;
}

static bool find_table(nl_stats *stats, const nl_table *table, uint32_t *at) {
    for (*at = 0; *at < stats->n_tables; ++*at) {
        if (strcmp(stats->tables[*at].reference, table->reference) == 0)
            return true;
    }
    return add_table(stats, table);
}

static bool add_key(nl_stats *stats, const nl_table *table, const uint16_t *columns, size_t n) {
    uint16_t *own = nl_arena_take(&stats->arena, n * sizeof *own);
    stats_key *key = &stats->keys[stats->n_keys++];
    if (!own || !find_table(stats, table, &key->table))
        return false;
    memcpy(own, columns, n * sizeof *own);
    key->columns = own;
    key->n = (uint16_t)n;
    return true;
}

/* Columns that no tuple names are not read. */
static bool hand_out_keys(nl_stats *stats) {
    for (size_t t = 0; t < stats->n_tables; t++) {
        stats_table *table = &stats->tables[t];
        uint32_t *ids = nl_arena_take(&stats->arena, stats->n_keys * sizeof *ids);
        bool *wanted = calloc(table->n_columns + 1, sizeof *wanted);
        if (!ids || !wanted) {
            free(wanted);
            return false;
        }
        table->keys = ids;
        for (uint32_t k = 0; k < stats->n_keys; k++) {
            if (stats->keys[k].table != t)
                continue;
            ids[table->n_keys++] = k;
            for (size_t i = 0; i < stats->keys[k].n; i++)
                wanted[stats->keys[k].columns[i]] = true;
        }
        for (size_t c = 0; c < table->n_columns; c++) {
            if (!wanted[c])
                table->columns[c].reason = "not asked for";
        }
        free(wanted);
    }
    return true;
}

bool stats_plan_tuples(nl_stats *stats, const nl_stats_tuple *tuples, size_t n, nl_err *err) {
    stats->tuples = true;
    stats->tables = nl_arena_take(&stats->arena, (2 * n + 1) * sizeof *stats->tables);
    stats->keys = nl_arena_take(&stats->arena, (2 * n + 1) * sizeof *stats->keys);
    stats->tuple_reasons = nl_arena_take(&stats->arena, (n + 1) * sizeof *stats->tuple_reasons);
    bool ok = stats->tables && stats->keys && stats->tuple_reasons;
    for (size_t i = 0; i < n && ok; i++)
        ok = add_key(stats, tuples[i].from, tuples[i].columns, tuples[i].n) &&
             add_key(stats, tuples[i].to, tuples[i].referred, tuples[i].n);
    return (ok && hand_out_keys(stats)) || nl_err_nomem(err);
}

/* --- how the work is cut -----------------------------------------------------------------------
 */

enum { LEAST_PART = 2048, LEAST_BITS = 8, MOST_BITS = 12, BUCKET_WORDS = 100000 };

static bool is_read(const stats_table *table) {
    if (table->reason)
        return false;
    for (size_t c = 0; c < table->n_columns; c++) {
        if (table->columns[c].family)
            return true;
    }
    return false;
}

static unsigned parts_of(const nl_stats *stats, const stats_table *table, double all_pages) {
    double most = all_pages / (stats->n_workers * 4.0);
    if (!table->single || table->sample > 0 || stats->server_version < 140000 ||
        stats->n_workers < 2) /* before 14 a range of ctid reads the whole table */
        return 1;
    most = most > LEAST_PART ? most : LEAST_PART;
    double parts = table->pages / most;
    return parts > 64 ? 64 : parts > 1 ? (unsigned)(parts + 0.5) : 1;
}

static int larger_first(const void *a, const void *b) {
    const stats_task *x = a, *y = b;
    if (x->pages != y->pages)
        return x->pages > y->pages ? -1 : 1;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    return x->part < y->part ? -1 : x->part > y->part;
}

static void cut(nl_stats *stats, uint32_t t) {
    stats_table *table = &stats->tables[t];
    uint32_t step = (uint32_t)(table->pages / table->n_parts) + 1;
    for (unsigned i = 0; i < table->n_parts; i++) {
        bool last = i + 1 == table->n_parts;
        stats->tasks[stats->n_tasks++] = (stats_task){ .table = t,
                                                       .part = i,
                                                       .from = i * step,
                                                       .to = last ? 0 : (i + 1) * step,
                                                       .pages = table->pages / table->n_parts };
    }
    table->parts_left = table->n_parts;
}

size_t stats_columns_held(const nl_stats *stats) {
    enum { TEXTS = 256 }; /* names, extremes */
    return stats->n_keys *
           (sizeof(stats_column) + sizeof(stats_key) + sizeof(nl_stats_column) + TEXTS);
}

/* Few buckets, so that their lines stay in the first caches while values come; but as many as there
 * are keys, and so many that one can be sorted in the second cache. */
static void set_buckets(nl_stats *stats, double values) {
    stats->bits = LEAST_BITS;
    while (((size_t)1 << stats->bits) < stats->n_keys)
        stats->bits++;
    while (stats->bits < MOST_BITS && values / (double)((size_t)1 << stats->bits) > BUCKET_WORDS)
        stats->bits++;
}

/* Pairs get a quarter of the memory at most, what is swept and all else another. Where there are
 * so many buckets that not every worker can have its own, there are fewer workers. */
static void set_rooms(nl_stats *stats) {
    double pairs = (double)stats->layout.offset[stats->n_keys] * sizeof(uint64_t);
    size_t memory = stats->options.memory, columns = stats_columns_held(stats);
    memory = memory > 2 * columns ? memory - columns : memory / 2;
    while (stats->n_workers > 1 && stats->n_workers * stats_store_least(stats->bits) > memory / 2)
        stats->n_workers--;
    pairs *= stats->n_workers;
    if (pairs > (double)memory / 4)
        pairs = (double)memory / 4;
    stats->sweep_room = memory / 8 / stats->n_workers;
    stats->pairs_room = memory / 4 / stats->n_workers;
    stats->store_room = (memory - memory / 4 - (size_t)pairs) / stats->n_workers;
}

/* Every column with every one before it; a wish's tuple with its other side alone. */
static bool lay_out(nl_stats *stats) {
    stats_layout *layout = &stats->layout;
    layout->n = (uint32_t)stats->n_keys;
    layout->first = nl_arena_take(&stats->arena, (stats->n_keys + 1) * sizeof *layout->first);
    layout->offset = nl_arena_take(&stats->arena, (stats->n_keys + 1) * sizeof *layout->offset);
    if (!layout->first || !layout->offset)
        return false;
    for (uint32_t k = 0; k < layout->n && stats->tuples; k++)
        layout->first[k] = k & ~(uint32_t)1;
    stats_layout_close(layout);
    return true;
}

bool stats_plan_tasks(nl_stats *stats, nl_err *err) {
    double pages = 0, values = 0;
    size_t n = 0;
    for (size_t t = 0; t < stats->n_tables; t++) {
        if (is_read(&stats->tables[t]))
            pages += stats->tables[t].pages;
    }
    for (size_t t = 0; t < stats->n_tables; t++) {
        stats_table *table = &stats->tables[t];
        if (!is_read(table))
            continue;
        if (table->rows > stats->options.exact_rows && strchr("rmp", table->kind))
            table->sample = 100 * stats->options.exact_rows / table->rows;
        values += table->rows * (double)table->n_keys;
        table->n_parts = parts_of(stats, table, pages);
        n += table->n_parts;
    }
    stats->tasks = nl_arena_take(&stats->arena, (n + 1) * sizeof *stats->tasks);
    if (!stats->tasks || !lay_out(stats))
        return nl_err_nomem(err);
    for (uint32_t t = 0; t < stats->n_tables; t++) {
        if (stats->tables[t].n_parts > 0)
            cut(stats, t);
    }
    qsort(stats->tasks, stats->n_tasks, sizeof *stats->tasks, larger_first);
    set_buckets(stats, values);
    set_rooms(stats);
    return true;
}
