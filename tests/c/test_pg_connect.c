/* Connecting: why it fails and how long that takes, TLS, and PgBouncer in between. */
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
#include <unistd.h>

#include <cmocka.h>

#include "io/proc.h"
#include "pg_fixture.h"
#include "test_db.h"
#include "test_pg.h"

#include "base/banned.h"

#define PGBOUNCER "/usr/sbin/pgbouncer" /* not on a plain user's PATH */

/* --- failures to connect ---------------------------------------------------------------------- */

static void why_it_cannot_connect(void **state) {
    (void)state;
    char tcp[64], closed[64];
    (void)snprintf(tcp, sizeof tcp, "localhost:%u", pg_strict_port);
    (void)snprintf(closed, sizeof closed, "127.0.0.1:%u", pg_free_port());
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
            (void)snprintf(url + strlen(url), sizeof url - strlen(url), "%u", pg_strict_port);
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
        pg_ask(pg, "SELECT 1", &many);
    assert_true(test_loop_until(&many.all, 5000));
    assert_int_equal(many.code, NL_NET);
    assert_non_null(strstr(many.msg, "no answer within 0.3 s"));
    nl_pg_free(pg);
    close(fd);
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
                       pg_strict_port, cases[i].mode,
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
                   socket_dir, pg_folder);
    pg_write_file("pgbouncer.ini", config, path, sizeof path);
    pid_t pid = nl_proc_start(&options, &err);
    if (pid < 0)
        fail_msg("%s (Debian's package pgbouncer)", err.msg);
    (void)snprintf(url, room, "postgresql://anyone@/postgres?host=%s&port=6432", pg_folder);
    for (int i = 0; i < 200; i++) {
        nl_pg *pg = test_pg_open(url, 1);
        nl_pg_reply reply = test_pg_query(pg, "SELECT 1", NULL, 0, NULL);
        bool ready = reply.err.code == NL_OK;
        nl_pg_reply_release(&reply);
        nl_pg_free(pg);
        if (ready)
            return pid;
        pg_nap(25);
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
        pg_ask(pg, i % 4 ? "SELECT a FROM generate_series(1, 20) AS a" : "SELECT 1 / 0", &many);
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
    nl_pg_op *op = pg_ask_long(pg, "mark6", &cancelled);
    assert_true(pg_comes_to(test_db_url(NULL), "mark6", 1));
    nl_pg_cancel(op);
    assert_true(pg_comes_to(test_db_url(NULL), "mark6", 0));

    nl_proc_stop(pid, SIGQUIT, 3000);
    nl_pg_free(pg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(why_it_cannot_connect),
        cmocka_unit_test(a_url_that_cannot_be_read),
        cmocka_unit_test(connecting_has_its_limit),
        cmocka_unit_test(it_works_over_tls),
        cmocka_unit_test(pgbouncer_in_transaction_mode),
    };
    return cmocka_run_group_tests(tests, pg_set_up, pg_tear_down);
}
