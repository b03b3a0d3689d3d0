/* stats_summary.c: what a stretch of a table says of one column, and stretches put together. */
#include <stdlib.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

void stats_summary_add_slow(stats_summary *summary, stats_order order, const stats_value *value) {
    summary->bytes += value->size;
    if (order == ORDER_NONE)
        return;
    if (!summary->first.set) {
        stats_keep(&summary->first, order, value);
        stats_keep(&summary->last, order, value);
        stats_keep(&summary->min, order, value);
        stats_keep(&summary->max, order, value);
        return;
    }
    if (!summary->falls) {
        int way = stats_compare(order, &summary->last, value);
        if (way > 0)
            summary->falls = true;
        if (way < 0) {
            summary->rises = true;
            stats_keep(&summary->last, order, value);
            if (stats_compare(order, &summary->max, value) < 0)
                stats_keep(&summary->max, order, value);
        }
        if (way <= 0)
            return; /* it has only risen so far: the first is the least */
    }
    if (stats_compare(order, &summary->min, value) > 0)
        stats_keep(&summary->min, order, value);
    else if (stats_compare(order, &summary->max, value) < 0)
        stats_keep(&summary->max, order, value);
}

static void put_behind(stats_summary *total, stats_order order, const stats_summary *part) {
    total->rows += part->rows;
    total->nulls += part->nulls;
    total->bytes += part->bytes;
    if (!part->first.set)
        return;
    if (!total->first.set) {
        total->first = part->first;
        total->min = part->min;
        total->max = part->max;
        total->falls = part->falls;
        total->rises = part->rises;
    } else {
        int way = stats_compare_kept(order, &total->last, &part->first);
        total->falls = total->falls || part->falls || way > 0;
        total->rises = total->rises || part->rises || way < 0;
        if (stats_compare_kept(order, &total->min, &part->min) > 0)
            total->min = part->min;
        if (stats_compare_kept(order, &total->max, &part->max) < 0)
            total->max = part->max;
    }
    total->last = part->last;
}

/* The most common values, as text, for the result's life. */
static bool tell_common(nl_stats *stats, stats_column *column, const nl_common *common) {
    const nl_common_entry *top[NL_STATS_COMMON];
    size_t n = nl_common_top(common, top, NL_STATS_COMMON);
    nl_buf text;
    bool ok = true;
    column->top = nl_arena_take(&stats->result->arena, (n + 1) * sizeof *column->top);
    if (!column->top)
        return false;
    nl_buf_init(&text);
    for (size_t i = 0; i < n && ok; i++) {
        size_t kept = top[i]->size < NL_COMMON_BYTES ? top[i]->size : NL_COMMON_BYTES;
        bool cut = kept < top[i]->size;
        nl_buf_clear(&text);
        if (cut && column->kind == KIND_NUMERIC)
            continue;
        if (!stats_text(&text, column->kind, top[i]->number, nl_common_value(common, top[i]), kept))
            break;
        nl_stats_common *one = &column->top[column->n_top];
        one->value = nl_arena_copy(&stats->result->arena, text.data, text.size);
        one->size = text.size;
        one->count = top[i]->count;
        one->missed = top[i]->missed;
        one->cut = cut;
        column->n_top++;
        ok = one->value && !text.failed;
    }
    nl_buf_release(&text);
    return ok;
}

static bool finish_column(nl_stats *stats, const stats_table *table, stats_column *column) {
    stats_order order = stats_order_of(column->kind);
    bool ok = true;
    for (unsigned i = 0; column->parts && i < table->n_parts; i++)
        put_behind(&column->total, order, &column->parts[i]);
    free(column->parts);
    column->parts = NULL;
    if (column->total.common.room)
        ok = tell_common(stats, column, &column->total.common);
    nl_common_release(&column->total.common);
    return ok;
}

/* Under the lock. The common values of all stretches are in the total; all else waits for its
 * turn, as the order of stretches counts. */
static bool take_part(const stats_table *table, unsigned part, stats_column *column,
                      stats_summary *summary) {
    if (column->total.common.room) {
        if (!nl_common_merge(&column->total.common, &summary->common))
            return false;
    } else {
        column->total.common = summary->common;
        summary->common = (nl_common){ 0 };
    }
    if (!column->parts)
        column->parts = calloc(table->n_parts, sizeof *column->parts);
    if (!column->parts)
        return false;
    column->parts[part] = *summary;
    column->parts[part].common = (nl_common){ 0 };
    return true;
}

bool stats_summary_merge(nl_stats *stats, stats_table *table, unsigned part, stats_summary *parts,
                         nl_err *err) {
    bool ok = true;
    size_t read = 0;
    pthread_mutex_lock(&stats->lock);
    table->parts_left--;
    for (size_t i = 0; i < table->n_columns && ok; i++) {
        if (table->columns[i].family)
            ok = take_part(table, part, &table->columns[i], &parts[read++]);
    }
    for (size_t i = 0; table->parts_left == 0 && i < table->n_columns && ok; i++) {
        if (table->columns[i].family)
            ok = finish_column(stats, table, &table->columns[i]);
    }
    pthread_mutex_unlock(&stats->lock);
    return ok || nl_err_nomem(err);
}
