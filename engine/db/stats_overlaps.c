/* stats_overlaps.c: of the pairs that share values, those that are told.
 *
 * There may be many millions, so no more than twice as many as are told are ever kept: the best of
 * all, or (fair) each child's best one, then each one's second best, and so on, so that a column
 * that is found in thousands of others does not push out what another is found in. What was left
 * out once would stay out whatever comes, so the answer does not hang on the order in which they
 * come. */
#include <stdlib.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

/* The better the parent, the less its order: those that could be a key, then those with the fewest
 * values. */
static const uint32_t NO_KEY = (uint32_t)1 << 31;

typedef struct {
    uint32_t child, parent; /* the parent's order */
    uint64_t common;
} found;

/* With others of other children. */
typedef struct {
    double containment;
    found one;
    size_t at;
} rival;

struct stats_overlaps {
    const nl_stats_column *columns;
    size_t n_columns, most;
    bool fair;
    uint32_t *order_of, *column_of; /* NO_KEY only in order_of */
    uint64_t *least;                /* values that a child must share */
    found *best;                    /* of each child: the best that was left out; common 0: none */
    found *list;
    size_t n, room, left_out;
    size_t turn;  /* no more of one child can stay */
    rival *worst; /* of those that stay, where that is not fair; NULL: it is, or there is room */
    rival last;   /* that one */
    found *run;   /* of one child, before they go to the list */
    size_t n_run;
};

/* --- life ----------------------------------------------------------------------------------------
 */

typedef struct {
    uint64_t distinct;
    uint32_t column;
    bool unique;
} parent_use;

static int by_use(const void *a, const void *b) {
    const parent_use *x = a, *y = b;
    if (x->unique != y->unique)
        return x->unique ? -1 : 1;
    if (x->distinct != y->distinct)
        return x->distinct < y->distinct ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static bool order_parents(stats_overlaps *overlaps) {
    parent_use *parents = malloc((overlaps->n_columns + 1) * sizeof *parents);
    if (!parents)
        return false;
    for (size_t i = 0; i < overlaps->n_columns; i++)
        parents[i] =
            (parent_use){ overlaps->columns[i].distinct, (uint32_t)i, overlaps->columns[i].unique };
    qsort(parents, overlaps->n_columns, sizeof *parents, by_use);
    for (uint32_t i = 0; i < overlaps->n_columns; i++) {
        overlaps->column_of[i] = parents[i].column;
        overlaps->order_of[parents[i].column] = i | (parents[i].unique ? 0 : NO_KEY);
    }
    free(parents);
    return true;
}

/* The least count whose share of `distinct` is enough, as it is computed for the result. */
static uint64_t least_of(uint64_t distinct, double enough) {
    uint64_t low = 1, high = distinct + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if ((double)middle / (double)distinct < enough)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

stats_overlaps *stats_overlaps_new(const nl_stats_column *columns, size_t n, size_t most,
                                   double min_containment, bool fair) {
    stats_overlaps *overlaps = calloc(1, sizeof *overlaps);
    if (!overlaps)
        return NULL;
    overlaps->columns = columns;
    overlaps->n_columns = n;
    overlaps->most = most;
    overlaps->fair = fair;
    overlaps->turn = SIZE_MAX;
    overlaps->order_of = malloc((n + 1) * sizeof *overlaps->order_of);
    overlaps->column_of = malloc((n + 1) * sizeof *overlaps->column_of);
    overlaps->least = malloc((n + 1) * sizeof *overlaps->least);
    overlaps->best = calloc(n + 1, sizeof *overlaps->best);
    overlaps->run = malloc((n + 1) * sizeof *overlaps->run);
    if (!overlaps->order_of || !overlaps->column_of || !overlaps->least || !overlaps->best ||
        !overlaps->run || !order_parents(overlaps)) {
        stats_overlaps_free(overlaps);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        overlaps->least[i] = least_of(columns[i].distinct, min_containment);
    return overlaps;
}

/* The list, and what sorts it, or them. */
size_t stats_overlaps_held(const nl_stats_options *options) {
    size_t each = options->fair ? 2 * sizeof(found) : sizeof(found) + 2 * sizeof(rival);
    return 2 * options->max_overlaps * each;
}

void stats_overlaps_free(stats_overlaps *overlaps) {
    if (!overlaps)
        return;
    free(overlaps->order_of);
    free(overlaps->column_of);
    free(overlaps->least);
    free(overlaps->best);
    free(overlaps->run);
    free(overlaps->list);
    free(overlaps);
}

/* --- the best ------------------------------------------------------------------------------------
 */

/* Of one child. */
static int compare(const found *x, const found *y) {
    if ((x->parent ^ y->parent) & NO_KEY)
        return x->parent & NO_KEY ? 1 : -1;
    if (x->common != y->common)
        return x->common > y->common ? -1 : 1;
    return x->parent < y->parent ? -1 : x->parent > y->parent;
}

static int by_child(const void *a, const void *b) {
    const found *x = a, *y = b;
    if (x->child != y->child)
        return x->child < y->child ? -1 : 1;
    return compare(x, y);
}

/* Of several children. */
static int by_share(const void *a, const void *b) {
    const rival *x = a, *y = b;
    if ((x->one.parent ^ y->one.parent) & NO_KEY)
        return x->one.parent & NO_KEY ? 1 : -1;
    if (x->containment != y->containment)
        return x->containment > y->containment ? -1 : 1;
    return by_child(&x->one, &y->one);
}

/* Of a sorted list: how many of each child stay in any case. The others are rivals for the rest: if
 * that is fair, only those that are next in turn. */
static bool share_out(const stats_overlaps *overlaps, size_t *each, size_t *rest) {
    size_t *counts = calloc(overlaps->n_columns + 2, sizeof *counts), rank = 0, sum = 0;
    if (!counts)
        return false;
    for (size_t i = 0; i < overlaps->n; i++) {
        rank = i > 0 && overlaps->list[i].child == overlaps->list[i - 1].child ? rank + 1 : 1;
        counts[rank]++;
    }
    for (*each = 0; overlaps->fair && sum + counts[*each + 1] <= overlaps->most;)
        sum += counts[++*each];
    *rest = overlaps->most - sum;
    free(counts);
    return true;
}

static rival rival_of(const stats_overlaps *overlaps, const found *one, size_t at) {
    double distinct = (double)overlaps->columns[one->child].distinct;
    return (rival){ (double)one->common / distinct, *one, at };
}

static bool choose(stats_overlaps *overlaps, uint8_t *stays) {
    size_t n = 0, rank = 0, each, rest;
    rival *rivals = malloc(overlaps->n * sizeof *rivals);
    if (!rivals || !share_out(overlaps, &each, &rest)) {
        free(rivals);
        return false;
    }
    for (size_t i = 0; i < overlaps->n; i++) {
        const found *one = &overlaps->list[i];
        rank = i > 0 && one->child == overlaps->list[i - 1].child ? rank + 1 : 1;
        stays[i] = rank <= each;
        if (rank > each && (rank == each + 1 || !overlaps->fair))
            rivals[n++] = rival_of(overlaps, one, i);
    }
    qsort(rivals, n, sizeof *rivals, by_share);
    for (size_t i = 0; i < n && i < rest; i++)
        stays[rivals[i].at] = 1;
    if (overlaps->fair) {
        overlaps->turn = each + 1;
    } else {
        overlaps->last = rivals[rest - 1];
        overlaps->worst = &overlaps->last;
    }
    free(rivals);
    return true;
}

static void leave_out(stats_overlaps *overlaps, const found *one) {
    found *best = &overlaps->best[one->child];
    if (best->common == 0 || compare(one, best) < 0)
        *best = *one;
    overlaps->left_out++;
}

static bool cut(stats_overlaps *overlaps) {
    size_t kept = 0;
    if (overlaps->n <= overlaps->most)
        return true;
    uint8_t *stays = malloc(overlaps->n);
    qsort(overlaps->list, overlaps->n, sizeof *overlaps->list, by_child);
    if (!stays || !choose(overlaps, stays)) {
        free(stays);
        return false;
    }
    for (size_t i = 0; i < overlaps->n; i++) {
        if (stays[i])
            overlaps->list[kept++] = overlaps->list[i];
        else
            leave_out(overlaps, &overlaps->list[i]);
    }
    overlaps->n = kept;
    free(stays);
    return true;
}

/* --- one after the other -------------------------------------------------------------------------
 */

static bool make_room(stats_overlaps *overlaps) {
    if (overlaps->n >= 2 * overlaps->most && !cut(overlaps))
        return false;
    if (overlaps->n < overlaps->room)
        return true;
    size_t room = overlaps->room ? overlaps->room * 2 : 1024;
    found *bigger = realloc(overlaps->list, room * sizeof *bigger);
    if (!bigger)
        return false;
    overlaps->list = bigger;
    overlaps->room = room;
    return true;
}

/* Is it worse than one that was left out already? */
static bool is_out(stats_overlaps *overlaps, const found *one) {
    const found *best = &overlaps->best[one->child];
    bool out = best->common > 0 && compare(one, best) > 0;
    if (!out && overlaps->worst) {
        rival other = rival_of(overlaps, one, 0);
        out = by_share(&other, overlaps->worst) > 0;
    }
    overlaps->left_out += out;
    return out;
}

static bool keep(stats_overlaps *overlaps, const found *one) {
    if (is_out(overlaps, one))
        return true;
    if (overlaps->n >= overlaps->room || overlaps->n >= 2 * overlaps->most) {
        if (!make_room(overlaps))
            return false;
    }
    overlaps->list[overlaps->n++] = *one;
    return true;
}

/* No more of the run's child than can stay. */
static void cut_run(stats_overlaps *overlaps) {
    if (overlaps->n_run <= overlaps->turn)
        return;
    qsort(overlaps->run, overlaps->n_run, sizeof *overlaps->run, by_child);
    while (overlaps->n_run > overlaps->turn)
        leave_out(overlaps, &overlaps->run[--overlaps->n_run]);
}

static bool end_run(stats_overlaps *overlaps) {
    cut_run(overlaps);
    size_t n = overlaps->n_run;
    overlaps->n_run = 0;
    for (size_t i = 0; i < n; i++) {
        if (!keep(overlaps, &overlaps->run[i]))
            return false;
    }
    return true;
}

static bool add_to_run(stats_overlaps *overlaps, const found *one) {
    enum { SOME = 64 };
    if (overlaps->n_run > 0 && overlaps->run[0].child != one->child && !end_run(overlaps))
        return false;
    if (is_out(overlaps, one))
        return true;
    overlaps->run[overlaps->n_run++] = *one;
    if (overlaps->n_run >= SOME && overlaps->n_run / 2 >= overlaps->turn)
        cut_run(overlaps);
    return true;
}

bool stats_overlaps_take(stats_overlaps *overlaps, uint32_t child, uint32_t parent,
                         uint64_t common) {
    const found one = { child, overlaps->order_of[parent], common };
    return keep(overlaps, &one);
}

bool stats_overlaps_add(stats_overlaps *overlaps, uint32_t a, uint32_t b, uint64_t common) {
    const found one = { a, overlaps->order_of[b], common };
    const found other = { b, overlaps->order_of[a], common };
    return (common < overlaps->least[a] || keep(overlaps, &one)) &&
           (common < overlaps->least[b] || add_to_run(overlaps, &other));
}

/* --- told ----------------------------------------------------------------------------------------
 */

static int by_index(const void *a, const void *b) {
    const nl_stats_overlap *x = a, *y = b;
    if (x->child != y->child)
        return x->child < y->child ? -1 : 1;
    return x->parent < y->parent ? -1 : x->parent > y->parent;
}

nl_stats_overlap *stats_overlaps_told(stats_overlaps *overlaps, size_t *n, size_t *left_out) {
    if (!end_run(overlaps) || !cut(overlaps))
        return NULL;
    nl_stats_overlap *told = malloc((overlaps->n + 1) * sizeof *told);
    if (!told)
        return NULL;
    for (size_t i = 0; i < overlaps->n; i++) {
        const found *one = &overlaps->list[i];
        uint32_t at = overlaps->column_of[one->parent & ~NO_KEY];
        uint64_t distinct = overlaps->columns[one->child].distinct;
        uint64_t either = distinct + overlaps->columns[at].distinct - one->common;
        told[i] = (nl_stats_overlap){ .child = one->child,
                                      .parent = at,
                                      .common = one->common,
                                      .orphans = distinct - one->common,
                                      .containment = (double)one->common / (double)distinct,
                                      .jaccard = (double)one->common / (double)either,
                                      .unique = !(one->parent & NO_KEY) };
    }
    qsort(told, overlaps->n, sizeof *told, by_index);
    *n = overlaps->n;
    *left_out = overlaps->left_out;
    return told;
}
