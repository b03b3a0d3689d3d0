/* Correlations of a live table, beside what tests/lua/correlate_spec.lua sees: memory that runs out
 * on the loop's thread, and being called off at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "db/correlate.h"
#include "test_catalog.h"
#include "test_db.h"
#include "test_memory.h"
#include "test_pg.h"

#include "base/banned.h"

static nl_pg *pool;
static nl_catalog *catalog;
static const nl_table *table;

static const char schema[] =
    "CREATE TABLE t AS SELECT i, i % 7 AS seven, 'c' || i % 5 AS c, repeat('x', 300) AS wide,\n"
    "  '{}'::jsonb AS j FROM generate_series(1, 3000) AS i;\n"
    "ANALYZE;\n";

static const nl_correlate_options usual = {
    .rows = 1000,
    .full_rows = 1e6,
    .max_columns = 10,
    .limits = { .max_categories = 50, .max_bins = 8, .max_error = 0.05, .max_bytes = 16 << 20 },
};

struct ended {
    bool done, good;
    nl_code code;
};

static void on_done(void *ctx, nl_correlate_result *result, const nl_err *err) {
    struct ended *ended = ctx;
    assert_false(ended->done);
    ended->done = true;
    ended->good = result != NULL;
    ended->code = result ? NL_OK : err->code;
    if (!result)
        return;
    assert_int_equal(result->rows, 1000);
    assert_int_equal(result->total, 3000);
    assert_int_equal(result->n_names, 5);
    assert_int_equal(result->found.n_pairs, 3);
    assert_non_null(result->names[3].reason);
    assert_non_null(result->names[4].reason);
    assert_int_equal(result->names[4].index, SIZE_MAX);
    nl_correlate_result_release(result);
}

static void memory_is_back(void *ctx) {
    (void)ctx;
    if (test_memory_failed())
        test_memory_fail(-1);
}

/* One allocation fails, of ours, libpq's or libuv's: it ends with an error, or the pool made do. */
static void memory_that_runs_out(void **state) {
    (void)state;
    size_t refused = 0, failed = 0;
    nl_timer *timer = nl_timer_start(test_loop(), 1, 1, memory_is_back, NULL, NULL);
    for (long after = 0; after < 4000; after += after < 120 ? 1 : 41) {
        struct ended ended = { .done = false };
        nl_err err = { .code = NL_OK };
        nl_correlate_options options = usual;
        options.query.deadline_ms = 2000;
        test_memory_fail_once(after);
        const nl_correlation *c =
            nl_correlate_start(test_loop(), pool, table, &options, on_done, &ended, &err);
        if (!c) {
            assert_int_equal(err.code, NL_NOMEM);
            refused++;
        } else if (!test_loop_until(&ended.done, 15000)) {
            fail_msg("allocation %ld: it never ended", after);
        } else if (!ended.good) {
            assert_true(ended.code == NL_NOMEM || ended.code == NL_NET || ended.code == NL_DB ||
                        ended.code == NL_TIMEOUT);
            failed++;
        }
        bool over = !test_memory_failed();
        test_memory_fail(-1);
        assert_string_equal(test_pg_value(pool, "SELECT 7"), "7");
        if (over)
            break;
    }
    nl_timer_stop(timer);
    print_message("%zu refused, %zu failed later\n", refused, failed);
    assert_true(refused > 10);
    assert_true(failed > 10);
}

static void it_is_called_off_at_any_moment(void **state) {
    (void)state;
    size_t called_off = 0;
    for (unsigned ms = 0; ms < 40; ms++) {
        struct ended ended = { .done = false };
        nl_err err = { .msg = "" };
        nl_correlation *c =
            nl_correlate_start(test_loop(), pool, table, &usual, on_done, &ended, &err);
        assert_non_null(c);
        if (!test_loop_until(&ended.done, ms / 2)) {
            nl_correlate_cancel(c);
            called_off++;
        }
        assert_true(called_off || ended.good);
    }
    assert_true(called_off > 2);
    assert_string_equal(test_pg_value(pool, "SELECT 7"), "7");
}

static void on_empty(void *ctx, nl_correlate_result *result, const nl_err *err) {
    struct ended *ended = ctx;
    assert_null(err);
    assert_int_equal(result->n_names, 1);
    assert_int_equal(result->found.n_columns, 0);
    ended->done = true;
    nl_correlate_result_release(result);
}

/* Nothing is asked of the server: the answer still comes on a later turn, or not at all. */
static void a_table_without_columns_to_compare(void **state) {
    (void)state;
    static const char *const only[] = { "j", NULL };
    nl_correlate_options options = usual;
    options.columns = only;
    for (int call_off = 0; call_off < 2; call_off++) {
        struct ended ended = { .done = false };
        nl_err err;
        nl_correlation *c =
            nl_correlate_start(test_loop(), pool, table, &options, on_empty, &ended, &err);
        assert_non_null(c);
        assert_false(ended.done);
        if (call_off)
            nl_correlate_cancel(c);
        assert_int_equal(test_loop_until(&ended.done, call_off ? 50 : 60000), !call_off);
    }
}

static int set_up(void **state) {
    (void)state;
    nl_err err;
    pool = test_pg_open(test_db_make("correlate", schema), 1);
    catalog = test_catalog_load(test_db_url("correlate"), NULL, &err);
    if (!catalog)
        return -1;
    table = nl_catalog_find(catalog, NULL, "t");
    return table ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    nl_catalog_free(catalog);
    nl_pg_free(pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out),
        cmocka_unit_test(it_is_called_off_at_any_moment),
        cmocka_unit_test(a_table_without_columns_to_compare),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
