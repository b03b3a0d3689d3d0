/* Which of many overlaps are told, against a list that is sorted by hand; in whatever order they
 * come, and where memory runs out. */
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

enum { SOME = 60 };

typedef struct {
    uint32_t child, parent, turn;
    uint64_t common;
} known;

static nl_stats_column shown[SOME];

static double share(const known *one) {
    return (double)one->common / (double)shown[one->child].distinct;
}

/* As stats.h has it: unique parents first, then the most contained; those with the fewest values.
 */
static int by_worth(const void *a, const void *b) {
    const known *x = a, *y = b;
    const nl_stats_column *p = &shown[x->parent], *q = &shown[y->parent];
    if (p->unique != q->unique)
        return p->unique ? -1 : 1;
    if (share(x) != share(y))
        return share(x) > share(y) ? -1 : 1;
    if (x->child != y->child)
        return x->child < y->child ? -1 : 1;
    if (p->distinct != q->distinct)
        return p->distinct < q->distinct ? -1 : 1;
    return x->parent < y->parent ? -1 : 1;
}

static int by_turn(const void *a, const void *b) {
    const known *x = a, *y = b;
    return x->turn != y->turn ? (x->turn < y->turn ? -1 : 1) : by_worth(a, b);
}

static int by_index(const void *a, const void *b) {
    const known *x = a, *y = b;
    return x->child != y->child ? (x->child < y->child ? -1 : 1) : x->parent < y->parent ? -1 : 1;
}

static uint64_t common_of(uint32_t a, uint32_t b) {
    uint64_t least = shown[a].distinct < shown[b].distinct ? shown[a].distinct : shown[b].distinct;
    return a % 5 == b % 3 ? least : nl_mix64((uint64_t)a * b + a + b) % (least + 1);
}

/* Those that should be told, in order. */
static size_t expect(known *list, size_t most, double least, bool fair, size_t *left_out) {
    uint32_t turns[SOME] = { 0 };
    size_t n = 0;
    for (uint32_t a = 0; a < SOME; a++) {
        for (uint32_t b = 0; b < SOME; b++) {
            known one = { .child = a,
                          .parent = b,
                          .common = a < b ? common_of(a, b) : common_of(b, a) };
            if (a != b && one.common > 0 && share(&one) >= least)
                list[n++] = one;
        }
    }
    qsort(list, n, sizeof *list, by_worth);
    for (size_t i = 0; i < n; i++)
        list[i].turn = turns[list[i].child]++;
    if (fair)
        qsort(list, n, sizeof *list, by_turn);
    *left_out = n > most ? n - most : 0;
    n -= *left_out;
    qsort(list, n, sizeof *list, by_index);
    return n;
}

/* In three orders: a row each, columns, and drawn. */
static bool add_all(stats_overlaps *overlaps, size_t order) {
    for (uint32_t i = 0; i < SOME * SOME; i++) {
        uint32_t at = order == 2 ? (i * 1013 + 7) % (SOME * SOME) : i;
        uint32_t a = order == 0 ? at % SOME : at / SOME, b = order == 0 ? at / SOME : at % SOME;
        if (a < b && common_of(a, b) > 0 && !stats_overlaps_add(overlaps, a, b, common_of(a, b)))
            return false;
    }
    return true;
}

static void show_columns(void) {
    for (uint32_t c = 0; c < SOME; c++)
        shown[c] = (nl_stats_column){ .distinct = 1 + nl_mix64(c) % 40, .unique = c % 4 == 0 };
}

static void check_told(size_t most, double least, bool fair, size_t order) {
    static known list[SOME * SOME];
    size_t left_out, n, wanted_out, wanted = expect(list, most, least, fair, &wanted_out);
    stats_overlaps *overlaps = stats_overlaps_new(shown, SOME, most, least, fair);
    assert_true(overlaps && add_all(overlaps, order));
    nl_stats_overlap *told = stats_overlaps_told(overlaps, &n, &left_out);
    assert_non_null(told);
    assert_int_equal(n, wanted);
    assert_int_equal(left_out, wanted_out);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(told[i].child, list[i].child);
        assert_int_equal(told[i].parent, list[i].parent);
        assert_int_equal(told[i].common, list[i].common);
        assert_int_equal(told[i].orphans, shown[told[i].child].distinct - told[i].common);
        assert_true(told[i].containment == share(&list[i]));
        assert_int_equal(told[i].unique, shown[told[i].parent].unique);
    }
    free(told);
    stats_overlaps_free(overlaps);
}

static void test_the_best_are_told_in_whatever_order_they_come(void **state) {
    static const size_t most[] = { 1, 2, 20, 59, 60, 61, 200, 777, 3000, 100000 };
    static const double least[] = { 0, 1.0 / 3, 0.5, 1 };
    (void)state;
    show_columns();
    for (size_t m = 0; m < sizeof most / sizeof *most; m++) {
        for (size_t l = 0; l < 4; l++) {
            for (size_t order = 0; order < 3; order++) {
                check_told(most[m], least[l], false, order);
                check_told(most[m], least[l], true, order);
            }
        }
    }
}

static bool the_best_are_told(nl_err *err) {
    size_t n, left_out;
    stats_overlaps *overlaps = stats_overlaps_new(shown, SOME, 100, 0, true);
    bool ok = overlaps && add_all(overlaps, 2);
    nl_stats_overlap *told = ok ? stats_overlaps_told(overlaps, &n, &left_out) : NULL;
    ok = told != NULL || nl_err_nomem(err);
    free(told);
    stats_overlaps_free(overlaps);
    return ok;
}

static void test_memory_may_run_out_anywhere(void **state) {
    static const test_scenario scenarios[] = {
        { "the best are told", the_best_are_told, TEST_MEMORY_OWN }, /* qsort does without */
    };
    (void)state;
    show_columns();
    test_memory_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_are_told_in_whatever_order_they_come),
        cmocka_unit_test(test_memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
