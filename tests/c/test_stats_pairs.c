/* Pairs of columns against a count by hand: in rows, in a table, in passes over the buckets with
 * little memory; and where memory runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db/stats_priv.h"
#include "test_memory.h"

#include "base/banned.h"

/* --- rows and tables ----------------------------------------------------------------------------
 */

/* Keys stand SPREAD places apart where counts for all pairs are to be too many for any room here.
 */
enum { KEYS = 40, VALUES = 30000, SPREAD = 75, PLACES = KEYS * SPREAD };

typedef struct {
    stats_layout layout;
    uint32_t each, apart; /* keys of a family; places of a key */
    uint32_t first[PLACES];
    uint64_t offset[PLACES + 1];
} families;

static void lay_out(families *own, uint32_t each, uint32_t apart) {
    own->each = each;
    own->apart = apart;
    own->layout = (stats_layout){ .n = KEYS * apart, .first = own->first, .offset = own->offset };
    for (uint32_t k = 0; k < KEYS * apart; k++)
        own->first[k] = k / (each * apart) * each * apart;
    stats_layout_close(&own->layout);
}

/* The keys that have a value: some sets again and again, others once; small and large. */
static size_t keys_of(size_t value, uint32_t *keys) {
    size_t n = 0;
    uint64_t bits = value % 4 ? nl_mix64(value % 50) : nl_mix64(value);
    for (uint32_t k = 0; k < KEYS; k++) {
        if (value % 10 == 0 ? k < 3 : bits >> k & 1)
            keys[n++] = k;
    }
    return n;
}

/* Every other value; `expected`: pairs whose greater key is one of [from, to). */
static bool add_values(stats_pairs *pairs, size_t value, const families *own, uint32_t from,
                       uint32_t to, uint64_t *expected, nl_err *err) {
    for (; value < VALUES; value += 2) {
        uint32_t keys[KEYS];
        size_t n = keys_of(value, keys);
        for (size_t j = 1; j < n; j++) {
            for (size_t i = 0; i < j && keys[j] >= from && keys[j] < to; i++)
                expected[keys[i] * KEYS + keys[j]] += keys[i] / own->each == keys[j] / own->each;
        }
        for (size_t i = 0; i < n; i++)
            keys[i] *= own->apart;
        if (n > 1 && !stats_pairs_add(pairs, keys, n, err))
            return false;
    }
    return stats_pairs_finish(pairs, err);
}

struct noting {
    const families *own;
    uint64_t *counts;
};

static bool note(void *ctx, uint32_t a, uint32_t b, uint64_t common) {
    const struct noting *noting = ctx;
    uint64_t *count = &noting->counts[a / noting->own->apart * KEYS + b / noting->own->apart];
    assert_true(a < b && *count == 0);
    *count = common;
    return true;
}

/* Half of the values in either of two, put together. */
static void check_counts(const families *own, const size_t *rooms, bool large, uint32_t from,
                         uint32_t to) {
    static uint64_t expected[KEYS * KEYS], found[KEYS * KEYS];
    nl_err err = { .code = NL_OK };
    stats_pairs *pairs[2];
    memset(expected, 0, sizeof expected);
    memset(found, 0, sizeof found);
    for (size_t i = 0; i < 2; i++) {
        pairs[i] =
            stats_pairs_new(&own->layout, from * own->apart, to * own->apart, rooms[i], large);
        assert_non_null(pairs[i]);
        if (to - from > 1)
            assert_int_equal(stats_pairs_dense(pairs[i]), own->apart == 1);
        assert_true(add_values(pairs[i], i, own, from, to, expected, &err));
    }
    assert_true(stats_pairs_merge(pairs[0], pairs[1], &err));
    assert_false(stats_pairs_full(pairs[0]));
    assert_true(stats_pairs_each(pairs[0], note, &(struct noting){ own, found }));
    assert_memory_equal(expected, found, sizeof expected);
    stats_pairs_free(pairs[0]);
    stats_pairs_free(pairs[1]);
}

static void test_pairs_are_counted(void **state) {
    static const uint32_t each[] = { KEYS, 7, 2 };
    static const size_t rooms[] = { 1 << 20, 100000 }; /* of small ones sets are counted often */
    static families own;
    (void)state;
    for (size_t f = 0; f < 3; f++) {
        for (uint32_t apart = 1; apart <= SPREAD; apart += SPREAD - 1) {
            lay_out(&own, each[f], apart);
            for (size_t large = 0; large < 2; large++) {
                if (apart == 1 || each[f] == KEYS) {
                    check_counts(&own, rooms, large, 0, KEYS);
                    check_counts(&own, rooms, large, 11, 33);
                    check_counts(&own, rooms, large, 39, 40);
                }
            }
        }
    }
}

/* 780 pairs share values. */
static void test_a_table_counts_all_or_is_full(void **state) {
    static families own;
    uint64_t expected[KEYS * KEYS] = { 0 };
    (void)state;
    lay_out(&own, KEYS, SPREAD);
    for (size_t room = 8 << 10, fits = 0; fits < 2; room *= 2) {
        nl_err err = { .code = NL_OK };
        stats_pairs *pairs = stats_pairs_new(&own.layout, 0, PLACES, room, false);
        stats_pairs *other = stats_pairs_new(&own.layout, 0, PLACES, 1 << 20, false);
        assert_true(pairs && other);
        assert_true(add_values(pairs, 0, &own, 0, KEYS, expected, &err));
        assert_true(add_values(other, 1, &own, 0, KEYS, expected, &err));
        assert_int_equal(stats_pairs_full(pairs), room < 64 << 10);
        assert_true(stats_pairs_merge(pairs, other, &err));
        assert_int_equal(stats_pairs_full(pairs), room < 64 << 10);
        if (stats_pairs_full(pairs)) {
            assert_true(stats_pairs_merge(other, pairs, &err)); /* not only some of them */
            assert_true(stats_pairs_full(other));
        }
        fits += !stats_pairs_full(pairs);
        stats_pairs_free(pairs);
        stats_pairs_free(other);
    }
}

/* --- passes -------------------------------------------------------------------------------------
 */

/* Columns of two families, by turns, and some that are not told; each has a few of many values, or
 * many of few. */
enum { COLUMNS = 1500, BITS = 11, UNTOLD = 7 };

typedef struct {
    nl_stats stats;
    stats_table table;
    stats_column columns[COLUMNS];
    stats_key keys[COLUMNS];
    uint16_t own[COLUMNS];
    uint32_t index_of[COLUMNS];
    uint8_t shared[COLUMNS];
    uint8_t has[COLUMNS][64]; /* which of its family's values */
    uint8_t found[COLUMNS][COLUMNS];
    size_t told;
} database;

static bool fill(database *d, nl_err *err) {
    static const char names[2][8] = { "number", "text" };
    for (uint32_t c = 0; c < COLUMNS; c++) {
        d->own[c] = (uint16_t)c;
        d->columns[c] = (stats_column){ .family = names[c % 2] };
        d->keys[c] = (stats_key){ .n = 1, .columns = &d->own[c] };
        d->index_of[c] = c % UNTOLD == 0 ? UINT32_MAX : c;
        for (size_t i = 0; i < 4; i++) {
            uint64_t value = nl_mix64(c * 4 + i) % 64;
            d->has[c][value] = 1;
            d->shared[c] = 1;
            if (!stats_store_add(&d->stats.workers[i % d->stats.n_workers].store,
                                 nl_mix64(value * 2 + c % 2), c, err))
                return false;
        }
    }
    return true;
}

static database *make(unsigned n_workers, size_t memory, nl_err *err) {
    database *d = calloc(1, sizeof *d);
    if (!d) {
        nl_err_nomem(err);
        return NULL;
    }
    pthread_mutex_init(&d->stats.lock, NULL);
    pthread_cond_init(&d->stats.changed, NULL);
    d->stats.options.memory = memory;
    d->stats.sweep_room = 1 << 16;
    d->stats.bits = BITS;
    d->stats.tables = &d->table;
    d->table.columns = d->columns;
    d->stats.keys = d->keys;
    d->stats.n_keys = COLUMNS;
    d->stats.n_workers = n_workers;
    bool ok = true;
    for (unsigned i = 0; i < n_workers; i++) {
        ok = ok && stats_store_init(&d->stats.workers[i].store, BITS, 1 << 20, err);
        d->stats.workers[i].shared = d->shared;
    }
    if (ok && fill(d, err))
        return d;
    for (unsigned i = 0; i < n_workers; i++)
        stats_store_release(&d->stats.workers[i].store);
    free(d);
    return NULL;
}

static void release(database *d) {
    for (unsigned i = 0; i < d->stats.n_workers; i++)
        stats_store_release(&d->stats.workers[i].store);
    pthread_mutex_destroy(&d->stats.lock);
    pthread_cond_destroy(&d->stats.changed);
    free(d);
}

static bool take(void *ctx, uint32_t a, uint32_t b, uint64_t common) {
    database *d = ctx;
    assert_true(a < b && b < COLUMNS && d->found[a][b] == 0 && common < 5);
    d->found[a][b] = (uint8_t)common;
    return true;
}

static void check_pairs(const database *d) {
    for (uint32_t b = 0; b < COLUMNS; b++) {
        for (uint32_t a = 0; a < b; a++) {
            unsigned common = 0;
            for (size_t v = 0; v < 64 && a % 2 == b % 2 && a % UNTOLD && b % UNTOLD; v++)
                common += d->has[a][v] & d->has[b][v];
            assert_int_equal(common, d->found[a][b]);
        }
    }
}

/* 420,000 pairs, of which 80,000 share something. */
static void test_pairs_are_counted_in_passes(void **state) {
    static const struct {
        size_t memory;
        unsigned workers;
        size_t least, most;
    } cases[] = {
        { 64 << 20, 1, 1, 1 },    /* there is room for all */
        { 64 << 20, 3, 3, 3 },    /* one range for each thread */
        { 4 << 20, 1, 2, 8 },     /* several, each with a count for every pair */
        { 1 << 20, 1, 9, 1000 },  /* ranges turn out to be too large, and are cut */
        { 10 << 10, 2, 9, 1000 }, /* one row at least */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_err err = { .code = NL_OK };
        size_t n = 0;
        database *d = make(cases[i].workers, cases[i].memory, &err);
        assert_non_null(d);
        assert_true(stats_passes(&d->stats, d->index_of, take, d, &n, &err));
        print_message("%zu bytes, %u threads: %zu passes\n", cases[i].memory, cases[i].workers, n);
        check_pairs(d);
        assert_in_range(n, cases[i].least, cases[i].most);
        release(d);
    }
}

static void test_passes_end_where_the_scan_is_cancelled(void **state) {
    nl_err err = { .code = NL_OK };
    size_t n;
    database *d = make(2, 1 << 20, &err);
    (void)state;
    assert_non_null(d);
    atomic_store(&d->stats.cancelled, true);
    assert_false(stats_passes(&d->stats, d->index_of, take, d, &n, &err));
    assert_int_equal(err.code, NL_CANCELLED);
    assert_int_equal(n, 0);
    release(d);
}

static bool passes_are_made(nl_err *err) {
    size_t n;
    database *d = make(1, 1 << 20, err);
    bool ok = d && stats_passes(&d->stats, d->index_of, take, d, &n, err);
    if (d)
        release(d);
    return ok;
}

static void test_memory_may_run_out_anywhere(void **state) {
    static const test_scenario scenarios[] = {
        { "passes are made", passes_are_made,
          TEST_MEMORY_OWN | TEST_MEMORY_DEAR }, /* qsort does without */
    };
    (void)state;
    test_memory_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_are_counted),
        cmocka_unit_test(test_a_table_counts_all_or_is_full),
        cmocka_unit_test(test_pairs_are_counted_in_passes),
        cmocka_unit_test(test_passes_end_where_the_scan_is_cancelled),
        cmocka_unit_test(test_memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
