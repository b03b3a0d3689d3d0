/* Streams on a real server: every row comes, in order, none is kept; who takes them may refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_db.h"
#include "test_pg.h"

#include "base/banned.h"

static nl_pg *pool;

static const char schema[] =
    "CREATE TABLE t AS SELECT i, CASE WHEN i % 10 = 0 THEN NULL ELSE repeat('x', 1000) END AS s,\n"
    "  '' AS e FROM generate_series(1, 60000) AS i;\n";

struct stream {
    size_t rows, nulls, bytes;
    size_t refuse; /* the row of that number; 0: none */
    bool in_order, ended;
    nl_pg_reply reply;
};

static bool on_row(void *ctx, const char *const *cells, const uint32_t *sizes, size_t n,
                   nl_err *err) {
    struct stream *s = ctx;
    assert_int_equal(n, 3);
    assert_false(s->ended);
    assert_true(s->refuse == 0 || s->rows < s->refuse); /* none comes behind a refusal */
    s->rows++;
    s->in_order = s->in_order && strtoull(cells[0], NULL, 10) == s->rows &&
                  strlen(cells[0]) == sizes[0] && cells[2] && sizes[2] == 0;
    s->nulls += !cells[1];
    s->bytes += sizes[1];
    if (s->rows == s->refuse)
        return nl_err_set(err, NL_LIMIT, "row %zu is too much", s->rows);
    return true;
}

static void on_end(void *ctx, nl_pg_reply *reply) {
    struct stream *s = ctx;
    assert_false(s->ended);
    s->reply = *reply;
    s->ended = true;
}

static struct stream run(const char *sql, size_t refuse, const nl_pg_limits *limits) {
    struct stream s = { .refuse = refuse, .in_order = true };
    nl_err err = { .msg = "" };
    if (!nl_pg_stream(pool, sql, NULL, 0, limits, on_row, on_end, &s, &err))
        fail_msg("%s", err.msg);
    assert_true(test_loop_until(&s.ended, 60000));
    return s;
}

static void every_row_comes_and_none_is_kept(void **state) {
    (void)state;
    struct stream s = run("SELECT * FROM t ORDER BY i", 0, NULL); /* 54 MB: a query's cap is 16 */
    assert_int_equal(s.reply.err.code, NL_OK);
    assert_int_equal(s.reply.stage, NL_PG_DONE);
    assert_true(s.in_order);
    assert_int_equal(s.rows, 60000);
    assert_int_equal(s.nulls, 6000);
    assert_int_equal(s.bytes, 54000000);
    assert_int_equal(s.reply.rows.rows, 0);
    assert_null(s.reply.rows.cells);
    nl_pg_reply_release(&s.reply);
}

static void a_row_may_be_refused(void **state) {
    (void)state;
    uint64_t from = nl_loop_now(test_loop());
    struct stream s = run("SELECT * FROM t ORDER BY i", 1234, NULL);
    assert_int_equal(s.reply.err.code, NL_LIMIT);
    assert_string_equal(s.reply.err.msg, "row 1234 is too much");
    assert_int_equal(s.rows, 1234);
    nl_pg_reply_release(&s.reply);
    /* what would follow is not waited for: it would run into its timeout */
    s = run("SELECT 1, s, '' FROM t, generate_series(1, 100000)", 1, NULL);
    assert_string_equal(s.reply.err.msg, "row 1 is too much");
    nl_pg_reply_release(&s.reply);
    assert_true(nl_loop_now(test_loop()) - from < 5000);
    assert_string_equal(test_pg_value(pool, "SELECT 7"), "7");
}

static void failures_come_as_those_of_a_query(void **state) {
    (void)state;
    const nl_pg_limits small = { .max_bytes = 100000 };
    struct stream s = run("SELECT 1 / (i - 50), s, e FROM t", 0, NULL);
    assert_string_equal(s.reply.err.sqlstate, "22012");
    assert_int_equal(s.rows, 49);
    nl_pg_reply_release(&s.reply);
    s = run("SELECT 1, repeat('x', 30000000), ''", 0, &small); /* one row has its cap */
    assert_int_equal(s.reply.err.code, NL_LIMIT);
    assert_int_equal(s.rows, 0);
    nl_pg_reply_release(&s.reply);
    s = run("SELECT i, s, e FROM t LIMIT 10000", 0, &small);
    assert_int_equal(s.reply.err.code, NL_OK);
    assert_int_equal(s.rows, 10000);
    nl_pg_reply_release(&s.reply);
    assert_string_equal(test_pg_value(pool, "SELECT 7"), "7");
}

/* Where another's scan is must not decide which rows come first. */
static void scans_begin_at_the_beginning(void **state) {
    (void)state;
    assert_string_equal(test_pg_value(pool, "SELECT current_setting('synchronize_seqscans')"),
                        "off");
}

static int set_up(void **state) {
    (void)state;
    pool = test_pg_open(test_db_make("stream", schema), 1);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    nl_pg_free(pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_comes_and_none_is_kept),
        cmocka_unit_test(a_row_may_be_refused),
        cmocka_unit_test(failures_come_as_those_of_a_query),
        cmocka_unit_test(scans_begin_at_the_beginning),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
