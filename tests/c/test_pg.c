/* Queries and probes on a real server: what comes back, what is refused and where, the caps, and
 * that nothing that a text does outlives its transaction. */
#include "io/pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test_db.h"
#include "test_memory.h"
#include "test_pg.h"

#include "base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static nl_pg *pool;

static const char schema[] =
    "CREATE TABLE t AS SELECT i AS a, 'x' || i AS b FROM generate_series(1, 2000) AS i;\n"
    "CREATE TABLE locked (a int);\n"
    "CREATE SEQUENCE s;\n"
    "CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS\n"
    "  'INSERT INTO locked VALUES (1) RETURNING a';\n"
    "CREATE FUNCTION loud() RETURNS int LANGUAGE plpgsql AS\n"
    "  $$ BEGIN RAISE WARNING 'loud'; RETURN 1; END $$;\n"
    "CREATE FUNCTION commits() RETURNS int LANGUAGE plpgsql AS $$ BEGIN COMMIT; RETURN 1; END $$;\n"
    "CREATE FUNCTION hinted() RETURNS int LANGUAGE plpgsql AS\n"
    "  $$ BEGIN RAISE 'broken' USING DETAIL = 'why', HINT = 'how', ERRCODE = 'P0042'; END $$;\n"
    "ANALYZE;\n";

static const char *stage_name(nl_pg_stage stage) {
    static const char *const names[] = { "connect", "explain", "cost", "execute", "done" };
    return names[stage];
}

static void results_come_as_they_are(void **state) {
    (void)state;
    const char *const params[] = { "7", NULL, "ä;'\"" };
    nl_pg_reply reply = test_pg_query(
        pool, "SELECT $1::int + 1 AS one, $2::text AS \"Two\", $3::text AS three, ''::text AS four",
        params, 3, NULL);
    assert_int_equal(reply.err.code, NL_OK);
    assert_int_equal(reply.stage, NL_PG_DONE);
    const nl_pg_rows *rows = &reply.rows;
    assert_int_equal(rows->columns, 4);
    assert_int_equal(rows->rows, 1);
    assert_string_equal(rows->names[1], "Two");
    assert_int_equal(rows->types[0], 23);
    assert_string_equal(rows->cells[0], "8");
    assert_null(rows->cells[1]);
    assert_string_equal(rows->cells[2], "ä;'\"");
    assert_int_equal(rows->sizes[2], strlen("ä;'\""));
    assert_non_null(rows->cells[3]);
    assert_int_equal(rows->sizes[3], 0);
    assert_int_equal(rows->bytes, 1 + strlen("ä;'\""));
    nl_pg_reply_release(&reply);

    reply = test_pg_query(pool, "SELECT a FROM t WHERE false", NULL, 0, NULL);
    assert_int_equal(reply.err.code, NL_OK);
    assert_int_equal(reply.rows.rows, 0); /* the columns are known all the same */
    assert_int_equal(reply.rows.columns, 1);
    assert_string_equal(reply.rows.names[0], "a");
    nl_pg_reply_release(&reply);

    reply = test_pg_query(pool, "SELECT FROM t LIMIT 3", NULL, 0, NULL);
    assert_int_equal(reply.err.code, NL_OK);
    assert_int_equal(reply.rows.columns, 0);
    assert_int_equal(reply.rows.rows, 3);
    nl_pg_reply_release(&reply);
}

/* Each as a probe with limits of 300 ms, a cost of 100,000 and 1,500 rows. */
static const struct {
    const char *why;
    const char *sql;
    nl_pg_stage stage;
    nl_code code;
    const char *sqlstate;
    unsigned position; /* in `sql`; 0: not looked at */
} probes[] = {
    { "a plain query", "SELECT a, b FROM t WHERE a < 10", NL_PG_DONE, NL_OK, "", 0 },
    { "a semicolon in a literal ends nothing", "SELECT ';' || b FROM t LIMIT 1", NL_PG_DONE, NL_OK,
      "", 0 },
    { "a comment at the end hides nothing of ours", "SELECT 1 -- done", NL_PG_DONE, NL_OK, "", 0 },
    { "VALUES and WITH are queries too", "WITH x AS (VALUES (1), (2)) SELECT * FROM x", NL_PG_DONE,
      NL_OK, "", 0 },
    { "two statements", "SELECT 1; SELECT 2", NL_PG_EXPLAIN, NL_DB, "42601", 0 },
    { "an end of the transaction as a second statement", "SELECT 1; COMMIT", NL_PG_EXPLAIN, NL_DB,
      "42601", 0 },
    { "the end of the transaction alone", "COMMIT", NL_PG_EXPLAIN, NL_DB, "42601", 1 },
    { "it cannot be made read-write", "SET TRANSACTION READ WRITE", NL_PG_EXPLAIN, NL_DB, "42601",
      1 },
    { "a procedure's COMMIT", "SELECT commits()", NL_PG_EXECUTE, NL_DB, "2D000", 0 },
    { "a writing function", "SELECT writes()", NL_PG_EXECUTE, NL_DB, "25006", 0 },
    { "a sequence", "SELECT nextval('s')", NL_PG_EXECUTE, NL_DB, "25006", 0 },
    { "set_config cannot undo READ ONLY",
      "SELECT set_config('transaction_read_only', 'off', true), writes()", NL_PG_EXECUTE, NL_DB,
      "25001", 0 },
    { "a writing CTE", "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", NL_PG_EXPLAIN,
      NL_DB, "0A000", 0 },
    { "an INSERT", "INSERT INTO t VALUES (1)", NL_PG_EXPLAIN, NL_DB, "42601", 1 },
    { "SELECT INTO", "SELECT a INTO u FROM t", NL_PG_EXPLAIN, NL_DB, "42601", 0 },
    { "row locks", "SELECT a FROM t FOR UPDATE", NL_PG_EXECUTE, NL_DB, "25006", 0 },
    { "a parameter that nobody gives", "SELECT $1::int", NL_PG_EXPLAIN, NL_DB, "08P01", 0 },
    { "a misspelt word, by its place in the user's text", "SELECT a FRM t", NL_PG_EXPLAIN, NL_DB,
      "42601", 14 },
    { "a place is counted in characters", "SELECT 'äöü', nothing FROM t", NL_PG_EXPLAIN, NL_DB,
      "42703", 15 },
    { "a column that is not there", "SELECT nothing FROM t", NL_PG_EXPLAIN, NL_DB, "42703", 8 },
    { "an error while it runs", "SELECT 1 / (a - 5) FROM t", NL_PG_EXECUTE, NL_DB, "22012", 0 },
    { "statement_timeout", "SELECT pg_sleep(20)", NL_PG_EXECUTE, NL_TIMEOUT, "57014", 0 },
    { "statement_timeout against a loop",
      "SELECT count(*) FROM generate_series(1, 100) a, "
      "generate_series(1, 1000) b, generate_series(1, 1000) c "
      "WHERE a * b + c < 0",
      NL_PG_COST, NL_LIMIT, "", 0 },
    { "a plan above the cap", "SELECT count(*) FROM t a, t b, t c", NL_PG_COST, NL_LIMIT, "", 0 },
    { "an empty text", "", NL_PG_EXPLAIN, NL_DB, "42601", 0 },
};

static void a_probe_tells_how_far_it_came(void **state) {
    (void)state;
    const nl_pg_limits limits = { .statement_ms = 300, .max_cost = 100000, .max_rows = 1500 };
    for (size_t i = 0; i < COUNT(probes); i++) {
        nl_pg_reply reply = test_pg_probe(pool, probes[i].sql, true, &limits);
        if (reply.stage != probes[i].stage || reply.err.code != probes[i].code ||
            strcmp(reply.err.sqlstate, probes[i].sqlstate) != 0)
            fail_msg("%s: %s: %s %s: %s", probes[i].why, stage_name(reply.stage),
                     nl_code_name(reply.err.code), reply.err.sqlstate, reply.err.msg);
        if (probes[i].position && reply.position != probes[i].position)
            fail_msg("%s: position %u", probes[i].why, reply.position);
        if (reply.err.code != NL_OK && (reply.rows.rows > 0 || !reply.err.msg[0]))
            fail_msg("%s: a failure with rows, or without words", probes[i].why);
        nl_pg_reply_release(&reply);
    }
    nl_pg_stats stats;
    nl_pg_get_stats(pool, &stats); /* none of that costs a connection */
    assert_int_equal(stats.retired, 0);
    assert_int_equal(stats.connects, 1);
    assert_string_equal(test_db_psql("pg", "SELECT count(*) FROM locked"), "0");
    assert_string_equal(test_db_psql("pg", "SELECT is_called FROM s"), "f");
}

static void a_probe_brings_plan_and_rows(void **state) {
    (void)state;
    nl_pg_reply reply = test_pg_probe(pool, "SELECT a, b FROM t ORDER BY a LIMIT 2", true, NULL);
    assert_int_equal(reply.stage, NL_PG_DONE);
    assert_non_null(strstr(reply.plan.data, "\"Plan\""));
    assert_true(reply.cost > 1);
    assert_true(reply.plan_rows == 2);
    assert_int_equal(reply.rows.rows, 2);
    assert_string_equal(reply.rows.cells[3], "x2");
    assert_true(reply.explain_ms > 0 && reply.execute_ms > 0);
    nl_pg_reply_release(&reply);

    reply = test_pg_probe(pool, "SELECT pg_sleep(30)", false, NULL);
    assert_int_equal(reply.stage, NL_PG_DONE); /* planned, not run */
    assert_true(reply.cost >= 0);
    assert_int_equal(reply.rows.columns, 0);
    nl_pg_reply_release(&reply);

    /* The cost is the plan's own, whatever its strings hold. */
    reply = test_pg_probe(pool,
                          "SELECT a AS \"\"\"Total Cost\"\": 1\" FROM (SELECT a FROM t) "
                          "AS \"\"\"Total Cost\"\": 1\" ORDER BY a",
                          false, NULL);
    assert_true(reply.cost > 30);
    nl_pg_reply_release(&reply);

    reply = test_pg_probe(pool, "SELECT hinted()", true, NULL);
    assert_string_equal(reply.err.msg, "broken");
    assert_string_equal(reply.err.sqlstate, "P0042");
    assert_string_equal(reply.detail, "why");
    assert_string_equal(reply.hint, "how");
    nl_pg_reply_release(&reply);
}

static void rows_and_fields_are_capped(void **state) {
    (void)state;
    static const struct {
        size_t max_rows, rows;
        bool more;
        const char *sql;
    } cases[] = {
        { 0, 1000, true, "SELECT a FROM t" },       { 1999, 1999, true, "SELECT a FROM t" },
        { 2000, 2000, false, "SELECT a FROM t" },   { 1, 1, true, "SELECT a FROM t" },
        { 1, 1, false, "SELECT a FROM t LIMIT 1" }, { (size_t)-1, 2000, false, "SELECT a FROM t" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const nl_pg_limits limits = { .max_rows = cases[i].max_rows };
        nl_pg_reply reply = test_pg_probe(pool, cases[i].sql, true, &limits);
        assert_int_equal(reply.err.code, NL_OK);
        assert_int_equal(reply.rows.rows, cases[i].rows);
        assert_int_equal(reply.rows.more, cases[i].more);
        nl_pg_reply_release(&reply);
    }
    nl_pg_reply reply = test_pg_query(pool, "SELECT a FROM t", NULL, 0, NULL);
    assert_int_equal(reply.rows.rows, 2000); /* a query of ours has no cap but what is asked */
    nl_pg_reply_release(&reply);
    const nl_pg_limits three = { .max_rows = 3, .max_field = 4 };
    reply = test_pg_query(pool, "SELECT a, 'abcäöü' FROM t", NULL, 0, &three);
    assert_int_equal(reply.rows.rows, 3);
    assert_true(reply.rows.more);
    assert_string_equal(reply.rows.cells[1], "abc"); /* not half of the ä */
    assert_int_equal(reply.rows.sizes[1], 3);
    nl_pg_reply_release(&reply);
}

#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
/* The most memory that this process ever held, kB. */
static long peak_kb(void) {
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    }
    assert_non_null(file);
    (void)fclose(file);
    assert_true(kb > 0);
    return kb;
}
#endif

static void bytes_are_capped_before_they_are_held(void **state) {
    (void)state;
    static const struct {
        const char *why;
        const char *sql;
        size_t max_bytes;
        nl_code code;
    } cases[] = {
        { "one value of 300 MB", "SELECT repeat(repeat('x', 1000000), 300)", 0, NL_LIMIT },
        { "many middling ones", "SELECT repeat('x', 100000) FROM t", 0, NL_LIMIT },
        { "a little too much", "SELECT repeat('x', 1000) FROM t LIMIT 101", 100000, NL_LIMIT },
        { "exactly as much", "SELECT repeat('x', 1000) FROM t LIMIT 100", 100000, NL_OK },
        { "one large value within the cap", "SELECT repeat('x', 15000000)", 0, NL_OK },
        { "rows of 15 MB in all, as fast as they come",
          "SELECT repeat('x', 15000) FROM t LIMIT 1000", 0, NL_OK },
        { "rows larger than a socket's buffer", "SELECT repeat('x', 700000) FROM t LIMIT 20", 0,
          NL_OK },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const nl_pg_limits limits = { .max_bytes = cases[i].max_bytes };
#ifndef __SANITIZE_ADDRESS__
        long before = peak_kb();
#endif
        nl_pg_reply reply = test_pg_probe(pool, cases[i].sql, true, &limits);
        if (reply.err.code != cases[i].code)
            fail_msg("%s: %s: %s (%zu bytes)", cases[i].why, nl_code_name(reply.err.code),
                     reply.err.msg, reply.rows.bytes);
        assert_int_equal(reply.stage, cases[i].code == NL_OK ? NL_PG_DONE : NL_PG_EXECUTE);
        nl_pg_reply_release(&reply);
#ifndef __SANITIZE_ADDRESS__
        /* what libpq has read of the row, and, where it is whole, its copies: theirs and ours */
        if (peak_kb() - before > (cases[i].code == NL_OK ? 48 : 24) * 1024)
            fail_msg("%s: %ld kB more", cases[i].why, peak_kb() - before);
#endif
    }
    assert_string_equal(test_pg_value(pool, "SELECT 7"), "7");
}

static void locks_are_not_waited_for(void **state) {
    (void)state;
    nl_pg *holder = test_pg_open(test_db_url("pg"), 1);
    const nl_pg_limits patient = { .statement_ms = 20000 };
    const nl_pg_limits limits = { .statement_ms = 5000, .lock_ms = 100 };
    nl_err err = { .msg = "" };
    /* An advisory lock, since a READ ONLY transaction can take no stronger one on a table. */
    bool never = false;
    nl_pg_op *op = nl_pg_query(holder, "SELECT pg_advisory_xact_lock(42), pg_sleep(20)", NULL, 0,
                               &patient, (nl_pg_done)(void (*)(void))abort, NULL, &err);
    assert_non_null(op);
    for (int i = 0; i < 500; i++) {
        if (strcmp(test_pg_value(pool, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
                   "1") == 0)
            break;
        test_loop_until(&never, 10);
    }
    nl_pg_reply reply = test_pg_probe(pool, "SELECT pg_advisory_xact_lock(42)", true, &limits);
    assert_int_equal(reply.stage, NL_PG_EXECUTE);
    assert_int_equal(reply.err.code, NL_DB);
    assert_string_equal(reply.err.sqlstate, "55P03");
    nl_pg_reply_release(&reply);
    nl_pg_cancel(op);
    nl_pg_free(holder);
}

static void limits_last_for_one_transaction(void **state) {
    (void)state;
    static const char sql[] =
        "SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') || "
        "' ' || current_setting('transaction_read_only') || ' ' || "
        "coalesce(current_setting('client_connection_check_interval', true), '-')";
    const nl_pg_limits limits = { .statement_ms = 1234, .lock_ms = 77 };
    nl_pg_reply reply = test_pg_probe(pool, sql, true, &limits);
    assert_int_equal(reply.err.code, NL_OK);
    bool checks = atoi(test_pg_value(pool, "SHOW server_version_num")) >= 140000;
    assert_string_equal(reply.rows.cells[0], checks ? "1234ms 77ms on 2s" : "1234ms 77ms on -");
    nl_pg_reply_release(&reply);
    assert_string_equal(test_pg_value(pool, sql), /* the defaults, by now */
                        checks ? "10s 1s on 2s" : "10s 1s on -");
    assert_string_equal(test_pg_value(pool, "SELECT set_config('work_mem', '77MB', false)"),
                        "77MB");
    assert_string_not_equal(test_pg_value(pool, "SHOW work_mem"), "77MB"); /* rolled back */
}

static void the_servers_warnings_are_not_printed(void **state) {
    (void)state;
    char path[] = "/tmp/nlsql-test-XXXXXX";
    int file = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(file >= 0 && saved >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    nl_pg_reply reply = test_pg_probe(pool, "SELECT loud()", true, NULL);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_int_equal(reply.err.code, NL_OK);
    assert_int_equal(lseek(file, 0, SEEK_END), 0);
    nl_pg_reply_release(&reply);
    close(file);
    close(saved);
    unlink(path);
}

struct ended {
    bool done;
    nl_code code;
};

static void on_ended(void *ctx, nl_pg_reply *reply) {
    struct ended *ended = ctx;
    ended->done = true;
    ended->code = reply->err.code;
    nl_pg_reply_release(reply);
}

static void memory_is_back(void *ctx) {
    (void)ctx;
    if (test_memory_failed())
        test_memory_fail(-1);
}

/* Memory runs out for a moment, libpq's and libuv's too: each operation ends, with an error unless
 * it was helped by another connection, and the pool serves on. */
static void memory_that_runs_out(void **state) {
    (void)state;
    static const char sql[] = "SELECT a, b FROM t LIMIT 100";
    const nl_pg_limits limits = { .deadline_ms = 300 };
    size_t failures = 0;
    nl_timer *timer = nl_timer_start(test_loop(), 1, 1, memory_is_back, NULL, NULL);
    for (long after = 0; after < 2000; after += after < 400 ? 1 : 37) {
        struct ended ended = { .done = false };
        nl_err err = { .code = NL_OK };
        nl_pg *pg = after % 2 ? test_pg_open(test_db_url("pg"), 2) : pool;
        test_memory_fail(after);
        const nl_pg_op *op = after % 3
                                 ? nl_pg_probe(pg, sql, true, &limits, on_ended, &ended, &err)
                                 : nl_pg_query(pg, sql, NULL, 0, &limits, on_ended, &ended, &err);
        bool refused = !op;
        if (refused)
            assert_int_equal(err.code, NL_NOMEM);
        else if (!test_loop_until(&ended.done, 15000))
            fail_msg("allocation %ld: it never ended", after);
        failures += test_memory_failed();
        bool over = !test_memory_failed();
        test_memory_fail(-1);
        if (pg != pool)
            nl_pg_free(pg);
        assert_string_equal(test_pg_value(pool, "SELECT 7"), "7");
        if (over && !refused && after % 2)
            break;
    }
    nl_timer_stop(timer);
    print_message("%zu failures\n", failures);
    assert_true(failures > 15); /* under a sanitizer the libraries never fail */
}

static int set_up(void **state) {
    (void)state;
    pool = test_pg_open(test_db_make("pg", schema), 1);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    nl_pg_free(pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_tells_how_far_it_came),
        cmocka_unit_test(results_come_as_they_are),
        cmocka_unit_test(a_probe_brings_plan_and_rows),
        cmocka_unit_test(rows_and_fields_are_capped),
        cmocka_unit_test(bytes_are_capped_before_they_are_held),
        cmocka_unit_test(locks_are_not_waited_for),
        cmocka_unit_test(limits_last_for_one_transaction),
        cmocka_unit_test(the_servers_warnings_are_not_printed),
        cmocka_unit_test(memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
