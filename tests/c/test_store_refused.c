/* The run store where the database refuses single statements, where names do not fit, and where
 * what is looked for is still on its way. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "io/store_view.h"
#include "store_fixture.h"

static bool opens(nl_store *store, const char *path, bool fresh, nl_err *err) {
    const nl_store_run_options options = {
        .phase = "joins", .version = "", .fingerprint = "f", .dataset = path, .fresh = fresh
    };
    nl_store_run *run = nl_store_run_open(store, &options, NULL, err);
    nl_store_run_close(run);
    return run != NULL;
}

/* --- statements that are refused ----------------------------------------------------------- */

/* What a run is opened with, one after the other: `change` makes it fail. */
static const struct {
    const char *change, *undo;
    bool fresh;
} steps[] = {
    { "CREATE TRIGGER t BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'refused'); END",
      "DROP TRIGGER t", false },
    { "CREATE TRIGGER t BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'refused'); END",
      "DROP TRIGGER t", true },
    { "CREATE TRIGGER t BEFORE INSERT ON run BEGIN SELECT RAISE(ABORT, 'refused'); END",
      "DROP TRIGGER t", true },
    { "CREATE TRIGGER t BEFORE INSERT ON opening BEGIN SELECT RAISE(ABORT, 'refused'); END",
      "DROP TRIGGER t", false },
    { "ALTER TABLE item RENAME COLUMN done TO refused",
      "ALTER TABLE item RENAME COLUMN refused TO done", false },
    { "ALTER TABLE call RENAME COLUMN sample TO refused",
      "ALTER TABLE call RENAME COLUMN refused TO sample", false },
};

static void a_run_is_not_opened_where_a_statement_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        nl_err err = { .code = NL_OK };
        nl_store *store = store_open(loop, dir);
        store_run(store, dir, false, NULL);
        nl_store_close(store);
        store = store_open(loop, dir);
        store_sql(dir, steps[i].change);
        assert_false(opens(store, store_path(dir, "dataset.jsonl"), steps[i].fresh, &err));
        if (!strstr(err.msg, "refused") && !strstr(err.msg, "no such column"))
            fail_msg("%s: %s", steps[i].change, err.msg);
        assert_null(nl_store_failed(store));
        store_sql(dir, steps[i].undo);
        if (!opens(store, store_path(dir, "dataset.jsonl"), false, &err))
            fail_msg("%s: %s", steps[i].undo, err.msg);
        nl_store_close(store);
    }
}

static void a_turn_is_whole_or_not_there(void **state) {
    (void)state;
    static const char *const tables[] = { "INSERT ON entry", "UPDATE ON rejection",
                                          "INSERT ON rejection", "UPDATE ON item" };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char trigger[160];
        nl_err err = { .code = NL_OK };
        const nl_store_rejection fallen = { .gate = "g", .reason = "r" };
        int64_t one = 0;
        const nl_store_entry entry = { .line = "{}", .question = "q", .sql = "s" };
        const nl_store_turn first = {
            .item = "a", .turn = 1, .rejections = &fallen, .n_rejections = 1
        };
        const nl_store_turn second = { .item = "a",
                                       .turn = 2,
                                       .done = true,
                                       .entries = &entry,
                                       .n_entries = 1,
                                       .rejections = &fallen,
                                       .n_rejections = 1,
                                       .retried = &one,
                                       .n_retried = 1 };
        nl_store *store = store_open(loop, dir);
        nl_store_run *run = store_run(store, dir, true, NULL);
        assert_true(nl_store_turn_put(run, &first, NULL, NULL, &err));
        assert_true(store_flush(loop, store, &err));
        one = store_number(dir, "SELECT max(id) FROM rejection");
        (void)snprintf(trigger, sizeof trigger,
                       "CREATE TRIGGER t BEFORE %s BEGIN SELECT RAISE(ABORT, 'refused'); END",
                       tables[i]);
        store_sql(dir, trigger);
        assert_true(nl_store_turn_put(run, &second, NULL, NULL, &err));
        assert_false(store_flush(loop, store, &err));
        assert_non_null(strstr(err.msg, "refused"));
        nl_store_close(store);
        store_sql(dir, "DROP TRIGGER t");
        assert_int_equal(store_number(dir, "SELECT count(*) FROM entry"), 0);
        assert_int_equal(store_number(dir, "SELECT max(turns) FROM item"), 1);
        assert_int_equal(store_number(dir, "SELECT count(*) FROM rejection WHERE retried > 0"), 0);
        store_assert_file(store_path(dir, "dataset.jsonl"), "");
    }
}

static void a_ledger_that_cannot_be_read_is_told_at_once(void **state) {
    (void)state;
    static const char *const changes[] = { "ALTER TABLE ledger RENAME COLUMN id TO number",
                                           "ALTER TABLE ledger RENAME COLUMN reserved TO other" };
    for (size_t i = 0; i < 2; i++) {
        nl_err err = { .code = NL_OK };
        nl_store_close(store_open(loop, dir));
        store_sql(dir, changes[i]);
        assert_null(nl_store_open(loop, store_path(dir, "nlsql.db"), &err));
        assert_int_equal(err.code, NL_IO);
        store_remove(dir);
        (void)snprintf(dir, sizeof dir, "%s", store_dir(NULL));
    }
}

static void files_that_say_they_are_what_they_are_not_are_refused(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_close(store_open(loop, dir));
    store_sql(dir, "PRAGMA user_version = 2"); /* but its tables are of today */
    assert_null(nl_store_open(loop, store_path(dir, "nlsql.db"), &err));
    assert_non_null(strstr(err.msg, "duplicate column"));
    assert_null(nl_store_view_open(store_path(dir, "nlsql.db"), NULL));
    unlink(store_path(dir, "nlsql.db"));
    store_sql(dir, "PRAGMA user_version = 7"); /* no table yet, and somebody's all the same */
    assert_null(nl_store_open(loop, store_path(dir, "nlsql.db"), &err));
    assert_non_null(strstr(err.msg, "another program"));
    store_write(store_path(dir, "nlsql.db"), "no database at all, and longer than its header of "
                                             "a hundred bytes, so that it is looked at as one");
    assert_null(nl_store_view_open(store_path(dir, "nlsql.db"), NULL));
}

/* --- names --------------------------------------------------------------------------------- */

static void names_that_do_not_fit_are_told(void **state) {
    (void)state;
    char name[256], path[520];
    nl_err err = { .code = NL_OK };
    nl_store *store = store_open(loop, dir);
    memset(name, 'n', 254);
    name[254] = '\0';
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    store_write(path, "mine\n");
    assert_false(opens(store, path, false, &err)); /* with ".1" behind it the name is too long */
    assert_non_null(strstr(err.msg, "cannot look for"));
    store_assert_file(path, "mine\n");
    store_write(store_path(dir, "file"), "");
    (void)snprintf(path, sizeof path, "%s/file/dataset.jsonl", dir);
    assert_false(opens(store, path, false, &err));
    assert_non_null(strstr(err.msg, "cannot read"));
    nl_store_close(store);
}

static void a_short_name_in_this_folder_is_one_like_any(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(here >= 0);
    assert_int_equal(chdir(dir), 0);
    store_write("p", "mine\n");
    nl_store *store = store_open(loop, ".");
    assert_true(opens(store, "p", false, &err));
    store_assert_file("p.1", "mine\n");
    nl_store_close(store);
    assert_int_equal(fchdir(here), 0);
    close(here);
}

/* No newline for so long is nothing that a crash of ours leaves. */
static void a_long_tail_without_newline_is_somebodys(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    char *much = malloc((1 << 20) + 10000);
    assert_non_null(much);
    memset(much, 'x', (1 << 20) + 9999);
    much[(1 << 20) + 9999] = '\0';
    store_write(store_path(dir, "dataset.jsonl"), much);
    nl_store *store = store_open(loop, dir);
    assert_true(opens(store, store_path(dir, "dataset.jsonl"), false, &err));
    nl_store_close(store);
    store_assert_file(store_path(dir, "dataset.1.jsonl"), much);
    free(much);
}

static void scratch_goes_to_tmp_where_nobody_says_otherwise(void **state) {
    (void)state;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            unsetenv("TMPDIR");
        else
            setenv("TMPDIR", "", 1);
        nl_store *store = nl_store_open_scratch(loop, NULL);
        assert_non_null(store);
        nl_store_close(store);
    }
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
}

/* --- on its way ---------------------------------------------------------------------------- */

/* Another connection has the database: the writer waits, and what was submitted is not there yet.
 */
static void what_is_not_written_yet_is_found_all_the_same(void **state) {
    (void)state;
    sqlite3 *db = NULL;
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    const nl_store_run_options options = { .phase = "other", .version = "", .fingerprint = "f" };
    nl_store_run *other = nl_store_run_open(store, &options, NULL, NULL);
    assert_int_equal(sqlite3_open(store_path(dir, "nlsql.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int pass = 0; pass < 2; pass++) { /* the first lot is at the writer's, the second queued */
        assert_true(store_put_turn(run, "a", 1, 1, 1, NULL, NULL, NULL));
        assert_true(store_put_call(other, "r1", 1, "of the other", 0, 0));
        assert_true(store_put_call(run, "r2", 1, NULL, 0, 0));
        assert_true(store_put_call(run, "r1", 2, "second", 0, 0));
        assert_true(store_put_call(run, "r1", 1, "first", 0, 0));
        assert_true(store_put_call(run, pass ? "late" : "early", 1, "there", 0, 0));
        usleep(60000);
    }
    store_assert_recall(run, "r1", 1, "first");
    store_assert_recall(run, "r1", 2, "second");
    store_assert_recall(other, "r1", 1, "of the other");
    store_assert_recall(run, "early", 1, "there");
    store_assert_recall(run, "late", 1, "there");
    store_assert_recall(run, "r2", 1, NULL);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_true(store_flush(loop, store, NULL));
    assert_int_equal(sqlite3_exec(db, "DELETE FROM call", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    store_assert_recall(run, "r1", 1, NULL); /* somebody took it away: it is asked for again */
    nl_store_close(store);
}

/* --- the lock, looked at ------------------------------------------------------------------- */

static void a_holder_without_a_number_is_somebody(void **state) {
    (void)state;
    int64_t pid = 0;
    nl_store *store = store_open(loop, dir);
    nl_store_view *view = nl_store_view_open(store_path(dir, "nlsql.db"), NULL);
    store_write(store_path(dir, "nlsql.db.lock"), "");
    assert_true(nl_store_view_holder(view, &pid, NULL));
    assert_int_equal(pid, -1);
    nl_store_view_close(view);
    nl_store_view_close(NULL);
    nl_store_cursor_free(NULL);
    nl_store_close(store);
}

/* --- who waits for money ------------------------------------------------------------------- */

static unsigned answers;

static void count_answer(void *ctx, int64_t id, const nl_err *err) {
    (void)ctx;
    (void)err;
    answers += id > 0;
}

static void anybody_in_line_may_leave_it(void **state) {
    (void)state;
    nl_store_wait *waits[5];
    nl_store *store = store_open(loop, dir);
    answers = 0;
    nl_store_set_budget(store, 100);
    int64_t held = store_reserve(loop, store, 100, NULL);
    for (int i = 0; i < 5; i++)
        waits[i] = nl_store_reserve(store, 20, count_answer, NULL, NULL);
    nl_store_reserve_cancel(waits[2]); /* in the middle, */
    nl_store_reserve_cancel(waits[0]); /* the first, */
    nl_store_reserve_cancel(waits[4]); /* and the last */
    assert_true(nl_store_settle(store, held, 0, NULL));
    assert_true(store_flush(loop, store, NULL));
    assert_int_equal(answers, 2);
    int64_t spent, reserved;
    nl_store_ledger(store, &spent, &reserved);
    assert_int_equal(reserved, 40);
    nl_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_is_not_opened_where_a_statement_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_turn_is_whole_or_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ledger_that_cannot_be_read_is_told_at_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(files_that_say_they_are_what_they_are_not_are_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_do_not_fit_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_short_name_in_this_folder_is_one_like_any, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_long_tail_without_newline_is_somebodys, setup, teardown),
        cmocka_unit_test_setup_teardown(scratch_goes_to_tmp_where_nobody_says_otherwise, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_not_written_yet_is_found_all_the_same, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_holder_without_a_number_is_somebody, setup, teardown),
        cmocka_unit_test_setup_teardown(anybody_in_line_may_leave_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
