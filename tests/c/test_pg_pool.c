/* The pool: waiting for a place, servers with little room, cancelling, deadlines, servers that go
 * away. */
#include "io/pg.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg_fixture.h"
#include "test_db.h"
#include "test_pg.h"

#include "base/banned.h"

/* --- several operations at once --------------------------------------------------------------- */

static void two_thousand_wait_for_eight(void **state) {
    (void)state;
    nl_pg_stats stats;
    struct many many = { .wanted = 2000 };
    nl_pg *pg = test_pg_open(test_db_url(NULL), 8);
    for (size_t i = 0; i < many.wanted; i++)
        pg_ask(pg, i % 10 ? "SELECT 1" : "SELECT nothing", &many);
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.waiting, 2000);
    assert_int_equal(many.ended, 0); /* none from within the call */
    assert_true(test_loop_until(&many.all, 60000));
    assert_int_equal(many.ok, 1800);
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.open, 8);
    assert_int_equal(stats.connects, 8);
    assert_int_equal(stats.retired, 0);
    assert_int_equal(stats.busy + stats.waiting, 0);
    assert_int_equal(stats.probes, 2000);
    nl_pg_free(pg);
}

static void connections_open_as_they_are_needed(void **state) {
    (void)state;
    nl_pg_stats stats;
    nl_pg *pg = test_pg_open(test_db_url(NULL), 8);
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.open, 0);
    for (int i = 0; i < 5; i++)
        assert_string_equal(test_pg_value(pg, "SELECT 1"), "1");
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.connects, 1);
    nl_pg_free(pg);
}

/* --- a server with little room ---------------------------------------------------------------- */

static void a_full_server_is_waited_for(void **state) {
    (void)state;
    struct many many = { .wanted = 60 };
    nl_pg_stats stats;
    nl_pg *pg = test_pg_open(pg_strict_url, 12); /* it takes 6 */
    for (size_t i = 0; i < many.wanted; i++)
        pg_ask(pg, "SELECT pg_sleep(0.05)", &many);
    assert_true(test_loop_until(&many.all, 30000));
    if (many.ok != many.wanted)
        fail_msg("%zu of %zu: %s", many.ok, many.wanted, many.msg);
    nl_pg_get_stats(pg, &stats);
    assert_in_range(stats.open, 1, 6);

    /* Others hold all the room: without a connection of our own too it is waited for, a while. */
    nl_pg *late = test_pg_open(pg_strict_url, 3);
    struct many hold = { .wanted = 6 }, few = { .wanted = 3 };
    for (size_t i = 0; i < hold.wanted; i++)
        pg_ask(pg, "SELECT pg_sleep(0.8)", &hold);
    test_loop_until(NULL, 300);
    for (size_t i = 0; i < few.wanted; i++)
        pg_ask(late, "SELECT 1", &few);
    assert_true(test_loop_until(&hold.all, 10000));
    nl_pg_free(pg); /* now there is room */
    assert_true(test_loop_until(&few.all, 10000));
    if (few.ok != few.wanted)
        fail_msg("%zu of %zu: %s", few.ok, few.wanted, few.msg);
    nl_pg_free(late);
}

static void a_shrunk_pool_grows_again(void **state) {
    (void)state;
    struct many hold = { .wanted = 4 }, many = { .wanted = 200 };
    nl_pg_stats stats;
    size_t most = 0;
    nl_pg *other = test_pg_open(pg_strict_url, 4), *pg = test_pg_open(pg_strict_url, 5);
    for (size_t i = 0; i < hold.wanted; i++)
        pg_ask(other, "SELECT pg_sleep(0.5)", &hold);
    test_loop_until(NULL, 200);
    for (size_t i = 0; i < many.wanted; i++)
        pg_ask(pg, "SELECT pg_sleep(0.05)", &many);
    assert_true(test_loop_until(&hold.all, 10000));
    nl_pg_free(other);
    while (!test_loop_until(&many.all, 50)) {
        nl_pg_get_stats(pg, &stats);
        most = stats.busy > most ? stats.busy : most;
    }
    assert_int_equal(many.ok, many.wanted);
    assert_int_equal(most, 5);
    nl_pg_free(pg);
}

/* --- what is called off ----------------------------------------------------------------------- */

static void a_cancelled_query_ends_at_the_server(void **state) {
    (void)state;
    struct many many = { .wanted = 2 };
    nl_pg *pg = test_pg_open(test_db_url(NULL), 1);
    nl_pg_op *op = pg_ask_long(pg, "mark1", &many);
    pg_ask(pg, "SELECT 1", &many);
    nl_pg_op *waiting = pg_ask(pg, "SELECT 2", &many);
    pg_ask(pg, "SELECT 3", &many);
    assert_true(pg_comes_to(test_db_url(NULL), "mark1", 1));
    nl_pg_cancel(op);
    nl_pg_cancel(waiting);
    assert_true(pg_comes_to(test_db_url(NULL), "mark1", 0));
    op = pg_ask(pg, LONG_QUERY, &many);
    assert_true(pg_comes_to(test_db_url(NULL), "FETCH FORWARD", 1));
    nl_pg_cancel(op);
    assert_true(pg_comes_to(test_db_url(NULL), "FETCH FORWARD", 0));
    assert_true(test_loop_until(&many.all, 5000)); /* the others, and no more than they */
    test_loop_until(NULL, 50);
    assert_int_equal(many.ended, 2);
    assert_int_equal(many.ok, 2);
    nl_pg_free(pg);
}

static void freeing_a_pool_calls_off_all(void **state) {
    (void)state;
    struct many many = { .wanted = 1 };
    nl_pg *pg = test_pg_open(test_db_url(NULL), 3);
    for (int i = 0; i < 10; i++) /* three run, seven wait */
        pg_ask_long(pg, "mark2", &many);
    assert_true(pg_comes_to(test_db_url(NULL), "mark2", 3));
    nl_pg_free(pg);
    assert_true(pg_comes_to(test_db_url(NULL), "mark2", 0));

    pg = test_pg_open(test_db_url(NULL), 3); /* while connecting */
    pg_ask(pg, "SELECT 1", &many);
    test_loop_until(NULL, 1);
    size_t answered = many.ended; /* on a busy machine a millisecond may be long enough */
    nl_pg_free(pg);
    pg = test_pg_open("postgresql://app@localhost:1/x", 3); /* while a name is looked up */
    pg_ask(pg, "SELECT 1", &many);
    nl_pg_free(pg);
    pg = test_pg_open(test_db_url(NULL), 3); /* before the loop turned at all */
    pg_ask(pg, "SELECT 1", &many);
    nl_pg_free(pg);
    test_loop_until(NULL, 100);
    assert_int_equal(many.ended, answered);
    nl_pg_free(NULL);
}

static void a_callback_may_free_the_pool(void **state) {
    (void)state;
    static const char *const urls[] = { NULL, "postgresql://app@127.0.0.1:1/x" };
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct many many = { .wanted = 1 };
        many.to_free = test_pg_open(urls[i] ? urls[i] : test_db_url(NULL), 2);
        for (int j = 0; j < 5; j++)
            pg_ask(many.to_free, "SELECT 1", &many);
        assert_true(test_loop_until(&many.all, 5000));
        test_loop_until(NULL, 50);
        assert_int_equal(many.ended, 1);
    }
}

static void the_client_has_a_deadline_too(void **state) {
    (void)state;
    const nl_pg_limits limits = { .statement_ms = 60000, .deadline_ms = 500 };
    nl_pg_stats stats;
    nl_pg *pg = test_pg_open(test_db_url(NULL), 1);
    nl_pg_reply reply = test_pg_probe(pg, LONG_QUERY " -- mark3", true, &limits);
    assert_int_equal(reply.err.code, NL_TIMEOUT);
    assert_int_equal(reply.stage, NL_PG_EXECUTE);
    nl_pg_reply_release(&reply);
    assert_int_equal(pg_running(test_db_url(NULL), "FETCH FORWARD"),
                     0); /* it was the cancel's end */
    assert_string_equal(test_pg_value(pg, "SELECT 1"), "1");
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.retired, 1); /* a late cancel must not hit the next one */
    nl_pg_free(pg);
}

static void a_query_that_swallows_its_cancel(void **state) {
    (void)state;
    const nl_pg_limits limits = { .statement_ms = 200, .deadline_ms = 500 };
    nl_pg *pg = test_pg_open(test_db_url(NULL), 1);
    test_db_psql(NULL, "CREATE FUNCTION stubborn() RETURNS int LANGUAGE plpgsql AS $$ "
                       "DECLARE until timestamptz := clock_timestamp() + interval '6 s'; BEGIN "
                       "WHILE clock_timestamp() < until LOOP BEGIN PERFORM pg_sleep(5); "
                       "EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; RETURN 1; END $$");
    nl_pg_reply reply = test_pg_probe(pg, "SELECT stubborn()", true, &limits);
    assert_int_equal(reply.err.code, NL_TIMEOUT);
    nl_pg_reply_release(&reply);
    assert_string_equal(test_pg_value(pg, "SELECT 1"), "1");
    nl_pg_free(pg);
}

/* --- servers that go away --------------------------------------------------------------------- */

static void end_all_sessions(void) {
    test_db_psql(NULL, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE application_name = 'nlsql'");
    while (strcmp(test_db_psql(NULL, "SELECT count(*) FROM pg_stat_activity "
                                     "WHERE application_name = 'nlsql'"),
                  "0") != 0)
        pg_nap(10);
}

static void a_connection_found_dead_is_replaced(void **state) {
    (void)state;
    nl_pg_stats stats;
    nl_pg *pg = test_pg_open(test_db_url(NULL), 1);
    assert_string_equal(test_pg_value(pg, "SELECT 1"), "1");
    /* The loop does not turn in between: the pool cannot know yet. */
    end_all_sessions();
    assert_string_equal(test_pg_value(pg, "SELECT 2"), "2");
    end_all_sessions();
    test_loop_until(NULL, 50); /* here it does */
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.open, 0);
    assert_string_equal(test_pg_value(pg, "SELECT 3"), "3");
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.connects, 3);
    nl_pg_free(pg);
}

static void a_server_restarts_under_load(void **state) {
    (void)state;
    struct many long_ones = { .wanted = 2 }, many = { .wanted = 20 };
    nl_pg *pg = test_pg_open(pg_strict_url, 2);
    pg_ask_long(pg, "mark4", &long_ones);
    pg_ask_long(pg, "mark4", &long_ones);
    assert_true(pg_comes_to(pg_strict_url, "mark4", 2));
    for (size_t i = 0; i < many.wanted; i++)
        pg_ask(pg, "SELECT 1", &many);
    /* A backend that is killed makes the server end all others and start anew. */
    nl_pg *other = test_pg_open(pg_strict_url, 1);
    long victim = strtol(
        test_pg_value(other, "SELECT pid FROM pg_stat_activity "
                             "WHERE query LIKE '%mark4%' AND pid <> pg_backend_pid() LIMIT 1"),
        NULL, 10);
    assert_true(victim > 1);
    assert_int_equal(kill((pid_t)victim, SIGKILL), 0);
    assert_true(test_loop_until(&long_ones.all, 10000));
    assert_int_equal(long_ones.ok, 0); /* they had begun: not repeated behind the caller's back */
    assert_int_equal(long_ones.code, NL_NET);
    assert_non_null(strstr(long_ones.msg, "lost the connection"));
    assert_true(test_loop_until(&many.all, 20000));
    /* Those not begun wait until it is up again. A connection made before the server knew of the
     * crash may have begun with one; there are two connections. */
    if (many.ok + 2 < many.wanted || (many.ok < many.wanted && many.code != NL_NET))
        fail_msg("%zu of %zu: %s", many.ok, many.wanted, many.msg);
    nl_pg_free(other);
    nl_pg_free(pg);
}

static void a_server_that_is_gone(void **state) {
    (void)state;
    nl_err err = { .msg = "" };
    char url[512];
    struct many running_one = { .wanted = 1 }, many = { .wanted = 5 };
    nl_cluster *cluster = nl_cluster_start(NULL, &err);
    if (!cluster)
        fail_msg("%s", err.msg);
    assert_true(nl_cluster_url(cluster, NULL, url, sizeof url));
    const nl_pg_options options = { .sessions = 1, .connect_ms = 1000 };
    nl_pg *pg = nl_pg_new(test_loop(), url, &options, NULL);
    assert_non_null(pg);
    pg_ask_long(pg, "mark5", &running_one);
    assert_true(pg_comes_to(url, "mark5", 1));
    for (size_t i = 0; i < many.wanted; i++)
        pg_ask(pg, "SELECT 1", &many);
    nl_cluster_stop(cluster);
    assert_true(test_loop_until(&running_one.all, 5000));
    assert_int_equal(running_one.code, NL_NET);
    assert_true(test_loop_until(&many.all, 5000));
    assert_int_equal(many.ok, 0);
    assert_int_equal(many.code, NL_NET);
    nl_pg_free(pg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_open_as_they_are_needed),
        cmocka_unit_test(two_thousand_wait_for_eight),
        cmocka_unit_test(a_full_server_is_waited_for),
        cmocka_unit_test(a_shrunk_pool_grows_again),
        cmocka_unit_test(a_cancelled_query_ends_at_the_server),
        cmocka_unit_test(freeing_a_pool_calls_off_all),
        cmocka_unit_test(a_callback_may_free_the_pool),
        cmocka_unit_test(the_client_has_a_deadline_too),
        cmocka_unit_test(a_query_that_swallows_its_cancel),
        cmocka_unit_test(a_connection_found_dead_is_replaced),
        cmocka_unit_test(a_server_restarts_under_load),
        cmocka_unit_test(a_server_that_is_gone),
    };
    return cmocka_run_group_tests(tests, pg_set_up, pg_tear_down);
}
