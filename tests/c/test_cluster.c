/* Throw-away clusters: started twice and at once, from a good and from a damaged template, gone
 * when stopped and when their program is killed, and what is said where one cannot start. */
#include "db/cluster.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cluster_support.h"
#include "db/cluster_files.h"
#include "io/proc.h"
#include "test_db.h"

#include "base/banned.h"

static char folder[64]; /* run_dir and cache of all clusters here */

static nl_cluster *start(void) {
    const nl_cluster_options options = { .run_dir = folder };
    nl_err err = { .msg = "" };
    nl_cluster *cluster = nl_cluster_start(&options, &err);
    if (!cluster)
        fail_msg("%s", err.msg);
    return cluster;
}

static void it_starts_and_leaves_nothing(void **state) {
    (void)state;
    char text[256], path[PATH_MAX];
    struct stat st;
    nl_cluster *cluster = start();
    pid_t server = server_in(nl_cluster_socket_dir(cluster));

    assert_int_equal(
        psql(cluster, NULL, "SELECT current_user || ' ' || current_database()", text, sizeof text),
        0);
    assert_string_equal(text, "postgres postgres");
    assert_int_equal(stat(nl_cluster_socket_dir(cluster), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    psql(cluster, NULL, "SHOW listen_addresses", text, sizeof text);
    assert_string_equal(text, "");
    (void)snprintf(path, sizeof path, "%s", nl_cluster_socket_dir(cluster));
    nl_cluster_stop(cluster);
    assert_true(is_gone(server, 0));
    assert_int_equal(access(path, F_OK), -1);
}

/* initdb draws a number for each cluster that it makes; a copy has that of its template. */
static void identify(char *text, size_t room) {
    nl_cluster *cluster = start();
    assert_int_equal(
        psql(cluster, NULL, "SELECT system_identifier FROM pg_control_system()", text, room), 0);
    nl_cluster_stop(cluster);
}

static void a_second_start_takes_the_template(void **state) {
    (void)state;
    char first[64], second[64];
    nl_cluster_stop(start()); /* from here there is a template */
    assert_int_equal(count(getenv("XDG_CACHE_HOME"), "nlsql", NULL, 0), 1);
    identify(first, sizeof first);
    identify(second, sizeof second);
    assert_string_equal(first, second);
}

/* In a process of its own; exits with 0 where all went well. */
static pid_t start_elsewhere(unsigned hold_ms) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    const nl_cluster_options options = { .run_dir = folder };
    char text[64] = "";
    nl_cluster *cluster = nl_cluster_start(&options, NULL);
    bool ok = cluster && psql(cluster, NULL, "SELECT 1", text, sizeof text) == 0 && text[0] == '1';
    nap(hold_ms);
    nl_cluster_stop(cluster);
    _exit(ok ? 0 : 1);
}

static void programs_that_start_at_once_do_not_disturb_each_other(void **state) {
    (void)state;
    char cache[PATH_MAX];
    pid_t pids[3];
    (void)snprintf(cache, sizeof cache, "%s/nlsql", getenv("XDG_CACHE_HOME"));
    assert_true(cluster_remove_tree(cache)); /* all of them make the template */
    for (size_t i = 0; i < 3; i++)
        pids[i] = start_elsewhere(300);
    for (size_t i = 0; i < 3; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(nl_proc_status(status), 0);
    }
    assert_int_equal(count(cache, "postgresql-", NULL, 0),
                     1); /* whole, and no temporary ones beside it */
    assert_int_equal(count(folder, "nlsql-pg-", NULL, 0), 0);
}

static void the_server_ends_with_a_killed_program(void **state) {
    (void)state;
    char text[64];
    int ready[2];
    struct {
        pid_t server, busy;
        char folder[128];
    } found = { 0 };

    assert_int_equal(pipe(ready), 0);
    pid_t owner = fork();
    if (owner == 0) { /* one session is in the middle of a query that takes no notice of clients */
        nl_cluster *cluster = start();
        char url[PATH_MAX], program[PATH_MAX];
        const char *const argv[] = {
            program, "-Xw", "-d",
            url,     "-c",  "SELECT count(*) FROM pg_attribute a, pg_attribute b, pg_attribute c",
            NULL
        };
        const nl_proc_options options = { .argv = argv,
                                          .stdout_fd = NL_PROC_NULL,
                                          .stderr_fd = NL_PROC_NULL };
        nl_cluster_url(cluster, NULL, url, sizeof url);
        (void)snprintf(program, sizeof program, "%s/psql", nl_cluster_bin(cluster));
        (void)nl_proc_start(&options, NULL);
        found.server = server_in(nl_cluster_socket_dir(cluster));
        for (int i = 0; i < 500 && found.busy == 0; i++, nap(10)) {
            psql(cluster, NULL,
                 "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_attribute c'", text,
                 sizeof text);
            found.busy = (pid_t)strtol(text, NULL, 10);
        }
        (void)snprintf(found.folder, sizeof found.folder, "%s", nl_cluster_socket_dir(cluster));
        if (write(ready[1], &found, sizeof found) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &found, sizeof found), sizeof found);
    close(ready[0]);
    close(ready[1]);
    assert_true(found.server > 1 && found.busy > 1);
    assert_int_equal(kill(found.server, 0), 0);

    /* A living owner's folder is left alone by another start. */
    nl_cluster *other = start();
    assert_int_equal(access(found.folder, F_OK), 0);
    assert_int_equal(kill(found.server, 0), 0);
    nl_cluster_stop(other);

    kill(owner, SIGKILL);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    assert_true(is_gone(found.server, 8));
    assert_true(is_gone(found.busy, 1));
    assert_int_equal(access(found.folder, F_OK), 0);

    other = start(); /* cleans up behind it */
    assert_int_equal(access(found.folder, F_OK), -1);
    nl_cluster_stop(other);
}

static void only_abandoned_folders_are_removed(void **state) {
    (void)state;
    char path[256], lock[300], victim[256], link[300];
    struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    static const struct {
        const char *name;
        bool locked, aged, removed;
        const char *why;
    } cases[] = {
        { "nlsql-pg-free00", true, false, true, "its lock is free" },
        { "nlsql-pg-young0", false, false, false, "it may just be being made" },
        { "nlsql-pg-aged00", false, true, true, "killed before it made its lock" },
        { "something-else", true, true, false, "not ours" },
    };
    (void)snprintf(victim, sizeof victim, "%s/victim", folder);
    assert_int_equal(mkdir(victim, 0700), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        assert_int_equal(mkdir(path, 0700), 0);
        (void)snprintf(link, sizeof link, "%s/data", path);
        assert_int_equal(symlink(victim, link), 0);
        (void)snprintf(lock, sizeof lock, "%s/lock", path);
        if (cases[i].locked)
            (void)fclose(fopen(lock, "w"));
        if (cases[i].aged)
            utimensat(AT_FDCWD, path, old, 0);
    }
    cluster_clean_stale(folder, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        if ((access(path, F_OK) != 0) != cases[i].removed)
            fail_msg("%s: %s", cases[i].name, cases[i].why);
        cluster_remove_tree(path);
    }
    assert_int_equal(access(victim, F_OK), 0); /* links are not followed */
    assert_true(cluster_remove_tree(victim));
}

static void a_damaged_template_is_made_again(void **state) {
    (void)state;
    static const struct {
        const char *file;
        bool zeroes; /* in place of what was in it; otherwise it is empty */
        const char *why;
    } cases[] = {
        { "data/global/pg_control", true, "the server does not start" },
        { "data/base/1/1259", false, "the server would start, and tables be missing" },
        { "size", false, "it cannot be told whether all is there" },
    };
    char cache[PATH_MAX], template[PATH_MAX], path[PATH_MAX + 64];
    struct stat before, after;
    nl_cluster_stop(start());
    (void)snprintf(cache, sizeof cache, "%s/nlsql", getenv("XDG_CACHE_HOME"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(count(cache, "postgresql-", template, sizeof template), 1);
        (void)snprintf(path, sizeof path, "%s/%s", template, cases[i].file);
        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(truncate(path, 0), 0);
        if (cases[i].zeroes)
            assert_int_equal(truncate(path, before.st_size), 0);
        nl_cluster_stop(start());
        assert_int_equal(stat(path, &after), 0);
        if (after.st_size != before.st_size || after.st_ino == before.st_ino)
            fail_msg("%s: %s", cases[i].file, cases[i].why);
    }
}

static void what_cannot_start_says_why(void **state) {
    (void)state;
    static const char *const bad[] = { "shared_buffers=lots", NULL };
    char deep[200];
    memset(deep, 'x', sizeof deep);
    deep[0] = '/';
    deep[sizeof deep - 1] = '\0';
    const struct {
        nl_cluster_options options;
        nl_code code;
        const char *says;
        const char *why;
    } cases[] = {
        { { .bin_dir = "/var" }, NL_NOTFOUND, "apt install postgresql", "no PostgreSQL there" },
        { { .run_dir = deep }, NL_INVALID, "too long for a socket", "bind() takes 107 bytes" },
        { { .run_dir = "/does/not/exist" }, NL_IO, "/does/not/exist", "no such folder" },
        { { .run_dir = folder, .settings = bad },
          NL_IO,
          "shared_buffers",
          "the server's own words" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_err err = { .code = NL_OK };
        assert_null(nl_cluster_start(&cases[i].options, &err));
        if (err.code != cases[i].code || !strstr(err.msg, cases[i].says))
            fail_msg("%s: %s: %s", cases[i].why, nl_code_name(err.code), err.msg);
    }
    assert_int_equal(count(folder, "nlsql-pg-", NULL, 0), 0);
}

static void settings_reach_the_server(void **state) {
    (void)state;
    static const char *const settings[] = { "work_mem=7MB", "log_min_messages=error", NULL };
    const nl_cluster_options options = { .run_dir = folder, .settings = settings };
    char text[64];
    nl_cluster *cluster = nl_cluster_start(&options, NULL);
    assert_non_null(cluster);
    psql(cluster, NULL,
         "SELECT current_setting('work_mem') || ' ' || "
         "current_setting('log_min_messages')",
         text, sizeof text);
    assert_string_equal(text, "7MB error");
    nl_cluster_stop(cluster);
}

static void databases_are_made_from_files(void **state) {
    (void)state;
    static const char name[] = "Mixed \"case\"/%x?";
    const char *const files[] = { SOURCE_DIR "/tests/data/shop.sql", NULL };
    char bad[128], text[256];
    nl_err err = { .code = NL_OK };
    nl_cluster *cluster = start();

    if (!nl_cluster_create(cluster, name, files, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(
        psql(cluster, name, "SELECT current_database(), count(*) FROM customer", text, sizeof text),
        0);
    assert_string_equal(text, "Mixed \"case\"/%x?|60");
    assert_false(nl_cluster_create(cluster, name, NULL, &err));
    assert_non_null(strstr(err.msg, "already exists"));

    (void)snprintf(bad, sizeof bad, "%s/bad.sql", folder);
    FILE *file = fopen(bad, "w");
    assert_non_null(file);
    assert_true(fputs("SELECT 1;\nSELECT nothing FROM nowhere;\nSELECT 2;\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    const char *const bad_files[] = { bad, NULL };
    for (int i = 0; i < 2; i++) { /* the second time: nothing was left in the way */
        assert_false(nl_cluster_create(cluster, "broken", bad_files, &err));
        assert_int_equal(err.code, NL_DB);
        if (!strstr(err.msg, "bad.sql:2: ERROR:  relation \"nowhere\" does not exist"))
            fail_msg("%s", err.msg);
    }
    nl_cluster_stop(cluster);
}

static void a_forked_child_does_not_stop_it(void **state) {
    (void)state;
    char text[64];
    nl_cluster *cluster = start();
    pid_t child = fork();
    if (child == 0) {
        nl_cluster_stop(cluster);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(psql(cluster, NULL, "SELECT 1", text, sizeof text), 0);
    nl_cluster_stop(cluster);
}

static void tests_share_one_cluster(void **state) {
    (void)state;
    const char *shop = test_db_url("shop");
    assert_ptr_equal(shop, test_db_url("shop"));
    assert_string_equal(test_db_psql("shop", "SELECT count(*) FROM customer"), "60");
    test_db_make("made", "CREATE TABLE t AS SELECT 7 AS x;");
    assert_string_equal(test_db_psql("made", "SELECT x FROM t"), "7");
}

static int set_up(void **state) {
    (void)state;
    char cache[80];
    (void)snprintf(folder, sizeof folder, "/tmp/nlsql-test-cluster-XXXXXX");
    if (!mkdtemp(folder) || chmod(folder, 0755) != 0)
        return -1;
    (void)snprintf(cache, sizeof cache, "%s/cache", folder);
    return setenv("XDG_CACHE_HOME", cache, 1);
}

static int tear_down(void **state) {
    (void)state;
    return cluster_remove_tree(folder) ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_and_leaves_nothing),
        cmocka_unit_test(a_second_start_takes_the_template),
        cmocka_unit_test(programs_that_start_at_once_do_not_disturb_each_other),
        cmocka_unit_test(the_server_ends_with_a_killed_program),
        cmocka_unit_test(only_abandoned_folders_are_removed),
        cmocka_unit_test(a_damaged_template_is_made_again),
        cmocka_unit_test(what_cannot_start_says_why),
        cmocka_unit_test(settings_reach_the_server),
        cmocka_unit_test(databases_are_made_from_files),
        cmocka_unit_test(a_forked_child_does_not_stop_it),
        cmocka_unit_test(tests_share_one_cluster),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
