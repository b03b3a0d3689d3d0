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
    stats_overlaps *overlaps;
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

/* --- what was counted ---------------------------------------------------------------------------
 */

/* What is told is made from what is known by now: room for it. */
static void release_counts(nl_stats *stats) {
    for (unsigned i = 0; i < stats->n_workers; i++) {
        stats_store_release(&stats->workers[i].store);
        stats_pairs_free(stats->workers[i].pairs);
        stats->workers[i].pairs = NULL;
    }
}

/* --- overlaps -----------------------------------------------------------------------------------
 */

static bool same_family(const making *m, uint32_t a, uint32_t b) {
    return strcmp(m->result->columns[a].family, m->result->columns[b].family) == 0;
}

static bool add_pair(void *ctx, uint32_t a, uint32_t b, uint64_t common) {
    const making *m = ctx;
    uint32_t x = m->index_of[a], y = m->index_of[b];
    return x == UINT32_MAX || y == UINT32_MAX || !same_family(m, x, y) ||
           stats_overlaps_add(m->overlaps, x, y, common);
}

/* They have an index, and are of one family. */
static bool add_certain(void *ctx, uint32_t a, uint32_t b, uint64_t common) {
    const making *m = ctx;
    return stats_overlaps_add(m->overlaps, m->index_of[a], m->index_of[b], common);
}

/* Those that it shares are estimated, but those that it has are known. */
static bool add_estimate(making *m, const stats_key *child, const stats_key *parent, uint32_t x,
                         uint32_t y) {
    nl_kmv_overlap found = nl_kmv_compare(&child->kmv, &parent->kmv);
    double of = (double)m->result->columns[x].distinct;
    if (found.common <= 0 || found.containment < m->stats->options.min_containment)
        return true;
    return stats_overlaps_take(m->overlaps, x, y, (uint64_t)llround(found.containment * of));
}

static void tell_estimate(const nl_stats_result *result, const stats_key *child,
                          const stats_key *parent, nl_stats_overlap *overlap) {
    nl_kmv_overlap found = nl_kmv_compare(&child->kmv, &parent->kmv);
    double of = (double)result->columns[overlap->child].distinct;
    double in = (double)result->columns[overlap->parent].distinct;
    double common = found.containment * of, either = of + in - common;
    overlap->orphans = (uint64_t)llround(of - common);
    overlap->containment = found.containment;
    overlap->error = found.error;
    overlap->jaccard = common / (either > common ? either : common);
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

/* The estimates again, of those few that are told. */
static bool tell_estimates(making *m) {
    nl_stats_result *result = m->result;
    uint32_t *key_of = malloc((result->n_columns + 1) * sizeof *key_of);
    for (uint32_t k = 0; key_of && k < m->stats->n_keys; k++) {
        if (m->index_of[k] != UINT32_MAX)
            key_of[m->index_of[k]] = k;
    }
    for (size_t i = 0; key_of && i < result->n_overlaps; i++) {
        nl_stats_overlap *one = &result->overlaps[i];
        tell_estimate(result, &m->stats->keys[key_of[one->child]],
                      &m->stats->keys[key_of[one->parent]], one);
    }
    free(key_of);
    return key_of != NULL;
}

static bool count_overlaps(making *m, nl_err *err) {
    nl_stats *stats = m->stats;
    size_t *passes = &m->result->passes;
    *passes = 1;
    if (stats->options.sketch > 0)
        return add_estimates(m) || nl_err_nomem(err);
    if (stats->full)
        return stats_passes(stats, m->index_of, add_certain, m, passes, err);
    return stats_pairs_each(stats->workers[0].pairs, add_pair, m) || nl_err_nomem(err);
}

static bool add_overlaps(making *m, nl_err *err) {
    nl_stats_result *result = m->result;
    const nl_stats_options *options = &m->stats->options;
    m->overlaps = stats_overlaps_new(result->columns, result->n_columns, options->max_overlaps,
                                     options->min_containment, options->fair);
    if (!m->overlaps)
        return nl_err_nomem(err);
    if (!count_overlaps(m, err))
        return false;
    release_counts(m->stats);
    result->overlaps = stats_overlaps_told(m->overlaps, &result->n_overlaps, &result->left_out);
    if (!result->overlaps || (options->sketch > 0 && !tell_estimates(m)))
        return nl_err_nomem(err);
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

/* The counts of all workers to the first one's, if they fit. */
static bool merge_pairs(nl_stats *stats, nl_err *err) {
    stats_pairs *first = stats->workers[0].pairs;
    for (unsigned i = 1; i < stats->n_workers; i++) {
        stats_worker *worker = &stats->workers[i];
        if (!stats->full && first && worker->pairs) {
            if (!stats_pairs_merge(first, worker->pairs, err))
                return false;
            atomic_store(&stats->full, stats_pairs_full(first));
        }
        stats_pairs_free(worker->pairs);
        worker->pairs = NULL;
    }
    if (stats->full) {
        stats_pairs_free(first);
        stats->workers[0].pairs = NULL;
    }
    return true;
}

static bool sum_up(nl_stats *stats, uint64_t *distinct, nl_err *err) {
    for (unsigned i = 0; i < stats->n_workers; i++) {
        const stats_worker *worker = &stats->workers[i];
        for (size_t k = 0; worker->distinct && k < stats->n_keys; k++)
            distinct[k] += worker->distinct[k];
    }
    return merge_pairs(stats, err);
}

static bool make_room(making *m) {
    size_t columns = 0;
    for (size_t t = 0; t < m->stats->n_tables; t++)
        columns += m->stats->tables[t].n_columns;
    nl_arena *arena = &m->result->arena;
    size_t skipped = columns + m->stats->n_tables;
    m->result->columns = nl_arena_take(arena, (columns + 1) * sizeof *m->result->columns);
    m->result->skipped = nl_arena_take(arena, (skipped + 1) * sizeof *m->result->skipped);
    m->index_of = calloc(m->stats->n_keys + 1, sizeof *m->index_of);
    if (!m->result->columns || !m->result->skipped || !m->index_of)
        return false;
    for (size_t k = 0; k < m->stats->n_keys; k++)
        m->index_of[k] = UINT32_MAX;
    return true;
}

static bool make(making *m, const uint64_t *distinct, nl_err *err) {
    nl_stats *stats = m->stats;
    for (unsigned i = 0; i < stats->n_workers; i++)
        m->result->spilled += stats->workers[i].store.file_size;
    if (stats->tuples)
        return add_tuples(m, stats->workers[0].pairs, distinct) || nl_err_nomem(err);
    for (size_t t = 0; t < stats->n_tables; t++) {
        if (!add_table(m, &stats->tables[t], distinct))
            return nl_err_nomem(err);
    }
    return add_overlaps(m, err);
}

nl_stats_result *stats_result_make(nl_stats *stats, double seconds, nl_err *err) {
    making m = { .stats = stats, .result = stats->result };
    uint64_t *distinct = calloc(stats->n_keys + 1, sizeof *distinct);
    bool ok = distinct && make_room(&m);
    if (!ok)
        nl_err_nomem(err);
    ok = ok && sum_up(stats, distinct, err) && make(&m, distinct, err);
    if (ok && !(m.result->snapshot = copy(&m, stats->snapshot)))
        ok = nl_err_nomem(err);
    m.result->seconds = seconds;
    free(distinct);
    free(m.index_of);
    stats_overlaps_free(m.overlaps);
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
