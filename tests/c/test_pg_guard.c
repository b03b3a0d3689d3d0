/* What guards the database where the gate before it let something through: each guard alone, by
 * texts that only that one stops. */
#include "io/pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_db.h"
#include "test_pg.h"

#include "base/banned.h"

static nl_pg *pool;

/* What is IMMUTABLE runs while its query is planned, before any statement of the query's own. */
static const char schema[] =
    "CREATE TABLE t AS SELECT i AS a FROM generate_series(1, 2000) AS i;\n"
    "CREATE FUNCTION patient() RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN\n"
    "  PERFORM set_config('statement_timeout', '0', true);\n"
    "  PERFORM set_config('lock_timeout', '0', true);\n"
    "  PERFORM set_config('work_mem', '512MB', true); RETURN true; END $$;\n"
    "CREATE FUNCTION internal() RETURNS int LANGUAGE plpgsql AS\n"
    "  $$ BEGIN RAISE 'broken' USING ERRCODE = 'XX000'; END $$;\n"
    "CREATE SCHEMA evil;\n"
    "CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS\n"
    "  $$ SELECT $2 $$;\n"
    "CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '1' $$;\n"
    "CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;\n"
    "CREATE FUNCTION evil.pg_advisory_unlock_all() RETURNS void LANGUAGE sql AS $$ SELECT $$;\n"
    "CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes);\n"
    "CREATE OPERATOR evil.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes);\n"
    "CREATE ROLE guard_plain LOGIN;\n"
    "CREATE ROLE guard_led LOGIN;\n"
    "ALTER ROLE guard_led SET search_path = evil, pg_catalog, public;\n"
    "GRANT USAGE ON SCHEMA evil TO guard_led;\n"
    "GRANT SELECT ON t TO guard_plain, guard_led;\n"
    "ANALYZE;\n";

static nl_pg *open_as(const char *role) {
    char url[512];
    (void)snprintf(url, sizeof url, "%s%cuser=%s", test_db_url("pg_guard"),
                   strchr(test_db_url("pg_guard"), '?') ? '&' : '?', role);
    return test_pg_open(url, 1);
}

/* The first cell of a probe that must succeed. */
static const char *probed(nl_pg *pg, const char *sql, const nl_pg_limits *limits) {
    static char value[256];
    nl_pg_reply reply = test_pg_probe(pg, sql, true, limits);
    if (reply.err.code != NL_OK)
        fail_msg("%s: %s", sql, reply.err.msg);
    (void)snprintf(value, sizeof value, "%s", reply.rows.cells[0]);
    nl_pg_reply_release(&reply);
    return value;
}

/* Falls without STEP_STATEMENT_MS before STEP_FETCH (in execute[], pg_trip.c). */
static void limits_are_set_again_before_each_statement(void **state) {
    (void)state;
    const nl_pg_limits limits = { .statement_ms = 200, .lock_ms = 100, .deadline_ms = 8000 };
    nl_pg_reply reply =
        test_pg_probe(pool, "SELECT pg_sleep(5) FROM t WHERE patient() AND a = 1", true, &limits);
    assert_int_equal(reply.err.code, NL_TIMEOUT);
    assert_string_equal(reply.err.sqlstate, "57014"); /* the server's limit, not the client's */
    assert_true(reply.explain_ms < 2000);
    nl_pg_reply_release(&reply);
    assert_string_equal(probed(pool,
                               "SELECT concat_ws(' ', current_setting('statement_timeout'), "
                               "current_setting('lock_timeout'), current_setting('work_mem')) "
                               "FROM t WHERE patient() AND a = 1",
                               &limits),
                        "200ms 100ms 4MB");
}

/* Each falls without its line in check_plan. */
static void plans_are_capped_by_cost_and_by_rows(void **state) {
    (void)state;
    static const char sql[] = "SELECT count(*) FROM t a, t b"; /* one row of four million */
    const nl_pg_limits by_rows = { .max_plan_rows = 100000 }, by_cost = { .max_cost = 1000 };
    const nl_pg_limits wide = { .max_plan_rows = 1e7, .max_cost = 1e6 };
    nl_pg_reply reply = test_pg_probe(pool, sql, true, &by_rows);
    assert_int_equal(reply.stage, NL_PG_COST);
    assert_int_equal(reply.err.code, NL_LIMIT);
    assert_string_equal(reply.err.msg, "a step of the plan expects 4000000 rows, more than the "
                                       "100000 allowed");
    assert_true(reply.plan_rows == 1 && reply.most_rows == 4e6);
    nl_pg_reply_release(&reply);
    reply = test_pg_probe(pool, sql, true, &by_cost);
    assert_int_equal(reply.stage, NL_PG_COST);
    assert_non_null(strstr(reply.err.msg, "the plan's cost is "));
    nl_pg_reply_release(&reply);
    assert_string_equal(probed(pool, sql, &wide), "4000000");
}

#define MEMORY "SELECT current_setting('work_mem')"
#define FILES "SELECT current_setting('temp_file_limit')"

/* Falls without STEP_MEMORY, and without temp_file_limit or max_parallel_workers_per_gather in
 * send_settings. */
static void memory_files_and_workers_are_bounded_for_the_transaction(void **state) {
    (void)state;
    const nl_pg_limits low = { .work_mem_kb = 1000, .temp_kb = 5000 };
    const nl_pg_limits least = { .work_mem_kb = 1 }, high = { .work_mem_kb = 1 << 20 };
    const nl_pg_limits high_files = { .temp_kb = 5000 };
    nl_pg *plain = open_as("guard_plain");
    nl_pg *root = test_pg_open(test_db_url("pg_guard"), 1);
    assert_string_equal(probed(root, FILES, &low),
                        "5000kB"); /* the first operation of a pool too */
    nl_pg_free(root);
    assert_string_equal(probed(pool, MEMORY, &low), "1000kB");
    assert_string_equal(probed(pool, MEMORY, &least), "64kB"); /* the server takes no less */
    assert_string_equal(probed(pool, MEMORY, &high), "4MB");   /* never raised */
    assert_string_equal(probed(pool, FILES, &low), "5000kB");
    assert_string_equal(probed(pool, FILES, NULL), "-1");
    assert_string_equal(
        probed(pool, "SELECT current_setting('max_parallel_workers_per_gather')", NULL), "0");
    assert_string_equal(test_pg_value(pool, "SHOW work_mem"), "4MB");

    nl_pg_reply reply = test_pg_probe(
        pool, "SELECT repeat('x', 200) || i FROM generate_series(1, 100000) i ORDER BY 1", true,
        &low);
    assert_string_equal(reply.err.sqlstate, "53400"); /* more than 5 MB of temporary files */
    nl_pg_reply_release(&reply);

    /* One who may not set it goes without. */
    assert_string_equal(probed(plain, FILES, &low), "-1");
    assert_string_equal(probed(plain, FILES, &low), "-1");
    assert_string_equal(probed(plain, MEMORY, &low), "1000kB");
    if (atoi(test_pg_value(pool, "SHOW server_version_num")) >= 150000) {
        (void)test_db_psql("pg_guard", "GRANT SET ON PARAMETER temp_file_limit TO guard_plain");
        nl_pg *granted = open_as("guard_plain");
        assert_string_equal(probed(granted, FILES, &low), "5000kB"); /* the first as those after */
        assert_string_equal(probed(granted, FILES, &low), "5000kB");
        nl_pg_free(granted);
    }
    (void)test_db_psql("pg_guard", "ALTER DATABASE pg_guard SET temp_file_limit = '900kB'");
    nl_pg *first = test_pg_open(test_db_url("pg_guard"), 1);
    assert_string_equal(probed(first, FILES, &high_files), "900kB"); /* never raised either */
    assert_string_equal(probed(first, FILES, &high_files), "900kB");
    (void)test_db_psql("pg_guard", "ALTER DATABASE pg_guard RESET temp_file_limit");
    nl_pg_free(first);
    nl_pg_free(plain);
}

/* Falls without no_transaction in was_in_transaction: while ROLLBACK is under way libpq tells no
 * status. */
static void a_transaction_that_was_ended_is_noticed(void **state) {
    (void)state;
    nl_pg *pg = test_pg_open(test_db_url("pg_guard"), 1);
    nl_pg_stats stats;
    nl_pg_reply reply = test_pg_query(pg, "COMMIT", NULL, 0, NULL);
    assert_int_equal(reply.err.code, NL_DB);
    assert_string_equal(reply.err.msg, "the statement ended its transaction");
    nl_pg_reply_release(&reply);
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.retired, 1);
    assert_string_equal(test_pg_value(pg, "SELECT 7"), "7");
    nl_pg_free(pg);
}

static const char *advisory(void) {
    return test_db_psql("pg_guard", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
}

/* Falls without STEP_UNLOCK: these outlive ROLLBACK. */
static void locks_of_the_session_are_released(void **state) {
    (void)state;
    static const char *const texts[] = {
        "SELECT pg_advisory_lock(7)",
        "SELECT pg_advisory_lock(7), 1 / (a - 1) FROM t",
        "SELECT pg_advisory_lock_shared(a) FROM t LIMIT 100",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        nl_pg_reply reply = test_pg_probe(pool, texts[i], true, NULL);
        nl_pg_reply_release(&reply);
        assert_string_equal(advisory(), "0");
    }
    nl_pg_stats stats;
    nl_pg_get_stats(pool, &stats);
    assert_int_equal(stats.open, 1);
}

/* Falls without its line in pg_reply_error. */
static void after_an_internal_error_another_connection_serves(void **state) {
    (void)state;
    nl_pg *pg = test_pg_open(test_db_url("pg_guard"), 1);
    nl_pg_stats stats;
    nl_pg_reply reply = test_pg_probe(pg, "SELECT internal()", true, NULL);
    assert_string_equal(reply.err.sqlstate, "XX000");
    nl_pg_reply_release(&reply);
    reply = test_pg_probe(pg, "SELECT 1 / 0", true, NULL);
    assert_string_equal(reply.err.sqlstate, "22012");
    nl_pg_reply_release(&reply);
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.retired, 1);
    assert_int_equal(stats.connects, 2);
    nl_pg_free(pg);
}

/* Falls where a function or an operator of ours has no schema before it. */
static void a_search_path_leads_none_of_ours_astray(void **state) {
    (void)state;
    const nl_pg_limits limits = { .statement_ms = 200, .work_mem_kb = 1000, .deadline_ms = 8000 };
    nl_pg *led = open_as("guard_led");
    for (int i = 0; i < 2; i++) { /* what the first learns holds for the second */
        nl_pg_reply reply = test_pg_probe(led, "SELECT pg_sleep(5)", true, &limits);
        assert_string_equal(reply.err.sqlstate, "57014");
        nl_pg_reply_release(&reply);
        assert_string_equal(probed(led, "SELECT pg_catalog.current_setting('work_mem')", &limits),
                            "1000kB");
        assert_string_equal(probed(led, "SELECT pg_catalog.current_setting('jit')", &limits),
                            "off");
        assert_string_equal(
            probed(led, "SELECT pg_catalog.current_setting('transaction_read_only')", &limits),
            "on");
        reply = test_pg_probe(led, "SELECT pg_advisory_lock(7)", true, &limits);
        assert_int_equal(reply.err.code, NL_OK);
        nl_pg_reply_release(&reply);
        assert_string_equal(advisory(), "0");
    }
    nl_pg_free(led);
}

static int set_up(void **state) {
    (void)state;
    pool = test_pg_open(test_db_make("pg_guard", schema), 1);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    nl_pg_free(pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_set_again_before_each_statement),
        cmocka_unit_test(plans_are_capped_by_cost_and_by_rows),
        cmocka_unit_test(memory_files_and_workers_are_bounded_for_the_transaction),
        cmocka_unit_test(a_transaction_that_was_ended_is_noticed),
        cmocka_unit_test(locks_of_the_session_are_released),
        cmocka_unit_test(after_an_internal_error_another_connection_serves),
        cmocka_unit_test(a_search_path_leads_none_of_ours_astray),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
