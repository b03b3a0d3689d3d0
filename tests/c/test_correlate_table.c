/* The sample of rows, and all pairs of a table's columns: who is drawn, what is kept within which
 * memory, which measures apply to which columns, which dependencies are told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/correlate_table.h"
#include "test_memory.h"

#include "base/banned.h"

/* --- who is drawn ---------------------------------------------------------------------------- */

enum { ITEMS = 60, PLACES = 7, ROUNDS = 20000 };

static void draw(uint64_t seed, int kept[PLACES]) {
    nl_reservoir r;
    nl_reservoir_init(&r, PLACES, seed);
    for (int i = 0; i < ITEMS; i++) {
        size_t at = nl_reservoir_offer(&r);
        assert_true(at == SIZE_MAX || at < PLACES);
        if (i < PLACES)
            assert_int_equal(at, i);
        if (at != SIZE_MAX)
            kept[at] = i;
    }
    assert_int_equal(r.seen, ITEMS);
}

static void everybody_is_as_likely(void **state) {
    (void)state;
    static int drawn[ITEMS], pairs[ITEMS / 2];
    double expected = (double)ROUNDS * PLACES / ITEMS, chi2 = 0;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        int kept[PLACES];
        bool in[ITEMS] = { false };
        draw(seed, kept);
        for (int i = 0; i < PLACES; i++) {
            assert_true(!in[kept[i]]); /* nobody twice */
            in[kept[i]] = true;
            drawn[kept[i]]++;
        }
        for (int i = 0; i < ITEMS / 2; i++)
            pairs[i] += in[i] && in[ITEMS - 1 - i];
    }
    for (int i = 0; i < ITEMS; i++)
        chi2 += (drawn[i] - expected) * (drawn[i] - expected) / expected;
    assert_true(chi2 < 99.6); /* 59 degrees of freedom: more has a probability of 0.001 */
    chi2 = 0;                 /* two together: 7 · 6 / (60 · 59) */
    expected = (double)ROUNDS * PLACES * (PLACES - 1) / (ITEMS * (ITEMS - 1.0));
    for (int i = 0; i < ITEMS / 2; i++)
        chi2 += (pairs[i] - expected) * (pairs[i] - expected) / expected;
    assert_true(chi2 < 59.7); /* 30 degrees of freedom */
}

static void a_seed_draws_the_same_again(void **state) {
    (void)state;
    int one[PLACES], same[PLACES], other[PLACES];
    draw(5, one);
    draw(5, same);
    draw(6, other);
    assert_memory_equal(one, same, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
}

/* --- rows ------------------------------------------------------------------------------------ */

static const bool narrow[] = { true, true, true, true, true, true, true, true };
static const bool none_narrow[] = { false, false, false, false, false, false, false, false };
static const nl_correlate_limits usual = {
    .max_categories = 50, .max_bins = 16, .max_error = 0.05, .max_bytes = 64 << 20
};

static bool offer(nl_row_sample *s, const char *const *cells, nl_err *err) {
    uint32_t sizes[8];
    for (size_t c = 0; c < s->columns; c++)
        sizes[c] = cells[c] ? (uint32_t)strlen(cells[c]) : 0;
    return nl_row_sample_offer(s, cells, sizes, err);
}

static void rows_are_kept_as_they_came(void **state) {
    (void)state;
    nl_row_sample s;
    char number[16];
    assert_true(nl_row_sample_init(&s, 10, 1, 3, narrow, 5, 1 << 20, NULL));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(number, sizeof number, "%d", i);
        const char *const cells[] = { number, i % 2 ? NULL : "", i == 999 ? "123456" : "12345" };
        assert_true(offer(&s, cells, NULL));
    }
    assert_int_equal(s.n_rows, 10);
    assert_int_equal(s.widest[2], 6); /* of all rows, kept or not */
    assert_int_equal(s.widest[1], 0);
    for (size_t i = 0; i < 10; i++) {
        const char *second = nl_row_sample_cell(&s, i, 1);
        int n = atoi(nl_row_sample_cell(&s, i, 0));
        if (n % 2)
            assert_null(second);
        else
            assert_string_equal(second, "");
        if (n < 999)
            assert_string_equal(nl_row_sample_cell(&s, i, 2), "12345");
    }
    nl_row_sample_release(&s);
}

static void memory_has_its_cap(void **state) {
    (void)state;
    nl_row_sample s;
    nl_err err = { .code = NL_OK };
    const char *const cells[] = { "some text that is kept" };
    assert_true(nl_row_sample_init(&s, 1000000, 1, 1, none_narrow, 5, 100000, &err));
    size_t n = 0;
    while (n < 1000000 && offer(&s, cells, &err))
        n++;
    assert_int_equal(err.code, NL_LIMIT);
    assert_true(n > 2000 && n < 4000);
    nl_row_sample_release(&s);
    /* a reservoir that is full does not grow */
    assert_true(nl_row_sample_init(&s, 1000, 1, 1, none_narrow, 5, 100000, &err));
    for (n = 0; n < 100000; n++)
        assert_true(offer(&s, cells, &err));
    nl_row_sample_release(&s);
    /* neither does what is worked out from it */
    nl_correlations found;
    nl_correlate_limits limits = usual;
    const nl_measure measures[] = { NL_MEASURE_CATEGORY };
    limits.max_bytes = 200000;
    assert_true(nl_row_sample_init(&s, 4000, 1, 1, none_narrow, 5, limits.max_bytes, &err));
    for (n = 0; n < 4000; n++)
        assert_true(offer(&s, cells, &err));
    assert_true(!nl_correlate(&s, measures, &limits, NULL, &found, &err));
    assert_int_equal(err.code, NL_LIMIT);
    assert_null(found.columns);
    nl_row_sample_release(&s);
}

/* --- pairs ----------------------------------------------------------------------------------- */

enum { ID, PRICE, CITY, COUNTRY, NOTE, WORD, SAME, COLUMNS };

static const nl_measure measures[] = { NL_MEASURE_NUMBER,   NL_MEASURE_NUMBER,
                                       NL_MEASURE_CATEGORY, NL_MEASURE_CATEGORY,
                                       NL_MEASURE_CATEGORY, NL_MEASURE_CATEGORY,
                                       NL_MEASURE_CATEGORY };

/* A city lies in one country but for one row of 200; a word comes up twice, a note is long. */
static void fill(nl_row_sample *s) {
    static const bool texts[] = { false, false, true, true, true, true, true };
    assert_true(nl_row_sample_init(s, 1000, 1, COLUMNS, texts, 10, 1 << 20, NULL));
    for (int i = 0; i < 200; i++) {
        char id[16], price[16], city[16], country[16], word[16];
        (void)snprintf(id, sizeof id, "%d", i);
        (void)snprintf(price, sizeof price, "%d.50", i / 2 * 3);
        (void)snprintf(city, sizeof city, "city %d", i % 20);
        (void)snprintf(country, sizeof country, "c%d", i == 77 ? 9 : i % 20 / 5);
        (void)snprintf(word, sizeof word, "w%d", i / 2);
        const char *const cells[] = { id,
                                      i % 10 ? price : NULL,
                                      city,
                                      country,
                                      i == 150 ? "this is far too long" : "short",
                                      word,
                                      "x" };
        assert_true(offer(s, cells, NULL));
    }
}

static const nl_correlate_pair *pair_of(const nl_correlations *found, size_t a, size_t b) {
    for (size_t i = 0; i < found->n_pairs; i++) {
        if (found->pairs[i].a == a && found->pairs[i].b == b)
            return &found->pairs[i];
    }
    return NULL;
}

static const nl_dependency *dependency_of(const nl_correlations *found, size_t from, size_t to) {
    for (size_t i = 0; i < found->n_dependencies; i++) {
        if (found->dependencies[i].from == from && found->dependencies[i].to == to)
            return &found->dependencies[i];
    }
    return NULL;
}

static void each_pair_has_its_measures(void **state) {
    (void)state;
    nl_row_sample s;
    nl_correlations found;
    fill(&s);
    assert_true(nl_correlate(&s, measures, &usual, NULL, &found, NULL));
    assert_int_equal(found.n_columns, COLUMNS);
    assert_int_equal(found.columns[PRICE].missing, 20);
    assert_int_equal(found.columns[CITY].distinct, 20);
    assert_int_equal(found.columns[ID].bins, 6); /* √(200 / 5) */
    assert_int_equal(found.columns[WORD].measure, NL_MEASURE_EQUALITY);
    assert_int_equal(found.columns[NOTE].measure, NL_MEASURE_NOTHING);
    assert_int_equal(found.n_pairs, 10); /* of id, price, city, country, same */
    assert_null(pair_of(&found, CITY, NOTE));
    assert_null(pair_of(&found, ID, WORD));

    const nl_correlate_pair *p = pair_of(&found, ID, PRICE);
    assert_int_equal(p->n, 180);
    assert_true(p->pearson > 0.999 && p->spearman > 0.999 && p->mutual_information > 1);
    assert_true(isnan(p->cramers_v) && isnan(p->correlation_ratio));
    p = pair_of(&found, CITY, COUNTRY);
    assert_true(p->cramers_v > 0.8 && p->mutual_information > 1 && isnan(p->pearson));
    assert_true(isnan(p->correlation_ratio) && isnan(p->spearman));
    p = pair_of(&found, ID, CITY);
    assert_true(p->correlation_ratio > 0.05 && p->correlation_ratio < 0.2);
    assert_true(isnan(p->pearson) && isnan(p->cramers_v) && !isnan(p->mutual_information));
    p = pair_of(&found, CITY, SAME);
    assert_int_equal(p->n, 200);
    assert_true(isnan(p->cramers_v) && isnan(p->mutual_information));
    nl_correlations_release(&found);
    nl_row_sample_release(&s);
}

static void dependencies_that_mean_something(void **state) {
    (void)state;
    nl_row_sample s;
    nl_correlations found;
    fill(&s);
    assert_true(nl_correlate(&s, measures, &usual, NULL, &found, NULL));
    const nl_dependency *d = dependency_of(&found, CITY, COUNTRY);
    assert_non_null(d);
    assert_true(d->error == 1.0 / 200 && d->n == 200 && d->repeated == 200);
    assert_true(d->baseline == 150.0 / 200);
    assert_null(dependency_of(&found, COUNTRY, CITY));
    assert_null(dependency_of(&found, ID, CITY));   /* a key */
    assert_null(dependency_of(&found, CITY, SAME)); /* a constant */
    assert_null(dependency_of(&found, CITY, NOTE)); /* left out */
    d = dependency_of(&found, WORD, PRICE);         /* too many values for a category */
    assert_non_null(d);
    assert_true(d->error == 0 && d->n == 180 && d->repeated == 160);
    nl_correlations_release(&found);

    nl_correlate_limits strict = usual;
    strict.max_error = 0.001;
    assert_true(nl_correlate(&s, measures, &strict, NULL, &found, NULL));
    assert_null(dependency_of(&found, CITY, COUNTRY));
    assert_non_null(dependency_of(&found, WORD, PRICE));
    nl_correlations_release(&found);
    nl_row_sample_release(&s);
}

static void empty_tables_and_empty_columns(void **state) {
    (void)state;
    nl_row_sample s;
    nl_correlations found;
    const nl_measure both[] = { NL_MEASURE_NUMBER, NL_MEASURE_CATEGORY };
    const char *const nothing[] = { NULL, NULL };
    assert_true(nl_row_sample_init(&s, 10, 1, 2, narrow, 10, 1 << 20, NULL));
    for (int rows = 0; rows < 3; rows++) {
        assert_true(nl_correlate(&s, both, &usual, NULL, &found, NULL));
        assert_int_equal(found.n_pairs, 1);
        assert_int_equal(found.pairs[0].n, 0);
        assert_true(isnan(found.pairs[0].correlation_ratio));
        assert_true(isnan(found.pairs[0].mutual_information));
        assert_int_equal(found.n_dependencies, 0);
        nl_correlations_release(&found);
        assert_true(offer(&s, nothing, NULL));
    }
    nl_row_sample_release(&s);
    assert_true(nl_row_sample_init(&s, 10, 1, 0, narrow, 10, 1 << 20, NULL));
    assert_true(nl_correlate(&s, both, &usual, NULL, &found, NULL));
    assert_int_equal(found.n_pairs + found.n_columns, 0);
    nl_correlations_release(&found);
    nl_row_sample_release(&s);
}

static void it_stops_when_it_is_told_to(void **state) {
    (void)state;
    nl_row_sample s;
    nl_correlations found;
    nl_err err = { .code = NL_OK };
    atomic_bool stop;
    atomic_init(&stop, true);
    fill(&s);
    assert_true(!nl_correlate(&s, measures, &usual, &stop, &found, &err));
    assert_int_equal(err.code, NL_CANCELLED);
    assert_null(found.columns);
    nl_row_sample_release(&s);
}

static void memory_that_runs_out(void **state) {
    (void)state;
    nl_row_sample s;
    nl_correlations found;
    fill(&s);
    long after = 0;
    for (bool ok = false; !ok; after++) {
        nl_err err = { .code = NL_OK };
        test_memory_fail(after);
        ok = nl_correlate(&s, measures, &usual, NULL, &found, &err);
        test_memory_fail(-1);
        assert_int_equal(err.code, ok ? NL_OK : NL_NOMEM);
        if (!ok)
            assert_true(!found.columns && !found.pairs && !found.dependencies);
    }
    assert_true(after > 100);
    nl_correlations_release(&found);
    nl_row_sample_release(&s);

    const char *const cells[] = { "a" };
    for (after = 0; after < 4; after++) { /* its lists, and the row */
        nl_err err = { .code = NL_OK };
        test_memory_fail(after);
        bool ok =
            nl_row_sample_init(&s, 10, 1, 1, narrow, 10, 1000, &err) && offer(&s, cells, &err);
        test_memory_fail(-1);
        assert_true(ok == (after == 3));
        assert_int_equal(err.code, ok ? NL_OK : NL_NOMEM);
        nl_row_sample_release(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_as_likely),
        cmocka_unit_test(a_seed_draws_the_same_again),
        cmocka_unit_test(rows_are_kept_as_they_came),
        cmocka_unit_test(memory_has_its_cap),
        cmocka_unit_test(each_pair_has_its_measures),
        cmocka_unit_test(dependencies_that_mean_something),
        cmocka_unit_test(empty_tables_and_empty_columns),
        cmocka_unit_test(it_stops_when_it_is_told_to),
        cmocka_unit_test(memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
