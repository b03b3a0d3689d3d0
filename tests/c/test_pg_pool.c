/* The pool: connecting and its failures, waiting, cancelling, deadlines, servers that go away, and
 * PgBouncer in between. */
#include "io/pg.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/proc.h"
#include "test_db.h"
#include "test_pg.h"

#include "base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PGBOUNCER "/usr/sbin/pgbouncer" /* not on a plain user's PATH */
/* Hours of work in little memory. */
#define LONG_QUERY "SELECT count(*) FROM pg_attribute a, pg_attribute b, pg_attribute c"

static char folder[64];      /* files of this test */
static nl_cluster *strict;   /* few connections, passwords over TCP */
static char strict_url[512]; /* as superuser, on its socket */
static unsigned strict_port;

static void nap(long ms) {
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

static unsigned free_port(void) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void write_file(const char *name, const char *text, char *path, size_t room) {
    (void)snprintf(path, room, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

/* --- several operations at once --------------------------------------------------------------- */

struct many {
    size_t wanted, ended, ok;
    nl_code code; /* of the last that failed */
    char msg[512];
    bool all;
    nl_pg *to_free; /* by the first callback */
};

static void on_one(void *ctx, nl_pg_reply *reply) {
    struct many *many = ctx;
    many->ended++;
    many->ok += reply->err.code == NL_OK;
    if (reply->err.code != NL_OK) {
        many->code = reply->err.code;
        (void)snprintf(many->msg, sizeof many->msg, "%s", reply->err.msg);
    }
    many->all = many->ended == many->wanted;
    nl_pg_reply_release(reply);
    nl_pg_free(many->to_free);
    many->to_free = NULL;
}

static nl_pg_op *ask(nl_pg *pg, const char *sql, struct many *many) {
    nl_err err = { .msg = "" };
    nl_pg_op *op = nl_pg_probe(pg, sql, true, NULL, on_one, many, &err);
    if (!op)
        fail_msg("%s", err.msg);
    return op;
}

/* Not as a probe: the server shows a cursor's FETCH in place of the text. */
static nl_pg_op *ask_long(nl_pg *pg, const char *mark, struct many *many) {
    const nl_pg_limits limits = { .statement_ms = 120000 };
    char sql[256];
    nl_err err = { .msg = "" };
    (void)snprintf(sql, sizeof sql, LONG_QUERY " -- %s", mark);
    nl_pg_op *op = nl_pg_query(pg, sql, NULL, 0, &limits, on_one, many, &err);
    if (!op)
        fail_msg("%s", err.msg);
    return op;
}

static unsigned running(const char *url, const char *what) {
    char sql[256];
    nl_pg *pg = test_pg_open(url, 1);
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                   "query LIKE '%%%s%%' AND pid <> pg_backend_pid()",
                   what);
    unsigned n = (unsigned)strtoul(test_pg_value(pg, sql), NULL, 10);
    nl_pg_free(pg);
    return n;
}

static bool comes_to(const char *url, const char *what, unsigned n) {
    for (int i = 0; i < 300; i++) {
        if (running(url, what) == n)
            return true;
        test_loop_until(NULL, 10);
    }
    return false;
}

static void two_thousand_wait_for_eight(void **state) {
    (void)state;
    nl_pg_stats stats;
    struct many many = { .wanted = 2000 };
    nl_pg *pg = test_pg_open(test_db_url(NULL), 8);
    for (size_t i = 0; i < many.wanted; i++)
        ask(pg, i % 10 ? "SELECT 1" : "SELECT nothing", &many);
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

/* --- failures to connect ---------------------------------------------------------------------- */

static void why_it_cannot_connect(void **state) {
    (void)state;
    char tcp[64], closed[64];
    (void)snprintf(tcp, sizeof tcp, "localhost:%u", strict_port);
    (void)snprintf(closed, sizeof closed, "127.0.0.1:%u", free_port());
    const struct {
        const char *why;
        const char *place, *user, *database;
        nl_code code;
        const char *sqlstate;
        const char *says;
    } cases[] = {
        { "the right password, by a name", tcp, "app:pa55word-right", "postgres", NL_OK, "", NULL },
        { "a wrong password", tcp, "app:pa55word-wrong", "postgres", NL_DB, "28P01",
          "password authentication failed for user \"app\"" },
        { "no password", tcp, "app", "postgres", NL_NET, "", "no password supplied" },
        { "no such database", tcp, "app:pa55word-right", "nowhere", NL_DB, "3D000",
          "database \"nowhere\" does not exist" },
        { "nobody listens", closed, "app:pa55word-right", "postgres", NL_NET, "",
          "Connection refused" },
        { "no such host", "no-such-host.invalid", "app:pa55word-right", "postgres", NL_NET, "",
          "no-such-host.invalid" },
        { "one of two hosts is enough", "no-such-host.invalid,localhost", "app:pa55word-right",
          "postgres?port=", NL_OK, "", NULL },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char url[512];
        (void)snprintf(url, sizeof url, "postgresql://%s@%s/%s", cases[i].user, cases[i].place,
                       cases[i].database);
        if (strchr(url, '?'))
            (void)snprintf(url + strlen(url), sizeof url - strlen(url), "%u", strict_port);
        nl_pg *pg = test_pg_open(url, 2);
        nl_pg_reply reply = test_pg_query(pg, "SELECT 1", NULL, 0, NULL);
        if (reply.err.code != cases[i].code || strcmp(reply.err.sqlstate, cases[i].sqlstate) != 0 ||
            (cases[i].says && !strstr(reply.err.msg, cases[i].says)))
            fail_msg("%s: %s %s: %s", cases[i].why, nl_code_name(reply.err.code),
                     reply.err.sqlstate, reply.err.msg);
        if (strstr(reply.err.msg, "pa55word") || strchr(reply.err.msg, '\n'))
            fail_msg("%s: %s", cases[i].why, reply.err.msg);
        assert_null(strstr(nl_pg_name(pg), "pa55word"));
        assert_int_equal(reply.stage, cases[i].code == NL_OK ? NL_PG_DONE : NL_PG_CONNECT);
        if (cases[i].says)
            assert_ptr_equal(strstr(reply.err.msg, "cannot connect to postgresql://app@"),
                             reply.err.msg);
        nl_pg_reply_release(&reply);
        nl_pg_free(pg);
    }
}

static void a_url_that_cannot_be_read(void **state) {
    (void)state;
    static const char *const urls[] = { "postgresql://app:pa55word@host:5432/db?nonsense=1",
                                        "postgres//app:pa55word@host",
                                        "postgresql://app:pa55%zz@h/", "host=x pa55word" };
    for (size_t i = 0; i < COUNT(urls); i++) {
        nl_err err = { .code = NL_OK };
        assert_null(nl_pg_new(test_loop(), urls[i], NULL, &err));
        assert_int_equal(err.code, NL_CONFIG);
        assert_null(strstr(err.msg, "pa55"));
    }
}

/* A listener that never says a word. */
static void connecting_has_its_limit(void **state) {
    (void)state;
    char url[64];
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(url, sizeof url, "postgresql://app@127.0.0.1:%u/x", ntohs(address.sin_port));
    const nl_pg_options options = { .sessions = 2, .connect_ms = 300 };
    nl_pg *pg = nl_pg_new(test_loop(), url, &options, NULL);
    assert_non_null(pg);
    struct many many = { .wanted = 3 };
    for (int i = 0; i < 3; i++)
        ask(pg, "SELECT 1", &many);
    assert_true(test_loop_until(&many.all, 5000));
    assert_int_equal(many.code, NL_NET);
    assert_non_null(strstr(many.msg, "no answer within 0.3 s"));
    nl_pg_free(pg);
    close(fd);
}

/* --- a server with little room ---------------------------------------------------------------- */

static void a_full_server_is_waited_for(void **state) {
    (void)state;
    struct many many = { .wanted = 60 };
    nl_pg_stats stats;
    nl_pg *pg = test_pg_open(strict_url, 12); /* it takes 6 */
    for (size_t i = 0; i < many.wanted; i++)
        ask(pg, "SELECT pg_sleep(0.05)", &many);
    assert_true(test_loop_until(&many.all, 30000));
    if (many.ok != many.wanted)
        fail_msg("%zu of %zu: %s", many.ok, many.wanted, many.msg);
    nl_pg_get_stats(pg, &stats);
    assert_in_range(stats.open, 1, 6);

    /* Others hold all the room: without a connection of our own too it is waited for, a while. */
    nl_pg *late = test_pg_open(strict_url, 3);
    struct many hold = { .wanted = 6 }, few = { .wanted = 3 };
    for (size_t i = 0; i < hold.wanted; i++)
        ask(pg, "SELECT pg_sleep(0.8)", &hold);
    test_loop_until(NULL, 300);
    for (size_t i = 0; i < few.wanted; i++)
        ask(late, "SELECT 1", &few);
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
    nl_pg *other = test_pg_open(strict_url, 4), *pg = test_pg_open(strict_url, 5);
    for (size_t i = 0; i < hold.wanted; i++)
        ask(other, "SELECT pg_sleep(0.5)", &hold);
    test_loop_until(NULL, 200);
    for (size_t i = 0; i < many.wanted; i++)
        ask(pg, "SELECT pg_sleep(0.05)", &many);
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
    nl_pg_op *op = ask_long(pg, "mark1", &many);
    ask(pg, "SELECT 1", &many);
    nl_pg_op *waiting = ask(pg, "SELECT 2", &many);
    ask(pg, "SELECT 3", &many);
    assert_true(comes_to(test_db_url(NULL), "mark1", 1));
    nl_pg_cancel(op);
    nl_pg_cancel(waiting);
    assert_true(comes_to(test_db_url(NULL), "mark1", 0));
    op = ask(pg, LONG_QUERY, &many);
    assert_true(comes_to(test_db_url(NULL), "FETCH FORWARD", 1));
    nl_pg_cancel(op);
    assert_true(comes_to(test_db_url(NULL), "FETCH FORWARD", 0));
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
        ask_long(pg, "mark2", &many);
    assert_true(comes_to(test_db_url(NULL), "mark2", 3));
    nl_pg_free(pg);
    assert_true(comes_to(test_db_url(NULL), "mark2", 0));

    pg = test_pg_open(test_db_url(NULL), 3); /* while connecting */
    ask(pg, "SELECT 1", &many);
    test_loop_until(NULL, 1);
    size_t answered = many.ended; /* on a busy machine a millisecond may be long enough */
    nl_pg_free(pg);
    pg = test_pg_open("postgresql://app@localhost:1/x", 3); /* while a name is looked up */
    ask(pg, "SELECT 1", &many);
    nl_pg_free(pg);
    pg = test_pg_open(test_db_url(NULL), 3); /* before the loop turned at all */
    ask(pg, "SELECT 1", &many);
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
            ask(many.to_free, "SELECT 1", &many);
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
    assert_int_equal(running(test_db_url(NULL), "FETCH FORWARD"), 0); /* it was the cancel's end */
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
        nap(10);
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
    nl_pg *pg = test_pg_open(strict_url, 2);
    ask_long(pg, "mark4", &long_ones);
    ask_long(pg, "mark4", &long_ones);
    assert_true(comes_to(strict_url, "mark4", 2));
    for (size_t i = 0; i < many.wanted; i++)
        ask(pg, "SELECT 1", &many);
    /* A backend that is killed makes the server end all others and start anew. */
    nl_pg *other = test_pg_open(strict_url, 1);
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
    ask_long(pg, "mark5", &running_one);
    assert_true(comes_to(url, "mark5", 1));
    for (size_t i = 0; i < many.wanted; i++)
        ask(pg, "SELECT 1", &many);
    nl_cluster_stop(cluster);
    assert_true(test_loop_until(&running_one.all, 5000));
    assert_int_equal(running_one.code, NL_NET);
    assert_true(test_loop_until(&many.all, 5000));
    assert_int_equal(many.ok, 0);
    assert_int_equal(many.code, NL_NET);
    nl_pg_free(pg);
}

/* --- TLS ------------------------------------------------------------------------------------- */

static void it_works_over_tls(void **state) {
    (void)state;
    static const struct {
        const char *host, *mode;
        nl_code code;
        const char *why;
    } cases[] = {
        { "localhost", "verify-full", NL_OK, "the name is kept for the certificate" },
        { "127.0.0.1", "verify-full", NL_NET, "which is not for the address" },
        { "127.0.0.1", "require", NL_OK, "or is not looked at" },
    };
    char url[512];
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void)snprintf(url, sizeof url,
                       "postgresql://app:pa55word-right@%s:%u/postgres?sslmode=%s%s", cases[i].host,
                       strict_port, cases[i].mode,
                       i == 2 ? "" : "&sslrootcert=" SOURCE_DIR "/tests/data/localhost.crt");
        nl_pg *pg = test_pg_open(url, 1);
        nl_pg_reply reply = test_pg_query(
            pg, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", NULL, 0, NULL);
        if (reply.err.code != cases[i].code)
            fail_msg("%s: %s", cases[i].why, reply.err.msg);
        if (cases[i].code == NL_OK) {
            assert_string_equal(reply.rows.cells[0], "t");
            nl_pg_reply_release(&reply);
            reply = test_pg_probe(pg, "SELECT repeat(repeat('x', 1000000), 300)", true, NULL);
            assert_int_equal(reply.err.code, NL_LIMIT);
            nl_pg_reply_release(&reply);
            reply = test_pg_probe(pg, "SELECT repeat('x', 1000) FROM generate_series(1, 9000)",
                                  true, &(const nl_pg_limits){ .max_rows = 10000 });
            assert_int_equal(reply.err.code, NL_OK);
            assert_int_equal(reply.rows.bytes, 9000000);
        }
        nl_pg_reply_release(&reply);
        nl_pg_free(pg);
    }
}

/* --- PgBouncer -------------------------------------------------------------------------------- */

static pid_t start_pgbouncer(const char *socket_dir, char *url, size_t room) {
    char path[128], config[1024];
    nl_err err = { .msg = "" };
    const struct passwd *who = geteuid() == 0 ? getpwnam("postgres") : NULL;
    const char *const argv[] = { PGBOUNCER, "-q", path, NULL };
    const nl_proc_options options = { .argv = argv,
                                      .uid = who ? who->pw_uid : 0,
                                      .stdout_fd = NL_PROC_NULL,
                                      .stderr_fd = NL_PROC_NULL };
    (void)snprintf(config, sizeof config,
                   "[databases]\n* = host=%s user=postgres\n[pgbouncer]\nlisten_addr =\n"
                   "unix_socket_dir = %s\nlisten_port = 6432\nauth_type = any\n"
                   "pool_mode = transaction\ndefault_pool_size = 2\n",
                   socket_dir, folder);
    write_file("pgbouncer.ini", config, path, sizeof path);
    pid_t pid = nl_proc_start(&options, &err);
    if (pid < 0)
        fail_msg("%s (Debian's package pgbouncer)", err.msg);
    (void)snprintf(url, room, "postgresql://anyone@/postgres?host=%s&port=6432", folder);
    for (int i = 0; i < 200; i++) {
        nl_pg *pg = test_pg_open(url, 1);
        nl_pg_reply reply = test_pg_query(pg, "SELECT 1", NULL, 0, NULL);
        bool ready = reply.err.code == NL_OK;
        nl_pg_reply_release(&reply);
        nl_pg_free(pg);
        if (ready)
            return pid;
        nap(25);
    }
    fail_msg("pgbouncer does not serve");
    return pid;
}

static void pgbouncer_in_transaction_mode(void **state) {
    (void)state;
    char url[512];
    struct many many = { .wanted = 400 };
    nl_pg_stats stats;
    const char *const params[] = { "41" };
    const nl_pg_limits limits = { .statement_ms = 200 };
    if (access(PGBOUNCER, X_OK) != 0)
        skip();
    pid_t pid = start_pgbouncer(nl_cluster_socket_dir(test_db_cluster()), url, sizeof url);
    nl_pg *pg = test_pg_open(url, 8); /* eight clients on two server connections */
    for (size_t i = 0; i < many.wanted; i++)
        ask(pg, i % 4 ? "SELECT a FROM generate_series(1, 20) AS a" : "SELECT 1 / 0", &many);
    assert_true(test_loop_until(&many.all, 30000));
    if (many.ok != 300)
        fail_msg("%zu: %s", many.ok, many.msg);
    nl_pg_get_stats(pg, &stats);
    assert_int_equal(stats.retired, 0);

    nl_pg_reply reply = test_pg_query(pg, "SELECT $1::int + 1", params, 1, NULL);
    assert_int_equal(reply.err.code, NL_OK);
    assert_string_equal(reply.rows.cells[0], "42");
    nl_pg_reply_release(&reply);
    reply = test_pg_probe(pg, "SELECT pg_sleep(20)", true, &limits);
    assert_int_equal(reply.err.code, NL_TIMEOUT);
    nl_pg_reply_release(&reply);
    /* Nothing sticks to the server connections that all clients share. */
    assert_string_equal(test_db_psql(NULL, "SELECT count(*) FROM pg_prepared_statements"), "0");
    assert_string_equal(test_pg_value(pg, "SELECT count(*) FROM pg_prepared_statements "
                                          "WHERE name <> ''"),
                        "0");

    struct many cancelled = { .wanted = 1 };
    nl_pg_op *op = ask_long(pg, "mark6", &cancelled);
    assert_true(comes_to(test_db_url(NULL), "mark6", 1));
    nl_pg_cancel(op);
    assert_true(comes_to(test_db_url(NULL), "mark6", 0));

    nl_proc_stop(pid, SIGQUIT, 3000);
    nl_pg_free(pg);
}

/* The server insists on a key that is its own and closed to others. */
static void copy_key(char *path, size_t room) {
    const struct passwd *who = geteuid() == 0 ? getpwnam("postgres") : NULL;
    nl_buf key;
    nl_buf_init(&key);
    assert_true(nl_buf_read_file(&key, SOURCE_DIR "/tests/data/localhost.key", 0, NULL));
    write_file("server.key", key.data, path, room);
    nl_buf_release(&key);
    assert_int_equal(chmod(path, 0600), 0);
    if (who)
        assert_int_equal(chown(path, who->pw_uid, who->pw_gid), 0);
}

static int set_up(void **state) {
    (void)state;
    char hba[128], hba_setting[160], port[32], key[128], key_setting[160], certificate[160];
    char cert_setting[200];
    nl_err err = { .msg = "" };
    const char *const settings[] = { "max_connections=8",
                                     "password_encryption=scram-sha-256",
                                     "superuser_reserved_connections=2",
                                     "listen_addresses=127.0.0.1",
                                     port,
                                     hba_setting,
                                     "max_worker_processes=0",
                                     "autovacuum_max_workers=1",
                                     "ssl=on",
                                     key_setting,
                                     cert_setting,
                                     NULL };
    const nl_cluster_options options = { .settings = settings };
    (void)snprintf(folder, sizeof folder, "/tmp/nlsql-test-pg-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    chmod(folder, 0777); /* PgBouncer runs as another user and puts its socket there */
    write_file("hba.conf", "local all all trust\nhost all all all scram-sha-256\n", hba,
               sizeof hba);
    copy_key(key, sizeof key);
    nl_buf text;
    nl_buf_init(&text);
    assert_true(nl_buf_read_file(&text, SOURCE_DIR "/tests/data/localhost.crt", 0, NULL));
    write_file("server.crt", text.data, certificate, sizeof certificate);
    nl_buf_release(&text);
    (void)snprintf(key_setting, sizeof key_setting, "ssl_key_file=%s", key);
    (void)snprintf(cert_setting, sizeof cert_setting, "ssl_cert_file=%s", certificate);
    strict_port = free_port();
    (void)snprintf(port, sizeof port, "port=%u", strict_port);
    (void)snprintf(hba_setting, sizeof hba_setting, "hba_file=%s", hba);
    strict = nl_cluster_start(&options, &err);
    if (!strict) {
        print_error("%s\n", err.msg);
        return -1;
    }
    (void)snprintf(strict_url, sizeof strict_url, "postgresql://app@/postgres?host=%s&port=%u",
                   nl_cluster_socket_dir(strict), strict_port);
    char command[512];
    (void)snprintf(command, sizeof command,
                   "%s/psql -Xqw -h %s -p %u -U postgres -c \"CREATE ROLE app LOGIN PASSWORD "
                   "'pa55word-right'; GRANT pg_read_all_stats TO app\" postgres",
                   nl_cluster_bin(strict), nl_cluster_socket_dir(strict), strict_port);
    return system(command);
}

static int tear_down(void **state) {
    (void)state;
    char command[96];
    nl_cluster_stop(strict);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_open_as_they_are_needed),
        cmocka_unit_test(two_thousand_wait_for_eight),
        cmocka_unit_test(why_it_cannot_connect),
        cmocka_unit_test(a_url_that_cannot_be_read),
        cmocka_unit_test(connecting_has_its_limit),
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
        cmocka_unit_test(it_works_over_tls),
        cmocka_unit_test(pgbouncer_in_transaction_mode),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
