/* stats_result.c: what is told of a scan. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

/* While it is made. */
typedef struct {
    nl_stats *stats;
    nl_stats_result *result;
    uint32_t *index_of; /* the result's column of each key; UINT32_MAX: none */
    nl_stats_overlap *overlaps;
    size_t n, room;
    bool full; /* some were left out already: what is no better than `worst` is, too */
    nl_stats_overlap worst;
} making;

static char *copy(making *m, const char *text) {
    return nl_arena_copy(&m->result->arena, text, strlen(text));
}

static bool skip(making *m, const stats_table *table, const stats_column *column,
                 const char *reason) {
    nl_stats_skipped *one = &m->result->skipped[m->result->n_skipped++];
    one->table = copy(m, table->reference);
    one->column = column ? copy(m, column->name) : NULL;
    one->reason = copy(m, reason);
    return one->table && one->reason && (one->column || !column);
}

/* --- columns ------------------------------------------------------------------------------------
 */

static bool text_of(making *m, const stats_column *column, const stats_kept *kept,
                    const char **text) {
    nl_buf out;
    *text = NULL;
    if (!kept->set)
        return true;
    nl_buf_init(&out);
    bool told = stats_text(&out, column->kind, kept->integer, kept->bytes, kept->size);
    bool ok = !out.failed;
    if (ok && told)
        ok = (*text = nl_arena_copy(&m->result->arena, out.data, out.size)) != NULL;
    nl_buf_release(&out);
    return ok;
}

static void count_distinct(const making *m, const stats_key *key, uint64_t distinct,
                           nl_stats_column *column) {
    column->distinct = distinct;
    column->exact = true;
    if (m->stats->options.sketch > 0 && key->hll) {
        double error;
        double few = nl_kmv_distinct(&key->kmv, &error);
        column->exact = error == 0;
        column->error = error == 0 ? 0 : nl_hll_error();
        column->distinct = (uint64_t)llround(error == 0 ? few : nl_hll_estimate(key->hll));
    }
}

static bool add_column(making *m, const stats_table *table, const stats_column *from,
                       const uint64_t *distinct) {
    nl_stats_column *column = &m->result->columns[m->result->n_columns];
    const stats_summary *total = &from->total;
    uint64_t present = total->rows - total->nulls;
    m->index_of[from->key] = (uint32_t)m->result->n_columns++;
    column->table = copy(m, table->reference);
    column->column = copy(m, from->name);
    column->family = copy(m, from->family);
    column->rows = total->rows;
    column->nulls = total->nulls;
    column->sampled = table->sample / 100;
    count_distinct(m, &m->stats->keys[from->key], distinct[from->key], column);
    column->unique = column->distinct == present && column->exact;
    column->exact = column->exact && table->sample <= 0;
    column->width = present ? (double)total->bytes / (double)present : 0;
    column->increasing = total->rises && !total->falls;
    column->common = from->top;
    column->n_common = from->n_top;
    return column->table && column->column && column->family &&
           text_of(m, from, &total->min, &column->min) &&
           text_of(m, from, &total->max, &column->max);
}

static bool add_table(making *m, const stats_table *table, const uint64_t *distinct) {
    if (table->reason)
        return skip(m, table, NULL, table->reason);
    bool ok = true, read = false;
    for (size_t c = 0; c < table->n_columns && ok; c++) {
        const stats_column *column = &table->columns[c];
        ok = column->family ? add_column(m, table, column, distinct)
                            : skip(m, table, column, column->reason);
        read = read || column->family;
    }
    m->result->rows += table->rows_read;
    return ok;
}

/* --- overlaps -----------------------------------------------------------------------------------
 */

/* The better first: those whose parent could be a key, then the most contained. */
static int by_containment(const void *a, const void *b) {
    const nl_stats_overlap *x = a, *y = b;
    if (x->unique != y->unique)
        return x->unique ? -1 : 1;
    if (x->containment != y->containment)
        return x->containment > y->containment ? -1 : 1;
    if (x->child != y->child)
        return x->child < y->child ? -1 : 1;
    return x->parent < y->parent ? -1 : x->parent > y->parent;
}

static int by_child(const void *a, const void *b) {
    const nl_stats_overlap *x = a, *y = b;
    if (x->child != y->child)
        return x->child < y->child ? -1 : 1;
    return x->parent < y->parent ? -1 : x->parent > y->parent;
}

static void cut(making *m) {
    size_t most = m->stats->options.max_overlaps;
    if (m->n <= most)
        return;
    qsort(m->overlaps, m->n, sizeof *m->overlaps, by_containment);
    m->result->left_out += m->n - most;
    m->n = most;
    m->worst = m->overlaps[most - 1];
    m->full = true;
}

static bool push(making *m, nl_stats_overlap *overlap) {
    overlap->unique = m->result->columns[overlap->parent].unique;
    if (m->full && by_containment(overlap, &m->worst) > 0) {
        m->result->left_out++;
        return true;
    }
    if (m->n == m->room) {
        if (m->n >= 2 * m->stats->options.max_overlaps)
            cut(m);
        if (m->n == m->room) {
            size_t room = m->room ? m->room * 2 : 1024;
            nl_stats_overlap *bigger = realloc(m->overlaps, room * sizeof *bigger);
            if (!bigger)
                return false;
            m->overlaps = bigger;
            m->room = room;
        }
    }
    m->overlaps[m->n++] = *overlap;
    return true;
}

static bool add_overlap(making *m, uint32_t child, uint32_t parent, uint64_t common) {
    uint64_t distinct = m->result->columns[child].distinct;
    uint64_t others = m->result->columns[parent].distinct;
    nl_stats_overlap overlap = { .child = child, .parent = parent, .common = common };
    if (distinct == 0)
        return true;
    overlap.containment = (double)common / (double)distinct;
    if (overlap.containment < m->stats->options.min_containment)
        return true;
    overlap.orphans = distinct - common;
    overlap.jaccard = (double)common / (double)(distinct + others - common);
    return push(m, &overlap);
}

static bool same_family(const making *m, uint32_t a, uint32_t b) {
    return strcmp(m->result->columns[a].family, m->result->columns[b].family) == 0;
}

static bool add_pair(void *ctx, uint32_t a, uint32_t b, uint64_t common) {
    making *m = ctx;
    uint32_t x = m->index_of[a], y = m->index_of[b];
    if (x == UINT32_MAX || y == UINT32_MAX || !same_family(m, x, y))
        return true;
    return add_overlap(m, x, y, common) && add_overlap(m, y, x, common);
}

static bool add_estimate(making *m, const stats_key *child, const stats_key *parent, uint32_t x,
                         uint32_t y) {
    nl_kmv_overlap found = nl_kmv_compare(&child->kmv, &parent->kmv);
    double of = (double)m->result->columns[x].distinct, in = (double)m->result->columns[y].distinct;
    if (found.common <= 0 || found.containment < m->stats->options.min_containment)
        return true;
    double common = found.containment * of;
    nl_stats_overlap overlap = { .child = x,
                                 .parent = y,
                                 .common = (uint64_t)llround(common),
                                 .orphans = (uint64_t)llround(of - common),
                                 .containment = found.containment,
                                 .error = found.error };
    double either = of + in - common;
    overlap.jaccard = common / (either > common ? either : common);
    return push(m, &overlap);
}

static bool add_estimates(making *m) {
    nl_stats *stats = m->stats;
    bool ok = true;
    for (size_t k = 0; k < stats->n_keys; k++)
        nl_kmv_finish(&stats->keys[k].kmv);
    for (uint32_t a = 0; a < stats->n_keys && ok; a++) {
        for (uint32_t b = 0; b < stats->n_keys && ok; b++) {
            uint32_t x = m->index_of[a], y = m->index_of[b];
            if (a != b && x != UINT32_MAX && y != UINT32_MAX && same_family(m, x, y))
                ok = add_estimate(m, &stats->keys[a], &stats->keys[b], x, y);
        }
    }
    return ok;
}

static bool add_overlaps(making *m, const stats_pairs *pairs) {
    nl_stats_result *result = m->result;
    if (!(m->stats->options.sketch > 0 ? add_estimates(m) : stats_pairs_each(pairs, add_pair, m)))
        return false;
    cut(m);
    if (m->n > 0)
        qsort(m->overlaps, m->n, sizeof *m->overlaps, by_child);
    result->overlaps = m->overlaps;
    result->n_overlaps = m->n;
    m->overlaps = NULL;
    return true;
}

/* --- tuples -------------------------------------------------------------------------------------
 */

static bool take_common(void *ctx, uint32_t a, uint32_t b, uint64_t common) {
    making *m = ctx;
    if ((a ^ 1) == b)
        m->result->tuples[a / 2].common = common;
    return true;
}

static const char *reason_of(const nl_stats *stats, size_t i) {
    const stats_table *from = &stats->tables[stats->keys[2 * i].table];
    const stats_table *to = &stats->tables[stats->keys[2 * i + 1].table];
    return stats->tuple_reasons[i] ? stats->tuple_reasons[i]
           : from->reason          ? from->reason
                                   : to->reason;
}

static bool add_tuples(making *m, const stats_pairs *pairs, const uint64_t *distinct) {
    const nl_stats *stats = m->stats;
    size_t n = stats->n_keys / 2;
    m->result->tuples = nl_arena_take(&m->result->arena, (n + 1) * sizeof *m->result->tuples);
    m->result->n_tuples = n;
    if (!m->result->tuples || !stats_pairs_each(pairs, take_common, m))
        return false;
    for (size_t i = 0; i < n; i++) {
        nl_stats_inclusion *one = &m->result->tuples[i];
        const stats_key *child = &stats->keys[2 * i], *parent = &stats->keys[2 * i + 1];
        const char *reason = reason_of(stats, i);
        double x = stats->tables[child->table].sample, y = stats->tables[parent->table].sample;
        if (reason && !(one->reason = copy(m, reason)))
            return false;
        one->rows = child->rows;
        one->distinct = distinct[2 * i];
        one->orphans = one->distinct - one->common;
        one->containment = one->distinct ? (double)one->common / (double)one->distinct : 0;
        one->unique = distinct[2 * i + 1] == parent->rows;
        one->sampled = (x == 0 || (y > 0 && y < x) ? y : x) / 100;
    }
    return true;
}

/* --- all of it ----------------------------------------------------------------------------------
 */

static bool sum_up(nl_stats *stats, uint64_t *distinct, nl_err *err) {
    for (unsigned i = 0; i < stats->n_workers; i++) {
        stats_worker *worker = &stats->workers[i];
        for (size_t k = 0; worker->distinct && k < stats->n_keys; k++)
            distinct[k] += worker->distinct[k];
        if (i > 0 && worker->pairs) {
            if (!stats_pairs_merge(stats->workers[0].pairs, worker->pairs, err))
                return false;
            stats_pairs_free(worker->pairs);
            worker->pairs = NULL;
        }
    }
    return true;
}

static bool make_room(making *m) {
    size_t columns = 0;
    for (size_t t = 0; t < m->stats->n_tables; t++)
        columns += m->stats->tables[t].n_columns;
    nl_arena *arena = &m->result->arena;
    size_t skipped = columns + m->stats->n_tables;
    m->result->columns = nl_arena_take(arena, (columns + 1) * sizeof *m->result->columns);
    m->result->skipped = nl_arena_take(arena, (skipped + 1) * sizeof *m->result->skipped);
    m->index_of = malloc((m->stats->n_keys + 1) * sizeof *m->index_of);
    if (!m->result->columns || !m->result->skipped || !m->index_of)
        return false;
    for (size_t k = 0; k < m->stats->n_keys; k++)
        m->index_of[k] = UINT32_MAX;
    return true;
}

nl_stats_result *stats_result_make(nl_stats *stats, double seconds, nl_err *err) {
    making m = { .stats = stats, .result = stats->result };
    uint64_t *distinct = calloc(stats->n_keys + 1, sizeof *distinct);
    bool ok = distinct && make_room(&m);
    if (!ok)
        nl_err_nomem(err);
    ok = ok && sum_up(stats, distinct, err);
    bool made = ok;
    for (size_t t = 0; t < stats->n_tables && made && !stats->tuples; t++)
        made = add_table(&m, &stats->tables[t], distinct);
    made = made && (stats->tuples ? add_tuples(&m, stats->workers[0].pairs, distinct)
                                  : add_overlaps(&m, stats->workers[0].pairs));
    m.result->snapshot = copy(&m, stats->snapshot);
    if (ok && (!made || !m.result->snapshot))
        ok = nl_err_nomem(err);
    for (unsigned i = 0; i < stats->n_workers; i++)
        m.result->spilled += stats->workers[i].store.file_size;
    m.result->seconds = seconds;
    free(distinct);
    free(m.index_of);
    free(m.overlaps);
    if (!ok)
        return NULL;
    stats->result = NULL;
    return m.result;
}

void nl_stats_result_free(nl_stats_result *result) {
    if (!result)
        return;
    free(result->overlaps);
    nl_arena_release(&result->arena);
    free(result);
}
