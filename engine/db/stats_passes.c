/* stats_passes.c: the pairs of keys where their counts do not fit into the memory at once.
 *
 * Keys that share anything get places, those of one family side by side. A range of places is
 * counted in one sweep over all buckets: the pairs whose greater place lies in it. Each thread
 * takes one range after the other, tells of it, and forgets it. A range whose pairs turn out to be
 * too many is cut in two; one that is so small that there is a count for every pair never is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "db/stats_priv.h"

#include "base/banned.h"

/* Ranges for each thread that are begun with: with more, it is tried whether few pairs share. */
enum { MOST_ROUNDS = 8 };
static const size_t LEAST_ROOM = (size_t)2 << 20;

typedef struct {
    uint32_t from, to;
} range;

typedef struct {
    nl_stats *stats;
    stats_layout layout;
    uint32_t *key_of, *place_of;
    bool large;
    size_t room; /* of each thread */
    unsigned n_threads;
    range *ranges; /* still to count; under the scan's lock, like what follows */
    size_t n_ranges, ranges_room;
    unsigned busy;           /* threads that may leave some */
    pthread_mutex_t telling; /* over what follows */
    stats_pair_fn fn;
    void *ctx;
    size_t counted;
} passes;

/* --- places --------------------------------------------------------------------------------------
 */

typedef struct {
    const char *family;
    uint32_t key;
} candidate;

static int by_family(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    int order = strcmp(x->family, y->family);
    return order ? order : x->key < y->key ? -1 : x->key > y->key;
}

static bool has_shared(const nl_stats *stats, uint32_t k) {
    for (unsigned i = 0; i < stats->n_workers; i++) {
        if (stats->workers[i].shared && stats->workers[i].shared[k])
            return true;
    }
    return false;
}

static const char *family_of(const nl_stats *stats, uint32_t k) {
    const stats_key *key = &stats->keys[k];
    return stats->tables[key->table].columns[key->columns[0]].family;
}

static void place(passes *p, const candidate *list, uint32_t n) {
    memset(p->place_of, 0xff, (p->stats->n_keys + 1) * sizeof *p->place_of);
    p->layout.n = n;
    for (uint32_t i = 0; i < n; i++) {
        bool same = i > 0 && strcmp(list[i].family, list[i - 1].family) == 0;
        p->layout.first[i] = same ? p->layout.first[i - 1] : i;
        p->key_of[i] = list[i].key;
        p->place_of[list[i].key] = i;
    }
    stats_layout_close(&p->layout);
}

static bool make_places(passes *p, const uint32_t *index_of, nl_err *err) {
    size_t keys = p->stats->n_keys;
    candidate *list = malloc((keys + 1) * sizeof *list);
    p->key_of = malloc((keys + 1) * sizeof *p->key_of);
    p->place_of = malloc((keys + 1) * sizeof *p->place_of);
    p->layout.first = malloc((keys + 1) * sizeof *p->layout.first);
    p->layout.offset = calloc(keys + 1, sizeof *p->layout.offset);
    bool ok = list && p->key_of && p->place_of && p->layout.first && p->layout.offset;
    uint32_t n = 0;
    for (uint32_t k = 0; ok && k < keys; k++) {
        if (index_of[k] != UINT32_MAX && has_shared(p->stats, k))
            list[n++] = (candidate){ family_of(p->stats, k), k };
    }
    if (ok) {
        qsort(list, n, sizeof *list, by_family);
        place(p, list, n);
    }
    free(list);
    return ok || nl_err_nomem(err);
}

/* --- ranges --------------------------------------------------------------------------------------
 */

static bool push(passes *p, uint32_t from, uint32_t to) {
    if (from >= to)
        return true;
    if (p->n_ranges == p->ranges_room) {
        size_t room = p->ranges_room ? p->ranges_room * 2 : 64;
        range *bigger = realloc(p->ranges, room * sizeof *bigger);
        if (!bigger)
            return false;
        p->ranges = bigger;
        p->ranges_room = room;
    }
    p->ranges[p->n_ranges++] = (range){ from, to };
    return true;
}

/* Where the range has as many pairs on either side as can be. */
static uint32_t place_at(const stats_layout *layout, uint32_t from, uint32_t to, uint64_t pairs) {
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (layout->offset[middle] < pairs)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* So many ranges as fit, if those are few; otherwise larger ones, of which some may be too large.
 */
static bool make_ranges(passes *p, nl_err *err) {
    const stats_layout *layout = &p->layout;
    uint64_t pairs = layout->offset[layout->n];
    uint64_t fit = stats_pairs_fit(p->room, p->large) - layout->n; /* ranges end with a row */
    uint64_t rounds = pairs / p->n_threads / fit + 1;
    uint64_t n = p->n_threads * (rounds > MOST_ROUNDS ? 1 : rounds);
    uint32_t from = 0;
    for (uint64_t i = 1; i <= n; i++) {
        uint32_t to = i == n ? layout->n : place_at(layout, from, layout->n, pairs / n * i);
        if (!push(p, from, to))
            return nl_err_nomem(err);
        from = to;
    }
    return true;
}

static bool split(passes *p, range which, nl_err *err) {
    const stats_layout *layout = &p->layout;
    uint64_t half = layout->offset[which.from] / 2 + layout->offset[which.to] / 2;
    uint32_t middle = place_at(layout, which.from + 1, which.to - 1, half);
    pthread_mutex_lock(&p->stats->lock);
    bool ok = push(p, middle, which.to) && push(p, which.from, middle);
    pthread_mutex_unlock(&p->stats->lock);
    return ok || nl_err_nomem(err);
}

/* Waits while others may leave some. */
static bool next_range(passes *p, range *which) {
    nl_stats *stats = p->stats;
    pthread_mutex_lock(&stats->lock);
    p->busy--;
    pthread_cond_broadcast(&stats->changed);
    while (p->n_ranges == 0 && p->busy > 0 && !stats_stopping(stats))
        pthread_cond_wait(&stats->changed, &stats->lock);
    bool found = p->n_ranges > 0 && !stats_stopping(stats);
    if (found) {
        *which = p->ranges[--p->n_ranges];
        p->busy++;
    }
    pthread_mutex_unlock(&stats->lock);
    return found;
}

/* --- counting ------------------------------------------------------------------------------------
 */

static bool tell(void *ctx, uint32_t a, uint32_t b, uint64_t common) {
    const passes *p = ctx;
    return p->fn(p->ctx, p->key_of[a], p->key_of[b], common);
}

static bool count(passes *p, range which, nl_err *err) {
    stats_pairs *pairs = stats_pairs_new(&p->layout, which.from, which.to, p->room, p->large);
    bool ok = pairs ? stats_sweep_pairs(p->stats, pairs, p->place_of, err) : nl_err_nomem(err);
    if (ok && stats_pairs_full(pairs)) {
        stats_pairs_free(pairs);
        return split(p, which, err);
    }
    if (ok) {
        pthread_mutex_lock(&p->telling);
        ok = stats_pairs_each(pairs, tell, p) || nl_err_nomem(err);
        p->counted++;
        pthread_mutex_unlock(&p->telling);
    }
    stats_pairs_free(pairs);
    return ok;
}

static void *work(void *ctx) {
    passes *p = ctx;
    range which;
    nl_err err = { .code = NL_OK };
    while (next_range(p, &which)) {
        if (!count(p, which, &err))
            stats_fail(p->stats, &err);
    }
    return NULL;
}

/* This thread is one of them. */
static void count_all(passes *p) {
    pthread_t threads[MAX_CONNECTIONS];
    unsigned started = 0;
    p->busy = p->n_threads;
    while (started + 1 < p->n_threads) {
        if (pthread_create(&threads[started], NULL, work, p) != 0)
            break;
        started++;
    }
    pthread_mutex_lock(&p->stats->lock);
    p->busy -= p->n_threads - started - 1; /* fewer do as well */
    pthread_mutex_unlock(&p->stats->lock);
    work(p);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

/* --- all of it -----------------------------------------------------------------------------------
 */

/* What is known of the columns, the buckets, sweeps, and the overlaps that are kept. */
static size_t taken_of(const nl_stats *stats) {
    size_t memory = stats->options.memory, overlaps = stats_overlaps_held(&stats->options);
    size_t taken = stats_columns_held(stats);
    taken += overlaps < memory / 8 ? memory / 8 : overlaps > memory / 4 ? memory / 4 : overlaps;
    for (unsigned i = 0; i < stats->n_workers; i++)
        taken += stats->sweep_room + stats_store_held(&stats->workers[i].store);
    return taken;
}

static void set_rooms(passes *p) {
    const nl_stats *stats = p->stats;
    size_t memory = stats->options.memory, taken = taken_of(stats);
    size_t left = memory > taken + memory / 8 ? memory - taken : memory / 8;
    p->n_threads = stats->n_workers;
    while (p->n_threads > 1 && left / p->n_threads < LEAST_ROOM)
        p->n_threads--;
    p->room = left / p->n_threads;
    size_t row = (size_t)p->layout.n * sizeof(uint64_t) * 2; /* one at least, beside the sets */
    if (p->room < row)
        p->room = row;
}

bool stats_passes(nl_stats *stats, const uint32_t *index_of, stats_pair_fn fn, void *ctx,
                  size_t *counted, nl_err *err) {
    passes p = { .stats = stats, .fn = fn, .ctx = ctx, .large = stats_has_large(stats) };
    pthread_mutex_init(&p.telling, NULL);
    bool ok = make_places(&p, index_of, err);
    if (ok)
        set_rooms(&p);
    ok = ok && make_ranges(&p, err);
    if (ok)
        count_all(&p);
    if (ok && stats_stopping(stats)) {
        ok = false;
        *err = stats->err;
        if (stats->err.code == NL_OK)
            nl_err_set(err, NL_CANCELLED, "cancelled");
    }
    *counted = p.counted;
    pthread_mutex_destroy(&p.telling);
    free(p.key_of);
    free(p.place_of);
    free(p.layout.first);
    free(p.layout.offset);
    free(p.ranges);
    return ok;
}
