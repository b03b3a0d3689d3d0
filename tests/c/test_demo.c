/* The life of the demo database: made once, copied from then on, by several programs at once, gone
 * with its program whatever ends that. */
#include "db/demo.h"

#include <limits.h>
#include <netinet/in.h>
#include <nlsql.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cluster_support.h"
#include "db/cluster_files.h"
#include "io/proc.h"

#include "base/banned.h"

static struct place place;

static void forget_templates(void) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/nlsql", place.cache);
    assert_true(cluster_remove_tree(path));
}

static unsigned templates(const char *kind, char *path, size_t room) {
    char cache[PATH_MAX];
    (void)snprintf(cache, sizeof cache, "%s/nlsql", place.cache);
    return count(cache, kind, path, room);
}

static void it_is_made_once_and_then_copied(void **state) {
    (void)state;
    char text[256], plain[PATH_MAX];
    forget_templates();
    (void)place_said(&place);

    nl_cluster *demo = place_start(&place);
    assert_non_null(strstr(place_said(&place), "making the demo database"));
    assert_int_equal(psql(demo, NULL,
                          "SELECT current_database(), count(*), min(c.name) FROM shop s JOIN city "
                          "c ON c.id = s.city",
                          text, sizeof text),
                     0);
    assert_string_equal(text, "demo|100|city 1"); /* in the order of the files' names */
    psql(demo, NULL,
         "SELECT reltuples, relallvisible = relpages, current_setting('autovacuum') FROM pg_class "
         "WHERE relname = 'visit'",
         text, sizeof text);
    assert_string_equal(text, "40000|t|off");
    nl_cluster_stop(demo);
    assert_int_equal(templates("demo-", NULL, 0), 1);
    assert_int_equal(templates("postgresql-", plain, sizeof plain), 1);

    assert_true(cluster_remove_tree(plain)); /* initdb would make it again */
    double started = seconds();
    demo = place_start(&place);
    print_message("started in %.2f s\n", seconds() - started);
    assert_string_equal(place_said(&place), "");
    psql(demo, NULL, "SELECT count(*) FROM shop", text, sizeof text);
    assert_string_equal(text, "100");
    nl_cluster_stop(demo);
    assert_int_equal(templates("postgresql-", NULL, 0), 0);
    assert_int_equal(templates("demo-", NULL, 0), 1);
    assert_int_equal(count(place.tmp, "", NULL, 0), 2); /* "." and ".." */
}

static void what_one_program_writes_the_next_does_not_see(void **state) {
    (void)state;
    char text[256];
    nl_cluster *demo = place_start(&place);
    assert_int_equal(psql(demo, NULL, "DELETE FROM shop", text, sizeof text), 0);
    nl_cluster_stop(demo);
    demo = place_start(&place);
    psql(demo, NULL, "SELECT count(*) FROM shop", text, sizeof text);
    assert_string_equal(text, "100");
    nl_err err = { .msg = "" };
    assert_false(nl_cluster_create(demo, "more", NULL, &err)); /* as cluster.h has it */
    assert_non_null(strstr(err.msg, "template"));
    nl_cluster_stop(demo);
}

static void other_files_make_another_database(void **state) {
    (void)state;
    char path[PATH_MAX], sql[128], text[64];
    (void)snprintf(path, sizeof path, "%s/3_more.sql", place.sql);
    for (int i = 1; i <= 4; i++) {
        (void)snprintf(sql, sizeof sql, "INSERT INTO city VALUES (%d, 'another');\n", 5 + i);
        write_file(path, sql);
        nl_cluster *demo = place_start(&place);
        psql(demo, NULL, "SELECT max(id) FROM city", text, sizeof text);
        assert_int_equal(strtol(text, NULL, 10), 5 + i);
        nl_cluster_stop(demo);
    }
    assert_int_equal(templates("demo-", NULL, 0), 3); /* the cache does not grow for ever */
    assert_int_equal(unlink(path), 0);
    (void)place_said(&place);
}

/* All that is in it, and what the planner knows about it. */
static const char contents[] =
    "SELECT md5(string_agg(md5(query_to_xml('TABLE ' || oid::regclass, true, true, '')::text), ' ' "
    "ORDER BY oid::regclass::text)), (SELECT md5(string_agg(s::text, ' ' ORDER BY tablename, "
    "attname)) FROM pg_stats s WHERE schemaname = 'public') FROM pg_class WHERE relkind IN ('r', "
    "'v') AND relnamespace = 'public'::regnamespace";

static void its_contents_are_the_same_each_time_it_is_made(void **state) {
    (void)state;
    static const char *const shares[] = { NULL, SOURCE_DIR };
    char first[256], second[256];
    for (size_t i = 0; i < 2; i++) {
        const char *share = shares[i] ? shares[i] : place.share;
        if (access(SOURCE_DIR "/scripts/demo", F_OK) != 0 && shares[i])
            continue;
        for (int round = 0; round < 2; round++) {
            nl_err err = { .msg = "" };
            forget_templates();
            nl_cluster *demo = nl_demo_start(share, &err);
            if (!demo)
                fail_msg("%s", err.msg);
            assert_int_equal(psql(demo, NULL, contents, round ? second : first, sizeof first), 0);
            nl_cluster_stop(demo);
        }
        assert_int_equal(strlen(first), 65); /* two digests */
        assert_string_equal(first, second);
    }
}

static int start_and_ask(const void *ctx) {
    (void)ctx;
    nl_err err = { .msg = "" };
    char text[64] = "";
    nl_cluster *demo = nl_demo_start(place.share, &err);
    CHECK(demo, "%s", err.msg);
    CHECK(psql(demo, NULL, "SELECT count(*) FROM shop", text, sizeof text) == 0, "%s", text);
    CHECK(strcmp(text, "100") == 0, "%s", text);
    nap(300); /* so that all live at once */
    nl_cluster_stop(demo);
    return 0;
}

static void programs_that_start_at_once_do_not_disturb_each_other(void **state) {
    (void)state;
    enum { PROGRAMS = 3 };
    for (int cached = 0; cached < 2; cached++) {
        pid_t pids[PROGRAMS];
        if (!cached)
            forget_templates();
        for (size_t i = 0; i < PROGRAMS; i++) {
            pids[i] = fork();
            if (pids[i] == 0)
                _exit(start_and_ask(NULL));
        }
        for (size_t i = 0; i < PROGRAMS; i++) {
            int status = -1;
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_int_equal(nl_proc_status(status), 0);
        }
        assert_int_equal(templates("demo-", NULL, 0), 1); /* and no halves beside it */
        assert_int_equal(templates("postgresql-", NULL, 0), 1);
        assert_int_equal(count(place.tmp, "nlsql-pg-", NULL, 0), 0);
    }
}

/* --- a real program ------------------------------------------------------------------------- */

/* `nlsql run --demo` with a model that takes its question and never answers. */
struct program {
    pid_t pid, server;
    int model;
    char folder[PATH_MAX];
};

static void start_program(struct program *program) {
    char url[64];
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    program->model = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(program->model, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(program->model, 8), 0);
    assert_int_equal(getsockname(program->model, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", ntohs(address.sin_port));
    const char *const argv[] = { BUILD_DIR "/nlsql", "run", "joins",   "--demo", "--quiet",
                                 "--base-url",       url,   "--fresh", NULL };
    const nl_proc_options options = {
        .argv = argv, .cwd = place.folder, .stdout_fd = NL_PROC_NULL, .stderr_fd = NL_PROC_INHERIT
    };
    program->pid = nl_proc_start(&options, NULL);
    assert_true(program->pid > 0);
    struct pollfd asked = { .fd = program->model, .events = POLLIN };
    assert_int_equal(poll(&asked, 1, 60000), 1);
    assert_int_equal(count(place.tmp, "nlsql-pg-", program->folder, sizeof program->folder), 1);
    program->server = server_in(program->folder);
    assert_true(program->server > 1);
    assert_false(is_gone(program->server, 0));
}

static int end_program(struct program *program) {
    int status = -1;
    assert_int_equal(waitpid(program->pid, &status, 0), program->pid);
    close(program->model);
    return nl_proc_status(status);
}

static void it_ends_with_a_program_that_is_killed(void **state) {
    (void)state;
    static const int signals[] = { SIGKILL, SIGSEGV };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct program program;
        start_program(&program);
        assert_int_equal(kill(program.pid, signals[i]), 0);
        assert_int_not_equal(end_program(&program), 0);
        assert_true(is_gone(program.server, 8));
        assert_int_equal(access(program.folder, F_OK), 0);
        nl_cluster_stop(place_start(&place)); /* cleans up behind it */
        assert_int_equal(access(program.folder, F_OK), -1);
    }
}

static void an_interrupted_program_leaves_nothing(void **state) {
    (void)state;
    static const int signals[] = { SIGINT, SIGTERM };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct program program;
        start_program(&program);
        assert_int_equal(kill(program.pid, signals[i]), 0);
        nap(20); /* or the two are one */
        assert_int_equal(kill(program.pid, signals[i]), 0);
        assert_int_equal(end_program(&program), 130);
        assert_true(is_gone(program.server, 0));
        assert_int_equal(access(program.folder, F_OK), -1);
    }
}

static void another_program_may_ask_for_it(void **state) {
    (void)state;
    static const char demo[] = "{\"demo\": true, \"base_url\": \"http://127.0.0.1:9/v1\", "
                               "\"retries\": 0}";
    static const char given[] = "{\"base_url\": \"http://127.0.0.1:9/v1\"}";
    const struct {
        const char *url;
        const char *says;
    } cases[] = {
        { NULL, "or give --demo" },
        { "postgresql://app@127.0.0.1:1/shop", "cannot connect to postgresql://app@127.0.0.1:1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const nlsql_options options = { .database_url = cases[i].url, .project_dir = place.folder };
        char error[512] = "";
        nlsql *engine = nlsql_open(&options, error, sizeof error);
        if (!engine)
            fail_msg("%s", error);
        for (int run = 0; run < 2; run++) { /* the second has the same server */
            assert_int_equal(nlsql_run(engine, "joins", demo), NLSQL_MODEL); /* nobody is there */
            assert_int_equal(count(place.tmp, "nlsql-pg-", NULL, 0), 1);
        }
        (void)place_said(&place);
        assert_int_equal(nlsql_run(engine, "joins", given), NLSQL_DATABASE);
        const char *said = place_said(&place);
        if (!strstr(said, cases[i].says))
            fail_msg("expected %s, found: %s", cases[i].says, said);
        nlsql_close(engine);
        assert_int_equal(count(place.tmp, "nlsql-pg-", NULL, 0), 0);
    }
}

static int set_up(void **state) {
    (void)state;
    place_make(&place);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    place_remove(&place);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_made_once_and_then_copied),
        cmocka_unit_test(what_one_program_writes_the_next_does_not_see),
        cmocka_unit_test(other_files_make_another_database),
        cmocka_unit_test(its_contents_are_the_same_each_time_it_is_made),
        cmocka_unit_test(programs_that_start_at_once_do_not_disturb_each_other),
        cmocka_unit_test(it_ends_with_a_program_that_is_killed),
        cmocka_unit_test(an_interrupted_program_leaves_nothing),
        cmocka_unit_test(another_program_may_ask_for_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
