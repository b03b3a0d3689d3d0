/* The run store: opening it, old and foreign files, the lock. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

/* A store in `dir` whose run has entries 1 to `n`, closed again. */
static void make(unsigned n) {
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    for (unsigned i = 1; i <= n; i++)
        assert_true(store_put_turn(run, "a+b", i, i, 1, NULL, NULL, NULL));
    nl_store_run_close(run);
    nl_store_close(store);
}

/* Opens the run for pairs of `source` and closes it again; false with *err where it is refused. */
static bool opens_for(const char *source, bool fresh, nl_store_run_info *info, nl_err *err) {
    nl_store_run_options options = {
        .phase = "joins",
        .version = "",
        .fingerprint = "f",
        .source = source,
        .fresh = fresh,
        .dataset = store_path(dir, "dataset.jsonl"),
    };
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = nl_store_run_open(store, &options, info, err);
    if (run)
        store_put_turn(run, "a", 1, 0, 1, NULL, NULL, NULL);
    nl_store_run_close(run);
    nl_store_close(store);
    return run != NULL;
}

static const char *open_fails(nl_code code) {
    static nl_err err;
    err = (nl_err){ .code = NL_OK };
    assert_null(nl_store_open(loop, store_path(dir, "nlsql.db"), &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.msg, store_path(dir, "nlsql.db"))); /* it names the file */
    return err.msg;
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state) {
    (void)state;
    const char *words =
        "Dear diary, this is no database at all, and I would like to keep it. Yours.";
    store_write(store_path(dir, "nlsql.db"), words);
    assert_non_null(strstr(open_fails(NL_IO), "not a store of nlsql"));
    store_assert_file(store_path(dir, "nlsql.db"), words);
}

static void another_programs_database_is_refused_and_kept(void **state) {
    (void)state;
    store_sql(dir, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (5)");
    assert_non_null(strstr(open_fails(NL_IO), "another program"));
    assert_int_equal(store_number(dir, "SELECT x FROM theirs"), 5);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM sqlite_master"), 1);
    char mode[16];
    store_text(dir, "PRAGMA journal_mode", mode, sizeof mode);
    assert_string_equal(mode, "delete"); /* not even that */
}

static void a_newer_schema_is_refused(void **state) {
    (void)state;
    make(1);
    store_sql(dir, "PRAGMA user_version = 99");
    assert_non_null(strstr(open_fails(NL_IO), "newer nlsql (its schema is version 99"));
}

static void an_older_schema_is_brought_up_to_date(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_run_info info;
    assert_true(opens_for("the demo", false, &info, &err));
    store_sql(dir, "ALTER TABLE run DROP COLUMN source; ALTER TABLE run DROP COLUMN config;"
                   "ALTER TABLE entry DROP COLUMN at; ALTER TABLE rejection DROP COLUMN at;"
                   "ALTER TABLE rejection DROP COLUMN retried; DROP TABLE opening;"
                   "DROP INDEX call_run; DROP INDEX rejection_run; PRAGMA user_version = 1");
    assert_true(opens_for("the shop", false, &info, &err)); /* nobody knows of what its pairs are */
    assert_true(info.resumed && !info.changed);
    assert_int_equal(store_number(dir, "PRAGMA user_version"), 3);
    assert_false(opens_for("the demo", false, &info, &err));
}

static void a_damaged_file_is_named(void **state) {
    (void)state;
    make(40);
    struct stat info;
    assert_int_equal(stat(store_path(dir, "nlsql.db"), &info), 0);
    int fd = open(store_path(dir, "nlsql.db"), O_WRONLY | O_CLOEXEC);
    char garbage[4096];
    memset(garbage, 0x5a, sizeof garbage);
    for (off_t at = 4096; at < info.st_size; at += 4096) /* all but the first page */
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, at), sizeof garbage);
    close(fd);
    assert_non_null(strstr(open_fails(NL_IO), "damaged"));
}

static void folders_are_made_and_missing_rights_told(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store *store = nl_store_open(loop, store_path(dir, "a/b/nlsql.db"), &err);
    assert_non_null(store);
    nl_store_close(store);
    assert_null(nl_store_open(loop, "/proc/nlsql/nlsql.db", &err));
    assert_int_equal(err.code, NL_IO);
    assert_non_null(strstr(err.msg, "/proc/nlsql"));
}

static void a_second_process_is_refused_and_a_dead_one_is_no_obstacle(void **state) {
    (void)state;
    int ready[2];
    char byte, words[64];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        nl_loop *own = nl_loop_new(NULL);
        bool ok = nl_store_open(own, store_path(dir, "nlsql.db"), NULL) != NULL;
        if (write(ready[1], ok ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    (void)snprintf(words, sizeof words, "in use by process %ld", (long)child);
    assert_non_null(strstr(open_fails(NL_BUSY), words));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    nl_store *store = store_open(loop, dir);
    (void)snprintf(words, sizeof words, "in use by process %ld", (long)getpid());
    assert_non_null(strstr(open_fails(NL_BUSY), words)); /* twice in one process neither */
    nl_store_close(store);
    nl_store_close(store_open(loop, dir));
    close(ready[0]);
    close(ready[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_is_no_database_is_refused_and_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_programs_database_is_refused_and_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_newer_schema_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_schema_is_brought_up_to_date, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_are_made_and_missing_rights_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_process_is_refused_and_a_dead_one_is_no_obstacle,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
